/// A small full core with one thin matrix for each factor of rows and columns.
///
/// Source: L. R. Tucker, Some mathematical notes on three-mode factor analysis, Psychometrika 1966.
public struct TuckerLinear: Format {
  public static let name = "tucker"
  public let shape: TrainShape
  /// A core has one axis a factor, and arrays have at most 64.
  private static let mostModes = 64

  private init(shape: TrainShape) { self.shape = shape }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let example = "tucker(rows=24x32, columns=32x24, rank=12)"
    shape = try TrainShape(&arguments, bonds: { $0 + $1 }, example: example)
    guard modes.count <= Self.mostModes else {
      throw .invalidArgument(
        "tucker has \(modes.count) factors, expected at most \(Self.mostModes); merge some")
    }
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  var modes: [Int] { shape.rows + shape.columns }

  /// Rank of mode k is at most its length and the product of all other lengths.
  var ranks: [Int] {
    modes.indices.map { k in
      let others = saturated(modes[..<k] + modes[(k + 1)...])
      return shape.limit.rank(k, full: min(modes[k], others))
    }
  }

  /// Core 0 is (rank[0], rank[1], ..); core 1 + k is (mode[k], rank[k]); modes are the rows' factors,
  /// then the columns'.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    let bonds = ranks.enumerated().map { Axis("s\($0)", $1) }
    _ = try checkedProduct(ranks)
    return Equation(
      rows: rowAxes, columns: columnAxes,
      operands: [bonds] + zip(rowAxes + columnAxes, bonds).map { [$0, $1] })
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> TuckerLinear {
    guard coreShapes.count == modes.count + 1, coreShapes[0].count == modes.count else {
      throw .invalidArgument(
        "tucker has \(modes.count + 1) cores here, the first of \(modes.count) axes; "
          + "found \(coreShapes.count) cores")
    }
    let format = TuckerLinear(
      shape: TrainShape(
        rows: shape.rows, columns: shape.columns, limit: .reached(coreShapes[0])))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }
}
