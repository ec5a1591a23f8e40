/// Every row of a table as a tensor train of its own: rows share nothing.
///
/// A rank pays only while Σ r[k] n[k] r[k+1] stays below the length of a row; a `train_matrix` over the
/// whole table shares its cores between rows and needs fewer numbers at equal error.
/// Source: M. Xu et al., TensorGPT, arXiv 2307.00526.
public struct TokenTrain: Format {
  public static let name = "token_train"
  public let lengths: [Int]
  public let limit: RankLimit

  private init(_ lengths: [Int], _ limit: RankLimit) {
    (self.lengths, self.limit) = (lengths, limit)
  }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let example = "token_train(shape=8x8x12, rank=2)"
    lengths = try arguments.required(try arguments.sizes("shape"), "shape", example)
    limit = try RankLimit(&arguments)
    try limit.check(arguments, bonds: lengths.count - 1, example: example)
    guard limit.rtol == 0 else {
      throw .invalidArgument(
        "token_train knows no rtol: rows have their ranks in common; give a rank")
    }
  }

  public var call: Spec.Call {
    let shape: Spec.Value = lengths.count == 1 ? .integer(lengths[0]) : .list(lengths)
    return Spec.Call(Self.name, [Spec.Argument("shape", shape)] + limit.arguments)
  }

  /// Core k is (rows, r[k], n[k], r[k+1]).
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    let shape = TrainShape(rows: [rows], columns: lengths, limit: limit)
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let ranks = [1] + shape.ranks(lengths) + [1]
    let row = Axis("i", rows)
    let axes = lengths.enumerated().map { Axis("j\($0)", $1) }
    let operands = axes.enumerated().map { (k, axis) in
      [row, Axis("r\(k)", ranks[k]), axis, Axis("r\(k + 1)", ranks[k + 1])]
    }
    for axes in operands { _ = try checkedProduct(axes.map(\.length)) }
    return Equation(rows: [row], columns: axes, operands: operands)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> TokenTrain {
    try requireAxes(coreShapes, count: lengths.count, axes: 4)
    let format = TokenTrain(lengths, .reached(coreShapes.dropLast().map { $0[3] }))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }

  /// TT-SVD of every row: within √(d−1) of the best error at these ranks.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let rows = matrix.shape[0]
    var cores: [Tensor<T>] = []
    var rest = matrix.reshaped([rows, 1, matrix.shape[1]])
    for k in 0..<(lengths.count - 1) {
      // Parts of a live matrix, so products fit.
      let (r, n) = (rest.shape[1], lengths[k])
      let width = rest.count / (rows * r * n)
      let (u, v) = try blockSVD(
        rest.reshaped([rows, r * n, width]), cap: limit.cap(k), rtol: 0, balanced: false,
        executor: executor)
      cores.append(u.reshaped([rows, r, n, u.shape[2]]))
      rest = v
    }
    return cores + [rest.reshaped([rows, rest.shape[1], lengths[lengths.count - 1], 1])]
  }
}
