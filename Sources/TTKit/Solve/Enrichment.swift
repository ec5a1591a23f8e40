/// Directions of the residual that the solution's cores do not have yet.

/// A train of low rank that follows the residual b − A x, of which only the interfaces are kept.
struct Enrichment<T: Scalar> {
  var space: TestSpace<T>
  private var random: SeededGenerator

  /// Rank of the residual's train, and columns added to a core in each visit.
  static var rank: Int { 4 }

  init(seed: UInt64) throws(TTKitError) {
    space = try TestSpace()
    random = SeededGenerator(seed: seed)
  }

  /// The residual at core k as seen by x on the left and by the residual's train on the right: columns to
  /// add to the core (a n, ≤ rank); nil if it is below the threshold.
  func directions(
    _ k: Int, _ x: Tensor<T>, _ b: Tensor<T>, _ core: OperatorCore<T>, beside left: TestSpace<T>,
    threshold: Double
  ) throws(TTKitError) -> Tensor<T>? {
    let rest = try residual(k, x, b, core, left)
    let size = rest.norm
    guard size > threshold, size.isFinite else { return nil }
    return try rest.scaled(by: T(real: T.Real(1 / size)))
      .reshaped([x.shape[0] * x.shape[1], space.side.after(k).tensor.shape[0]])
  }

  /// Core k of the residual's train, orthonormal, made of the residual at hand and random columns where
  /// that has fewer than `rank`.
  mutating func test(
    _ k: Int, _ x: Tensor<T>, _ b: Tensor<T>, _ core: OperatorCore<T>
  ) throws(TTKitError) -> Tensor<T> {
    let rest = try residual(k, x, b, core, space)
    let columns = space.side.after(k).tensor.shape[0]
    let rows = rest.count / columns
    let size = rest.norm
    var matrix = rest.reshaped([rows, columns])
    if size > 0, size.isFinite { matrix = try matrix.scaled(by: T(real: T.Real(1 / size))) }
    let missing = min(Self.rank, rows) - columns
    if missing > 0 || !(size > 0) {
      let extra = try randomTensor([rows, max(missing, 1)], &random, as: T.self)
      matrix = try .assembled(
        shape: [rows, columns + extra.shape[1]], [([0, 0], matrix), ([0, columns], extra)])
    }
    let q = try qr(matrix).q
    return q.reshaped([rows / core.rows, core.rows, q.shape[1]])
  }

  /// (left test rank · n · right test rank, 1)
  private func residual(
    _ k: Int, _ x: Tensor<T>, _ b: Tensor<T>, _ core: OperatorCore<T>, _ left: TestSpace<T>
  ) throws(TTKitError) -> Tensor<T> {
    let matrix = try LocalOperator(left.matrix.before, [core], space.matrix.after(k))
    return try left.localSide(b, space.side.after(k)).subtracting(matrix.applied(to: x))
  }
}

/// Numbers of uniform distribution in [−1, 1).
func randomTensor<T: Scalar>(
  _ shape: [Int], _ random: inout SeededGenerator, as type: T.Type
) throws(TTKitError) -> Tensor<T> {
  try Tensor<T>(shape: shape) { out in
    for i in out.indices { out[i] = T(real: T.Real(2 * random.unit() - 1)) }
  }
}
