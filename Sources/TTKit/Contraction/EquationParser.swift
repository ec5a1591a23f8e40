/// Reads equations character by character, so that messages can point at one.

struct EquationParser {
  private let text: [Character]
  private var at = 0
  private var names: [String] = []
  private var numbers: [String: Int] = [:]
  /// Longer texts are refused before anything is stored.
  private static let longest = 65536
  /// Most axes of an operand: of an array.
  private static let mostAxes = 64
  static let mostOperands = 256

  init(_ text: String) { self.text = Array(text.prefix(Self.longest + 1)) }

  mutating func parse() throws(TTKitError) -> ContractionEquation {
    guard text.count <= Self.longest else {
      throw .invalidArgument("equation is longer than \(Self.longest) characters")
    }
    var operands = [try term("operand 0")]
    while skip(",") {
      operands.append(try term("operand \(operands.count)"))
      guard operands.count <= Self.mostOperands else {
        throw error("more than \(Self.mostOperands) operands; contract in parts")
      }
    }
    let inputs = names.count
    var result: [Int]
    if skip("-") {
      guard skip(">") else { throw error("found '-' alone, expected '->'") }
      let start = at
      result = try term("the result")
      if names.count > inputs {
        throw .invalidArgument(
          "equation: axis '\(names[inputs])' of the result occurs in no operand")
      }
      if let twice = result.enumerated().first(where: { result[..<$0.offset].contains($0.element) })
      {
        at = start
        throw error("axis '\(names[twice.element])' occurs twice in the result, expected once")
      }
    } else {
      let all = operands.joined()
      var counts = [Int](repeating: 0, count: names.count)
      for axis in all { counts[axis] += 1 }
      result = names.indices.filter { counts[$0] == 1 }.sorted { names[$0] < names[$1] }
    }
    skipSpace()
    guard at == text.count else {
      throw error("found '\(text[at])', expected a letter, {name}, ',' or '->'")
    }
    guard names.count <= AxisSet.capacity else {
      throw ContractionEquation.tooMany(names.count)
    }
    return ContractionEquation(operands: operands, result: result, names: names)
  }

  /// Axes up to the next ',' or '-' or the end; none is a scalar.
  private mutating func term(_ what: String) throws(TTKitError) -> [Int] {
    var axes: [Int] = []
    while true {
      skipSpace()
      guard at < text.count, text[at].isLetter || text[at] == "{" else {
        if at < text.count, text[at] == "." {
          throw error("'...' is not known; write its axes as letters")
        }
        return axes
      }
      axes.append(try axis())
      guard axes.count <= Self.mostAxes else {
        throw error("\(what) has too many letters, expected at most \(Self.mostAxes) axes")
      }
    }
  }

  private mutating func axis() throws(TTKitError) -> Int {
    var name = String(text[at])
    at += 1
    if name == "{" {
      let start = at
      while at < text.count, text[at].isLetter || text[at].isNumber || text[at] == "_" { at += 1 }
      name = String(text[start..<at])
      guard at < text.count, text[at] == "}", !name.isEmpty else {
        throw error("expected a name of letters, digits and '_', then '}'")
      }
      at += 1
    }
    if let known = numbers[name] { return known }
    names.append(name)
    numbers[name] = names.count - 1
    return names.count - 1
  }

  private mutating func skip(_ symbol: Character) -> Bool {
    skipSpace()
    guard at < text.count, text[at] == symbol else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while at < text.count, text[at] == " " || text[at] == "\t" { at += 1 }
  }

  private func error(_ sentence: String) -> TTKitError {
    .invalidArgument("equation, character \(at + 1): \(sentence)")
  }
}
