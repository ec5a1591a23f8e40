/// Reads equations character by character, so that messages can point at one.

struct EquationParser {
  private let text: [Character]
  private var at = 0
  private var names: [String] = []
  private var numbers: [String: Int] = [:]
  private var vectors: [IndexVector] = []
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
    var readings = [try term("operand 0")]
    while skip(",") {
      readings.append(try term("operand \(readings.count)"))
      guard readings.count <= Self.mostOperands else {
        throw error("more than \(Self.mostOperands) operands; contract in parts")
      }
    }
    let operands = readings.map { $0.flatMap(\.axes) }
    let inputs = names.count
    var result: [Int]
    if skip("-") {
      guard skip(">") else { throw error("found '-' alone, expected '->'") }
      let start = at
      let places = try term("the result")
      result = places.flatMap(\.axes)
      guard places == result.map({ .plain($0) }) else {
        at = start
        throw error("the result has plain axes only, no windows and no gathered ones")
      }
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
    let isPlain = zip(readings, operands).allSatisfy { $0 == $1.map { .plain($0) } }
    return ContractionEquation(
      operands: operands, result: result, names: names,
      readings: isPlain ? nil : Readings(operands: readings, vectors: vectors))
  }

  /// Axes up to the next ',' or '-' or the end; none is a scalar.
  private mutating func term(_ what: String) throws(TTKitError) -> [AxisReading] {
    var axes: [AxisReading] = []
    while true {
      skipSpace()
      guard at < text.count, text[at].isLetter || text[at] == "{" else {
        if at < text.count, text[at] == "." {
          throw error("'...' is not known; write its axes as letters")
        }
        return axes
      }
      if skip("{") {
        axes.append(try inBraces())
      } else {
        at += 1
        axes.append(.plain(number(String(text[at - 1]))))
      }
      guard axes.count <= Self.mostAxes else {
        throw error("\(what) has too many letters, expected at most \(Self.mostAxes) axes")
      }
    }
  }

  /// A name, a window or a gathered axis, up to the brace behind it.
  private mutating func inBraces() throws(TTKitError) -> AxisReading {
    let start = at
    let first = word()
    if !first.isEmpty, skip("}") { return .plain(number(first)) }
    if !first.isEmpty, skip("[") {
      let axis = word()
      guard !axis.isEmpty, skip("]"), skip("}") else {
        throw error("expected the name of an axis, ']' and '}' behind '{\(first)['")
      }
      return try gathered(first, number(axis), start)
    }
    at = start
    let reading = try window()
    guard skip("}") else { throw malformed }
    return reading
  }

  private mutating func gathered(
    _ name: String, _ axis: Int, _ start: Int
  ) throws(TTKitError) -> AxisReading {
    if let known = vectors.firstIndex(where: { $0.name == name }) {
      guard vectors[known].axis == axis else {
        at = start
        throw error(
          "index vector '\(name)' has the axis '\(names[vectors[known].axis])', found another; give "
            + "it one axis")
      }
      return .gathered(vector: known, axis: axis)
    }
    guard vectors.count < Self.mostAxes else {
      throw error("more than \(Self.mostAxes) index vectors; contract in parts")
    }
    vectors.append(IndexVector(name: name, axis: axis))
    return .gathered(vector: vectors.count - 1, axis: axis)
  }

  /// Terms joined by '+', and an offset at the end.
  private mutating func window() throws(TTKitError) -> AxisReading {
    var terms: [WindowTerm] = []
    repeat {
      let first = word()
      var factor = 1
      var name = first
      if skip("*") {
        factor = try size(first)
        name = word()
      } else if !terms.isEmpty, !first.isEmpty, first.allSatisfy(\.isNumber) {
        return .window(terms: terms, offset: try size(first))
      }
      guard !name.isEmpty, factor > 0 else { throw malformed }
      let axis = number(name)
      guard !terms.contains(where: { $0.axis == axis }) else {
        throw error("axis '\(name)' occurs twice in one window, expected once")
      }
      terms.append(WindowTerm(factor: factor, axis: axis))
    } while skip("+")
    guard skip("-") else { return .window(terms: terms, offset: 0) }
    return .window(terms: terms, offset: -(try size(word())))
  }

  /// A number of 31 bits.
  private func size(_ digits: String) throws(TTKitError) -> Int {
    guard !digits.isEmpty else { throw malformed }
    guard let value = Int32(digits) else {
      throw error("found '\(digits)', expected a number below 2^31")
    }
    return Int(value)
  }

  /// Letters, digits and '_' from here on.
  private mutating func word() -> String {
    skipSpace()
    let start = at
    while at < text.count, text[at].isLetter || text[at].isNumber || text[at] == "_" { at += 1 }
    return String(text[start..<at])
  }

  /// The number of the axis of this name.
  private mutating func number(_ name: String) -> Int {
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

  private var malformed: TTKitError {
    error(
      "expected a name of letters, digits and '_', then '}'; a window is written {2*y+i-1}, a gathered "
        + "axis {i[n]}")
  }

  private func error(_ sentence: String) -> TTKitError {
    .invalidArgument("equation, character \(at + 1): \(sentence)")
  }
}
