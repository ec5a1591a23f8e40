/// A tensor train whose cores share no parameters over the indices they pass by.
///
/// With factors rows = (a, b), columns = (c, e): W[(a b), (c e)] = Σ_s L[a, b, c, s] R[s, b, c, e].
/// The grid of slices at fixed (b, c) is A x E each, of rank s, free of one another.
/// Source: S. Qiu et al., Compute Better Spent: Replacing Dense Layers with Structured Matrices, ICML
/// 2024, equation 2; our core k is theirs counted from the other end.
public struct BlockTensorTrain: Format {
  public static let name = "block_tensor_train"
  public let shape: TrainShape

  init(rows: [Int], columns: [Int], limit: RankLimit) {
    shape = TrainShape(rows: rows, columns: columns, limit: limit)
  }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    shape = try TrainShape(
      &arguments, bonds: { (rows, _) in rows - 1 },
      example: "block_tensor_train(rows=32x32, columns=32x32, rank=4)")
    try shape.requirePairs(Self.name, atLeast: 2)
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  /// Core k is (rank[k], rows[k], .., rows[d-1], columns[0], .., columns[k], rank[k+1]), without the
  /// ranks at the ends. Numbers and multiply-adds a row are equal: every number is used once.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let d = shape.rows.count
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    var operands: [[Axis]] = []
    var bond: [Axis] = []
    for k in 0..<d {
      var core = bond + rowAxes[k...] + columnAxes[...k]
      if k + 1 < d {
        let left = saturated([bond.first?.length ?? 1, shape.rows[k]])
        let full = min(left, saturated(shape.columns[(k + 1)...]))
        bond = [Axis("r\(k + 1)", shape.limit.rank(k, full: full))]
        core += bond
      }
      _ = try checkedProduct(core.map(\.length))
      operands.append(core)
    }
    return Equation(rows: rowAxes, columns: columnAxes, operands: operands)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> BlockTensorTrain {
    let d = shape.rows.count
    guard coreShapes.count == d, coreShapes.allSatisfy({ !$0.isEmpty }) else {
      throw .invalidArgument("\(Self.name) has \(d) cores here, found \(coreShapes.count)")
    }
    let ranks = coreShapes.dropLast().map { $0[$0.count - 1] }
    let format = BlockTensorTrain(
      rows: shape.rows, columns: shape.columns, limit: .reached(ranks))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }
}
