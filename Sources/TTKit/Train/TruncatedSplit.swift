/// A matrix cut in two by its leading singular vectors, without factorising more of it than that takes.

/// `a` (p, q) as U (p, r) with orthonormal columns times the rest (r, q); the budget chooses r from the
/// singular values and books what goes.
///
/// Four ways, the cheapest that is good enough: where even a bound of the smallest singular value has to
/// stay, no singular vectors at all; large matrices of small rank reduced to the range of a few random
/// combinations of their columns, if the measured loss of that is no more than rounding or a small share of
/// the budget; eigenvectors of a Gram matrix where the tolerance is far above what those resolve, the loss
/// measured again; else the singular value decomposition. Wide matrices are never factorised as a whole.
/// - Parameter expected: a guess of the rank.
func truncatedSplit<T: Scalar>(
  _ a: Tensor<T>, expecting expected: Int, _ budget: inout TruncationBudget<T.Real>,
  cap: Int, _ executor: Executor
) throws(TTKitError) -> (u: Tensor<T>, rest: Tensor<T>) {
  let short = a.shape.min() ?? 0
  if short <= cap, short <= expected, let whole = try unreduced(a, &budget, cap: cap) {
    return whole
  }
  var (matrix, range) = (a, Tensor<T>?.none)
  let width = expected + max(12, expected / 8)
  if short >= 96, 2 * width <= short, let (found, reduced) = try reducedByRange(a, width, &budget) {
    (matrix, range) = (reduced, found)
  }
  let parts: (u: Tensor<T>, rest: Tensor<T>)
  if let coarse = try splitByGram(matrix, &budget, cap: cap) {
    parts = coarse
  } else {
    parts = try truncatedSplit(matrix, executor) { s in budget.keep(s, cap: cap) }
  }
  guard let range else { return parts }
  return (try product(range, parts.u), parts.rest)
}

/// All of `a`, if nothing may be dropped: U = 1 where `a` is wide, else an orthonormal basis of its columns.
private func unreduced<T: Scalar>(
  _ a: Tensor<T>, _ budget: inout TruncationBudget<T.Real>, cap: Int
) throws(TTKitError) -> (u: Tensor<T>, rest: Tensor<T>)? {
  let (p, q) = (a.shape[0], a.shape[1])
  let wide = p <= q
  guard let least = try least(a, wide ? .rows : .columns).map({ T.Real($0) }) else { return nil }
  var trial = budget
  guard trial.keep([T.Real](repeating: least, count: min(p, q)), cap: cap) == min(p, q) else {
    return nil
  }
  if wide {
    budget = trial
    return (try .identity(p), a)
  }
  let u = try GramBasis(a, .columns, gramTriangle(a, .columns)).q
  guard u.shape[1] == q else { return nil }
  budget = trial
  return (u, try product(u, a, .conjugateTransposed, .plain))
}

/// A lower bound of the smallest singular value; nil where it may be a rounding error. In double precision.
private func least<T: Scalar>(
  _ a: Tensor<T>, _ side: BasisSide
) throws(TTKitError) -> Double? {
  func wide<W: Scalar>(_ type: W.Type) throws(TTKitError) -> Double? {
    let triangle = try gramTriangle(a.cast(to: W.self), side)
    return try triangle.rank == a.shape.min() ? 0.5 * leastSingularValue(triangle) : nil
  }
  return try T.dtype == T.Real.dtype ? wide(Double.self) : wide(Complex<Double>.self)
}

