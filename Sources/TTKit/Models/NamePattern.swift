/// Patterns for weight names: * stands for any run of characters, ? for any one.

struct NamePattern: Sendable {
  let text: String
  private let scalars: [Unicode.Scalar]

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
  }

  /// True when no character is a wildcard, so that the pattern is a name.
  var isName: Bool { !scalars.contains("*") && !scalars.contains("?") }

  /// Whether the whole of `name` matches; O(pattern · name) at worst.
  func matches(_ name: String) -> Bool {
    let name = Array(name.unicodeScalars)
    var p = 0
    var n = 0
    // Where the latest * stands, and the first character after the run it takes.
    var star: (pattern: Int, name: Int)?
    while n < name.count {
      if p < scalars.count, scalars[p] == "*" {
        star = (p, n)
        p += 1
      } else if p < scalars.count, scalars[p] == "?" || scalars[p] == name[n] {
        p += 1
        n += 1
      } else if let latest = star {
        // The run of the latest * grows by one; earlier ones need not change.
        star = (latest.pattern, latest.name + 1)
        p = latest.pattern + 1
        n = latest.name + 1
      } else {
        return false
      }
    }
    return scalars[p...].allSatisfy { $0 == "*" }
  }
}
