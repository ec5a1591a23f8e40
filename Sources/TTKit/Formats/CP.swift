/// A sum of R product tensors over the factors of rows and columns (canonical decomposition).
///
/// As a matrix of rank R whose two thin factors are column-wise Kronecker products.
public struct CP: Format {
  public static let name = "cp"
  public let shape: TrainShape

  private init(shape: TrainShape) { self.shape = shape }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let example = "cp(rows=24x32, columns=32x24, rank=16)"
    shape = try TrainShape(&arguments, bonds: { (_, _) in 1 }, example: example)
    guard shape.limit.rtol == 0 else {
      throw .invalidArgument("cp knows no rtol: no method finds the smallest rank; give a rank")
    }
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  var modes: [Int] { shape.rows + shape.columns }
  var rank: Int { shape.limit.cap(0) }

  /// Core k is (mode[k], rank), modes are the rows' factors, then the columns'; the rank is one axis
  /// of all cores: Σ mode[k] · rank numbers.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    let r = Axis("r", rank)
    for mode in modes { _ = try checkedProduct([mode, rank]) }
    return Equation(
      rows: rowAxes, columns: columnAxes, operands: (rowAxes + columnAxes).map { [$0, r] })
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> CP {
    try requireAxes(coreShapes, count: modes.count, axes: 2)
    let format = CP(
      shape: TrainShape(
        rows: shape.rows, columns: shape.columns, limit: .reached([coreShapes[0][1]])))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }
}