/// The same by eigenvectors of the smaller Gram matrix, several times as fast as singular vectors, where what
/// may go is far above the √eps that it resolves; nil where it is not. The loss is formed and measured.
private func splitByGram<T: Scalar>(
  _ a: Tensor<T>, _ budget: inout TruncationBudget<T.Real>, cap: Int
) throws(TTKitError) -> (u: Tensor<T>, rest: Tensor<T>)? {
  let (p, q) = (a.shape[0], a.shape[1])
  let short = min(p, q)
  // Eigenvalues are wrong by a few eps √n of the largest, so that their tail is known to a tenth.
  let resolved = 16 * Double.ulpOfOne * Double(short).squareRoot() * budget.norm * budget.norm
  guard cap < short || budget.stepLimit >= resolved else { return nil }
  let (values, vectors) = try gramEigen(a, p <= q ? .rows : .columns)
  let s = values.reversed().map { T.Real(max($0, 0).squareRoot()) }
  let r = budget.planned(s, cap: cap)
  guard budget.stepLimit >= resolved || r == cap && Double(s[r - 1]) > 1e-5 * Double(s[0]) else {
    return nil
  }
  let leading = try vectors.block(at: [short - r, 0], shape: [r, short])
  let u: Tensor<T>
  if p <= q {
    u = try orthonormalized(columns: leading.transposed([1, 0]).conjugated())
  } else {
    let lengths = s[..<r].reversed().map { 1 / $0 }
    let spanned = try product(a, leading.rowsScaled(by: lengths), .plain, .conjugateTransposed)
    u = try GramBasis(spanned, .columns, gramTriangle(spanned, .columns)).q
    guard u.shape[1] == r else { return nil }
  }
  let rest = try product(u, a, .conjugateTransposed, .plain)
  let loss = try remainder(of: a, u, rest).norm
  guard budget.book(step: loss * loss, within: r == cap ? .infinity : 1) else { return nil }
  return (u, rest)
}

/// `a` (p, q) as U (p, r) times the rest (r, q), by all of its singular values; `rank` chooses r from them.
func truncatedSplit<T: Scalar>(
  _ a: Tensor<T>, _ executor: Executor, rank: ([T.Real]) -> Int
) throws(TTKitError) -> (u: Tensor<T>, rest: Tensor<T>) {
  let (p, q) = (a.shape[0], a.shape[1])
  // Singular vectors are orthonormal to tens of eps only, and S Vᴴ is as far from Uᴴ a; in float32 that
  // would be most of the error of a train.
  func cut(_ u: Tensor<T>) throws(TTKitError) -> (Tensor<T>, Tensor<T>) {
    let basis = try orthonormalized(columns: u)
    return (basis, try product(basis, a, .conjugateTransposed, .plain))
  }
  if q >= 2 * p {
    // aᵀ = Q R, so a = Rᵀ Qᵀ, and a has the left singular vectors of Rᵀ.
    let factor = try triangularFactor(a, transposed: true, executor: executor)
    let (u, s, _) = try svd(factor.transposed([1, 0]))
    return try cut(u.block(at: [0, 0], shape: [p, rank(s)]))
  }
  let (u, s, _) = try svd(a)
  return try cut(u.block(at: [0, 0], shape: [p, rank(s)]))
}

/// Orthonormal columns Q (p, width) and Qᴴ a, if ‖a − Q Qᴴ a‖ is small enough; the loss is booked.
///
/// Source: N. Halko, P.-G. Martinsson, J. A. Tropp, Finding Structure with Randomness, SIAM Review 53
/// (2011), Algorithm 4.1; the loss is measured, not estimated.
private func reducedByRange<T: Scalar>(
  _ a: Tensor<T>, _ width: Int, _ budget: inout TruncationBudget<T.Real>
) throws(TTKitError) -> (range: Tensor<T>, reduced: Tensor<T>)? {
  let q = a.shape[1]
  var random = RandomCores<T>(seed: UInt64(q))
  let sums = try product(a, random.matrix(rows: q, columns: width))
  guard sums.largestComponent > 0 else { return nil }
  let range = try GramBasis(sums, .columns, gramTriangle(sums, .columns)).q
  let reduced = try product(range, a, .conjugateTransposed, .plain)
  let loss = try remainder(of: a, range, reduced).norm
  guard loss * loss <= budget.limit(share: 1.0 / 256, columns: q) else { return nil }
  budget.drop(squared: loss * loss)
  return (range, reduced)
}

extension Tensor where Element: Scalar {
  /// Row i times `factors[i]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @specialized(where Element == Complex<Float>)
  @specialized(where Element == Complex<Double>)
  func rowsScaled(by factors: [Element.Real]) throws(TTKitError) -> Tensor {
    let columns = shape[1]
    return try Tensor(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in
        for i in 0..<shape[0] {
          let factor = Element(real: factors[i])
          for j in 0..<columns { out[i * columns + j] = factor * span[i * columns + j] }
        }
      }
    }
  }
}
