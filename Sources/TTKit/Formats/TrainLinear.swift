/// A tensor train over the 2d factors of a matrix: column factors first, then row factors.
///
/// Its middle bond is the matrix rank, so a product with activations is two thin matrices.
/// Source: Z. Yang et al., Quantization-Aware and Tensor-Compressed Training of Transformers for
/// Natural Language Understanding, Interspeech 2023.
public struct TrainLinear: Format {
  public static let name = "train"
  public let shape: TrainShape

  private init(shape: TrainShape) { self.shape = shape }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    shape = try TrainShape(
      &arguments, bonds: { $0 + $1 - 1 }, example: "train(rows=24x32, columns=32x24, rank=30)")
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  /// Mode sizes of the train.
  var modes: [Int] { shape.columns + shape.rows }

  /// Core k is (rank[k], mode[k], rank[k+1]); modes are the columns' factors, then the rows'.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let ranks = [1] + shape.ranks(modes) + [1]
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let operands = (columnAxes + rowAxes).enumerated().map { (k, axis) in
      [Axis("r\(k)", ranks[k]), axis, Axis("r\(k + 1)", ranks[k + 1])]
    }
    return Equation(rows: rowAxes, columns: columnAxes, operands: operands)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> TrainLinear {
    try requireAxes(coreShapes, count: modes.count, axes: 3)
    let ranks = coreShapes.dropLast().map { $0[2] }
    let format = TrainLinear(
      shape: TrainShape(rows: shape.rows, columns: shape.columns, limit: .reached(ranks)))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }
}
