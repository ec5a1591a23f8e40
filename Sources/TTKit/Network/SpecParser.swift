/// Reads spec strings character by character, so that messages can point at one.

struct SpecParser {
  private let text: [UInt8]
  private var at = 0
  /// Longer texts are refused before anything is stored.
  private static let longest = 4096

  init(_ text: String) { self.text = Array(text.utf8.prefix(Self.longest + 1)) }

  mutating func parse() throws(TTKitError) -> Spec {
    guard text.count <= Self.longest else {
      throw .invalidArgument("spec is longer than \(Self.longest) characters")
    }
    var terms = [try term()]
    while skip("+") { terms.append(try term()) }
    guard at == text.count else { throw unexpected("'+', '@' or the end") }
    return Spec(terms: terms)
  }

  private mutating func term() throws(TTKitError) -> Spec.Term {
    let format = try call("a format such as dense or low_rank(rank=8)")
    let storage = skip("@") ? try call("a storage such as float16 or int8(group=64)") : nil
    return Spec.Term(format: format, storage: storage)
  }

  private mutating func call(_ expected: String) throws(TTKitError) -> Spec.Call {
    skipSpace()
    let position = at + 1
    guard let name = word() else { throw unexpected(expected) }
    var arguments: [Spec.Argument] = []
    guard skip("(") else { return Spec.Call(name, position: position) }
    if skip(")") { return Spec.Call(name, position: position) }
    repeat {
      skipSpace()
      let position = at + 1
      guard let key = word() else { throw unexpected("a key such as rank") }
      guard skip("=") else { throw unexpected("'=' after \(key)") }
      guard !arguments.contains(where: { $0.key == key }) else {
        throw error("\(key) is given twice", at: position)
      }
      arguments.append(Spec.Argument(key, try value(), position: position))
    } while skip(",")
    guard skip(")") else { throw unexpected("',' or ')'") }
    return Spec.Call(name, arguments, position: position)
  }

  private mutating func value() throws(TTKitError) -> Spec.Value {
    skipSpace()
    let position = at + 1
    if at < text.count,
      isDigit(text[at]) || text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: ".")
    {
      let start = at
      while at < text.count, isNumberPart(at) { at += 1 }
      return try number(String(decoding: text[start..<at], as: UTF8.self), position)
    }
    guard let name = word() else { throw unexpected("a value") }
    return .word(name)
  }

  private func number(_ literal: String, _ position: Int) throws(TTKitError) -> Spec.Value {
    if literal.contains("x") {
      var sizes: [Int] = []
      for part in literal.split(separator: "x", omittingEmptySubsequences: false) {
        guard let size = Int(part) else {
          throw error("'\(literal)' is not a list of whole numbers such as 8x8x6", at: position)
        }
        sizes.append(size)
      }
      return .list(sizes)
    }
    if let whole = Int(literal) { return .integer(whole) }
    if let real = Double(literal), real.isFinite { return .number(real) }
    throw error("'\(literal)' is not a number", at: position)
  }

  /// A letter, then letters, digits and underscores.
  private mutating func word() -> String? {
    let start = at
    while at < text.count, isLetter(text[at]) || (at > start && isDigit(text[at])) { at += 1 }
    return at > start ? String(decoding: text[start..<at], as: UTF8.self) : nil
  }

  private mutating func skip(_ symbol: Unicode.Scalar) -> Bool {
    skipSpace()
    guard at < text.count, text[at] == UInt8(ascii: symbol) else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while at < text.count, text[at] == 32 || (9...13).contains(text[at]) { at += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  private func isLetter(_ byte: UInt8) -> Bool {
    (97...122).contains(byte) || (65...90).contains(byte) || byte == UInt8(ascii: "_")
  }

  /// Digits, '.', 'e', 'x', and a sign at the start or after 'e'.
  private func isNumberPart(_ i: Int) -> Bool {
    let byte = text[i]
    if isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "x") { return true }
    if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") { return true }
    let sign = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
    if !sign || i == 0 { return sign }
    let before = text[i - 1]
    if before == UInt8(ascii: "e") || before == UInt8(ascii: "E") { return true }
    return byte == UInt8(ascii: "-") && before == UInt8(ascii: "=")
  }

  private func unexpected(_ expected: String) -> TTKitError {
    let found = at < text.count ? "'\(Character(Unicode.Scalar(text[at])))'" : "the end"
    return error("found \(found), expected \(expected)", at: at + 1)
  }

  private func error(_ sentence: String, at position: Int) -> TTKitError {
    .invalidArgument("spec, character \(position): \(sentence)")
  }
}
