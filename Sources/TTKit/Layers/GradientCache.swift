/// Plans of a layer's backward pass, made once for a number of rows.
internal import Synchronization

final class GradientCache: Sendable {
  /// What a plan depends on.
  struct Wish: Hashable, Sendable {
    let term: Int
    let rows: Int
    let x: Bool
    let cores: Bool
    let limit: Int
  }

  private let known = Mutex<[(wish: Wish, plans: [GradientPlan])]>([])
  private static let most = 16
  private let lanes = Mutex<[Int: LaneGradient?]>([:])

  /// The term's backward pass in lanes, made once; nil where there is none.
  func lanes<T: RealScalar>(_ term: Int, _ equation: Equation, _ type: T.Type, outputs: Int)
    -> LaneGradient?
  {
    if let known = lanes.withLock({ $0[term] }) { return known }
    let made = LaneGradient.make(equation, type, outputs: outputs)
    lanes.withLock { $0[term] = .some(made) }
    return made
  }

  /// A plan for each tile of rows, together all rows; each within the limit, or for one row.
  func plans(
    _ equation: Equation, _ dtype: DType, _ wish: Wish
  ) throws(TTKitError) -> [GradientPlan] {
    if let found = known.withLock({ $0.first { $0.wish == wish }?.plans }) { return found }
    let plans = try Self.made(equation, dtype, wish)
    known.withLock { known in
      if known.count >= Self.most { known.removeFirst() }
      known.append((wish, plans))
    }
    return plans
  }

  private static func made(
    _ equation: Equation, _ dtype: DType, _ wish: Wish
  ) throws(TTKitError) -> [GradientPlan] {
    func plan(_ rows: Int) throws(TTKitError) -> GradientPlan {
      let z = Axis("z", rows)
      return try GradientPlan(
        ContractionEquation(
          operands: [[z] + equation.columns] + equation.operands, result: [z] + equation.rows),
        shapes: [[rows] + equation.columns.map(\.length)] + equation.coreShapes, dtype: dtype,
        wanted: [wish.x] + equation.operands.map { _ in wish.cores })
    }
    var tile = wish.rows
    var made = try plan(tile)
    while made.workspaceSize > wish.limit, tile > 1 {
      tile = (tile + 1) / 2
      made = try plan(tile)
    }
    guard tile > 0 else { return [made] }
    var plans = [GradientPlan](repeating: made, count: wish.rows / tile)
    if wish.rows % tile > 0 { plans.append(try plan(wish.rows % tile)) }
    return plans
  }
}
