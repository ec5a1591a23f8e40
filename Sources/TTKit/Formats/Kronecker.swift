/// W = A ⊗ B ⊗ ...: a TT-matrix of rank 1.
public struct Kronecker: Format {
  public static let name = "kronecker"
  public let shape: TrainShape

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    shape = try TrainShape(paired: &arguments, example: "kronecker(rows=32x24, columns=24x32)")
    try shape.requirePairs(Self.name, atLeast: 1)
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  /// Core k is (rows[k], columns[k]): Σ rows[k] · columns[k] numbers.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    return Equation(
      rows: rowAxes, columns: columnAxes, operands: zip(rowAxes, columnAxes).map { [$0, $1] })
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Kronecker {
    try requireShapes(coreShapes, rows: rows, columns: columns)
    return self
  }
}
