/// W = A · B with a thin inner dimension.
public struct LowRank: Format {
  public static let name = "low_rank"
  public let limit: RankLimit

  public init(rank: Int) { limit = RankLimit(ranks: [rank]) }
  private init(limit: RankLimit) { self.limit = limit }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    limit = try RankLimit(&arguments)
    try limit.check(arguments, bonds: 1, example: "low_rank(rank=64)")
  }

  public var call: Spec.Call { Spec.Call(Self.name, limit.arguments) }

  /// W[i, j] = Σ_r A[i, r] B[r, j]; (rows + columns) · rank numbers.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    let i = Axis("i", rows)
    let j = Axis("j", columns)
    let r = Axis("r", limit.rank(0, full: min(rows, columns)))
    return Equation(rows: [i], columns: [j], operands: [[i, r], [r, j]])
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> LowRank {
    try requireAxes(coreShapes, count: 2, axes: 2)
    let format = LowRank(limit: .reached([coreShapes[0][1]]))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }
}
