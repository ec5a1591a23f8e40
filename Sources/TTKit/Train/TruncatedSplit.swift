/// A matrix cut in two by its leading singular vectors, without factorising more of it than that takes.

/// `a` (p, q) as U (p, r) with orthonormal columns times the rest (r, q); the budget chooses r from the
/// singular values and books what goes.
///
/// Wide matrices are never factorised as a whole: U comes from the triangular factor of aᵀ alone, the rest
/// is Uᴴ a. Large ones of small rank are reduced to the range of a few random combinations of their columns
/// first, if the measured loss of that is no more than rounding or a small share of the budget.
/// - Parameters:
///   - expected: a guess of the rank.
///   - share: of what is allowed; nil: this is one of the budget's planned steps.
func truncatedSplit<T: Scalar>(
  _ a: Tensor<T>, expecting expected: Int, _ budget: inout TruncationBudget<T.Real>, share: Double?,
  cap: Int, _ executor: Executor
) throws(TTKitError) -> (u: Tensor<T>, rest: Tensor<T>) {
  let (p, q) = (a.shape[0], a.shape[1])
  var (matrix, range) = (a, Tensor<T>?.none)
  let width = expected + max(12, expected / 8)
  if min(p, q) >= 96, 2 * width <= min(p, q),
    let (found, reduced) = try reducedByRange(a, width: width, &budget)
  {
    (matrix, range) = (reduced, found)
  }
  var dropped: ArraySlice<T.Real> = []
  let (u, rest) = try truncatedSplit(matrix, executor) { s in
    guard let share else { return budget.keep(s, cap: cap) }
    let r = budget.rank(of: s, share: share, cap: cap)
    dropped = s[r...]
    return r
  }
  budget.drop(dropped)
  guard let range else { return (u, rest) }
  return (try product(range, u), rest)
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
  _ a: Tensor<T>, width: Int, _ budget: inout TruncationBudget<T.Real>
) throws(TTKitError) -> (range: Tensor<T>, reduced: Tensor<T>)? {
  let q = a.shape[1]
  var random = SeededGenerator(seed: UInt64(q))
  let signs = try Tensor<T>(shape: [q, width]) { (out) throws(TTKitError) in
    for i in out.indices { out[i] = random.next() >> 63 == 0 ? T.one : T.zero - T.one }
  }
  let range = try qr(product(a, signs)).q
  let reduced = try product(range, a, .conjugateTransposed, .plain)
  let loss = try difference(a, product(range, reduced)).norm
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
