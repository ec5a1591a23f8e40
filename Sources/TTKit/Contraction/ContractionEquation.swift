/// An einsum: which axes each operand has, which the result has; all others are summed over.
///
///     equation   term { "," term } [ "->" term ]
///     term       { axis }                       spaces mean nothing
///     axis       letter | "{" name "}"          "ab,bc->ac", "{row}{inner},{inner}{column}->{row}{column}"
///              | "{" sum "}"                     a window:  "zc{2*y+i-1},oci->zoy"
///              | "{" name "[" name "]" "}"       gathered:  "{i[n]}ar,r{j[n]}b->nab"
///     sum        [ number "*" ] name { "+" [ number "*" ] name } [ ( "+" | "-" ) number ]
///
/// Without "->" the result has the axes that occur once, in alphabetical order. An axis may occur in any
/// number of operands (a batch axis or a hyper-edge), and twice in one operand: its diagonal.
///
/// A window reads an axis at the position its sum says, and zeros beyond both ends. One of its axes may have
/// no length of its own: as many positions as fit, with as many zeros behind the end as before the start.
/// A gathered axis is read at the positions that a vector of integers holds; these vectors follow the
/// operands in the order they are named.
public struct ContractionEquation: Sendable, Equatable {
  /// Axis numbers of each operand as it is read: a window has all axes of its sum.
  public let operands: [[Int]]
  /// Axis numbers of the result.
  public let result: [Int]
  /// Names by axis number.
  public let names: [String]
  /// nil when all axes are plain.
  let readings: Readings?

  init(operands: [[Int]], result: [Int], names: [String], readings: Readings? = nil) {
    self.operands = operands
    self.result = result
    self.names = names
    self.readings = readings
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
  /// - Parameter shapes: of the operands, then of the index vectors.
  /// - Throws: `.invalidArgument` when a shape does not fit its operand, naming axis and operands;
  ///   `.sizeOverflow`.
  public func lengths(_ shapes: [[Int]]) throws(TTKitError) -> [Int] {
    try lengths(shapes, known: [])
  }

  /// - Parameter known: lengths of the first axes, of an equation that this one is the gradient of.
  func lengths(_ shapes: [[Int]], known: [Int]) throws(TTKitError) -> [Int] {
    guard shapes.count == arrayCount else {
      let vectors = readings?.vectors.count ?? 0
      throw .invalidArgument(
        "the equation has \(operands.count) operands\(vectors == 0 ? "" : " and \(vectors) index vectors"), "
          + "\(shapes.count) were given")
    }
    return try AxisLengths(self, shapes, known: known).lengths
  }

  /// The equation as text.
  public var description: String {
    operands.indices.map(spell(operand:)).joined(separator: ",") + "->" + spell(result)
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
