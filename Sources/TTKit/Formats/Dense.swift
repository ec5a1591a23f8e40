/// The matrix itself: the baseline, and the carrier of storages.
public struct Dense: Format {
  public static let name = "dense"

  public init() {}
  public init(_ arguments: inout SpecArguments) throws(TTKitError) {}

  public var call: Spec.Call { Spec.Call(Self.name) }

  /// W[i, j] = G[i, j].
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    let i = Axis("i", rows)
    let j = Axis("j", columns)
    return Equation(rows: [i], columns: [j], operands: [[i, j]])
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Dense {
    try requireShapes(coreShapes, rows: rows, columns: columns)
    return self
  }
}
