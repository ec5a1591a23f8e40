/// An einsum: which axes each operand has, which the result has; all others are summed over.
///
///     equation   term { "," term } [ "->" term ]
///     term       { axis }                       spaces mean nothing
///     axis       letter | "{" name "}"          "ab,bc->ac", "{row}{inner},{inner}{column}->{row}{column}"
///
/// Without "->" the result has the axes that occur once, in alphabetical order. An axis may occur in any
/// number of operands (a batch axis or a hyper-edge), and twice in one operand: its diagonal.
public struct ContractionEquation: Sendable, Equatable {
  /// Axis numbers of each operand.
  public let operands: [[Int]]
  /// Axis numbers of the result.
  public let result: [Int]
  /// Names by axis number.
  public let names: [String]

  init(operands: [[Int]], result: [Int], names: [String]) {
    self.operands = operands
    self.result = result
    self.names = names
  }

  /// - Throws: `.invalidArgument` that points at the character.
  public init(parsing text: String) throws(TTKitError) {
    var parser = EquationParser(text)
    self = try parser.parse()
  }

  /// The axes by name: for code that builds networks.
  public init(operands: [[Axis]], result: [Axis]) throws(TTKitError) {
    var names: [String] = []
    func numbers(_ axes: [Axis]) -> [Int] {
      axes.map { axis in
        if let known = names.firstIndex(of: axis.name) { return known }
        names.append(axis.name)
        return names.count - 1
      }
    }
    let terms = operands.map(numbers)
    let out = numbers(result)
    self.init(operands: terms, result: out, names: names)
    guard names.count <= AxisSet.capacity else { throw Self.tooMany(names.count) }
  }

  /// Lengths by axis number.
  ///
  /// - Throws: `.invalidArgument` when a shape does not fit its operand, naming axis and operands.
  public func lengths(_ shapes: [[Int]]) throws(TTKitError) -> [Int] {
    guard shapes.count == operands.count else {
      throw .invalidArgument(
        "the equation has \(operands.count) operands, \(shapes.count) were given")
    }
    var lengths = [Int](repeating: 1, count: names.count)
    var owner = [Int?](repeating: nil, count: names.count)
    for (k, (axes, shape)) in zip(operands, shapes).enumerated() {
      guard axes.count == shape.count else {
        throw .invalidArgument(
          "operand \(k) has shape \(describe(shape)), the equation gives it \(axes.count) axes: "
            + "'\(spell(axes))'")
      }
      for (axis, length) in zip(axes, shape) {
        guard length >= 0 else {
          throw .invalidArgument("operand \(k) has the negative length \(length)")
        }
        if let first = owner[axis], lengths[axis] != length {
          throw .invalidArgument(
            "axis '\(names[axis])' has length \(lengths[axis]) in operand \(first) and \(length) in "
              + "operand \(k); axes of one name must agree")
        }
        (lengths[axis], owner[axis]) = (length, k)
      }
    }
    return lengths
  }

  /// The equation as text.
  public var description: String {
    operands.map(spell).joined(separator: ",") + "->" + spell(result)
  }

  /// Axes as they are written in equations.
  func spell(_ axes: some Sequence<Int>) -> String {
    axes.map { names[$0].unicodeScalars.count == 1 ? names[$0] : "{\(names[$0])}" }.joined()
  }

  static func tooMany(_ count: Int) -> TTKitError {
    .invalidArgument(
      "the equation has \(count) axes, expected at most \(AxisSet.capacity); contract in parts")
  }
}
