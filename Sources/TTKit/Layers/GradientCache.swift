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

  private let known = RecentValues<Wish, [GradientPlan]>()
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
    try known.value(of: wish) { () throws(TTKitError) in try Self.made(equation, dtype, wish) }
  }

  /// Gradients of one term, tile by tile.
  ///
  /// - Parameters:
  ///   - x, gradient: (rows, columns) and (rows, rows of the matrix), any strides.
  ///   - gradX, gradCores: where results go; nil for what the wish leaves out.
  func backward(
    _ equation: Equation, _ dtype: DType, _ wish: Wish, x: StridedView, cores: [StridedView],
    gradient: StridedView, gradX: StridedView?, addsX: Bool, gradCores: [StridedView?],
    executor: Executor
  ) throws(TTKitError) {
    let parts = [equation.columns.map(\.length), equation.rows.map(\.length)]
    var start = 0
    for plan in try plans(equation, dtype, wish) {
      let count = plan.resultShape[0]
      func tile(_ view: StridedView, _ digits: [Int]) -> StridedView {
        view.rows(start, count).split([[count], digits], order: Array(0...digits.count))
      }
      // Gradients of cores add up over tiles.
      try plan.execute(
        [tile(x, parts[0])] + cores, above: tile(gradient, parts[1]),
        into: [gradX.map { tile($0, parts[0]) }] + gradCores,
        adding: [addsX] + cores.map { _ in start > 0 }, executor: executor)
      start += count
    }
  }

  private static func made(
    _ equation: Equation, _ dtype: DType, _ wish: Wish
  ) throws(TTKitError) -> [GradientPlan] {
    func plan(_ rows: Int) throws(TTKitError) -> GradientPlan {
      let (network, shapes) = try equation.applied(toRows: rows)
      return try GradientPlan(
        network, shapes: shapes, dtype: dtype,
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
