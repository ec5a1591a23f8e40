/// A tensor train over pairs of row and column factors (TT-matrix, matrix product operator).
///
/// Source: A. Novikov et al., Tensorizing Neural Networks, NIPS 2015.
public struct TrainMatrixFormat: Format {
  public static let name = "train_matrix"
  public let shape: TrainShape

  private init(shape: TrainShape) { self.shape = shape }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let example = "train_matrix(rows=8x8x6x8, columns=4x4x6x8, rank=8)"
    shape = try TrainShape(&arguments, bonds: { (rows, _) in rows - 1 }, example: example)
    try shape.requirePairs(Self.name, atLeast: 1)
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  /// Mode sizes of the train over pairs.
  var modes: [Int] { zip(shape.rows, shape.columns).map { $0 &* $1 } }  // checked in equation

  /// Core k is (rank[k], rows[k], columns[k], rank[k+1]).
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let ranks = [1] + shape.ranks(modes) + [1]
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    let operands = rowAxes.indices.map { k in
      [Axis("r\(k)", ranks[k]), rowAxes[k], columnAxes[k], Axis("r\(k + 1)", ranks[k + 1])]
    }
    return Equation(rows: rowAxes, columns: columnAxes, operands: operands)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> TrainMatrixFormat {
    try requireAxes(coreShapes, count: shape.rows.count, axes: 4)
    let ranks = coreShapes.dropLast().map { $0[3] }
    let format = TrainMatrixFormat(
      shape: TrainShape(rows: shape.rows, columns: shape.columns, limit: .reached(ranks)))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }
}
