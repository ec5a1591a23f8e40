/// Orthonormal bases by way of Gram matrices, for matrices with one short side.
///
/// Goals, in order: the accuracy of Householder QR; the rank found; nearly all work in products of matrices,
/// which run several times as fast as LAPACK's QR of such shapes.
/// A Gram matrix alone resolves √eps: the basis is orthonormalised twice, and what it leaves of the matrix is
/// formed explicitly and treated the same way until only rounding errors are left.
/// Source of the first two steps: Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa, T. Fukaya, Roundoff error
/// analysis of the CholeskyQR2 algorithm, Electron. Trans. Numer. Anal. 44 (2015).

struct GramBasis<T: Scalar> {
  /// Rows: (k, n), a = factor · q. Columns: (m, k), a = q · factorᴴ. Orthonormal to a few eps.
  let q: Tensor<T>
  /// (short side, k).
  let factor: Tensor<T>
  /// A lower bound of the smallest singular value of `factor`, 0 where none is known.
  let least: Double

  /// - Parameters:
  ///   - a: not zero, scaled near 1 so that squares neither overflow nor underflow.
  ///   - first: what ``gramTriangle(_:_:tolerance:)`` says of it.
  /// - Error: ‖a − factor q‖ <= 8 eps √n ‖a‖, n the long side.
  /// - Complexity: 4 to 6 p² n operations for sides p <= n; at rank p/2 about half.
  init(
    _ a: Tensor<T>, _ side: BasisSide, _ first: PivotedTriangle<T>
  ) throws(TTKitError) {
    let short = side == .rows ? a.shape[0] : a.shape[1]
    let rough = try withoutTriangle(a, first, side)
    let second = try gramTriangle(rough, side, tolerance: 1e-3)
    var q = try withoutTriangle(rough, second, side)
    if second.rank == short {
      self.q = q
      factor = try fullFactor(first, second)
      // The second triangle is near the identity: half is a safe share for it.
      least = try 0.5 * leastSingularValue(first)
      return
    }
    var factor = try coordinates(of: a, q, side)
    let rest = try remainder(a, q, factor, side)
    let allowed = roundingError(of: a)
    guard rest.norm > allowed else {
      (self.q, self.factor) = (q, factor)
      least = second.rank == first.rank ? try 0.5 * leastSingularValue(first) : 0
      return
    }
    try extend(&q, &factor, of: a, by: rest, allowed, side)
    (self.q, self.factor, least) = (q, factor, 0)
  }
}

/// The factor of a matrix of full rank, from small triangles alone: a[p] = L₁ q₁ and q₁[p'] = L₂ q.
private func fullFactor<T: Scalar>(
  _ first: PivotedTriangle<T>, _ second: PivotedTriangle<T>
) throws(TTKitError) -> Tensor<T> {
  let n = first.rank
  return try rowsRestored(product(first.square(), second.restored(n)), first.order)
}

/// The factor F alone with a aᴴ = F Fᴴ, (m, k): what an LQ factorisation calls L, but for its shape.
///
/// - Error: that of Householder QR.
/// - Complexity: at best the Gram matrix and no basis at all, else as ``GramBasis``.
func leftFactor<T: Scalar>(_ a: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  let (m, n) = (a.shape[0], a.shape[1])
  if m >= n { return a }
  let first = try gramTriangle(a, .rows)
  let norm = a.norm
  // The triangle is as accurate as QR's unless the matrix is badly conditioned.
  let isGood = try T.eps * norm * norm <= roundingError(of: a) * leastSingularValue(first) / 4
  if first.rank == m && isGood { return try first.restored(m) }
  let rough = try withoutTriangle(a, first, .rows)
  if first.rank < m {
    // What the basis leaves of random combinations of the rows: eight see all but with odds of 1e-6.
    var random = RandomCores<T>(seed: 0)
    let mix = try random.matrix(rows: 8, columns: m)
    let rest = try remainder(of: product(mix, a), product(mix, first.restored(m)), rough)
    guard rest.norm <= 8 * roundingError(of: a) else {
      return try GramBasis(a, .rows, first).factor
    }
    if isGood { return try first.restored(m) }
  }
  let second = try gramTriangle(rough, .rows, tolerance: 1e-3)
  guard second.rank == first.rank else { return try GramBasis(a, .rows, first).factor }
  return try product(first.restored(m), second.restored(second.rank))
}

/// What Householder QR may leave of `a`.
private func roundingError<T: Scalar>(of a: Tensor<T>) -> Double {
  8 * T.eps * Double(a.shape.max() ?? 1).squareRoot() * a.norm
}

/// a qᴴ (rows) or aᴴ q (columns).
private func coordinates<T: Scalar>(
  of a: Tensor<T>, _ q: Tensor<T>, _ side: BasisSide
) throws(TTKitError) -> Tensor<T> {
  try side == .rows
    ? product(a, q, .plain, .conjugateTransposed) : product(a, q, .conjugateTransposed, .plain)
}

/// a − F q or a − q Fᴴ.
private func remainder<T: Scalar>(
  _ a: Tensor<T>, _ q: Tensor<T>, _ factor: Tensor<T>, _ side: BasisSide
) throws(TTKitError) -> Tensor<T> {
  try side == .rows
    ? remainder(of: a, factor, q) : remainder(of: a, q, factor, .plain, .conjugateTransposed)
}

/// Takes directions of `rest` into the basis until what is left is at most `allowed`.
///
/// One round gains half the digits, so that two suffice; the third is for badly scaled ones.
private func extend<T: Scalar>(
  _ q: inout Tensor<T>, _ factor: inout Tensor<T>, of a: Tensor<T>, by first: Tensor<T>,
  _ allowed: Double, _ side: BasisSide
) throws(TTKitError) {
  var rest = first
  let (axis, full) = (side == .rows ? 0 : 1, a.shape.min() ?? 0)
  for _ in 0..<3 where rest.norm > allowed && q.shape[axis] < full {
    // Directions below the bound stay out: they are noise.
    let bound = allowed * allowed / Double(a.shape.min() ?? 1)
    var more = try withoutTriangle(rest, gramTriangle(rest, side, tolerance: bound), side)
    // Twice is enough (Kahan, Parlett): orthogonal to the old basis, and among each other.
    for _ in 0..<2 {
      more = try remainder(more, q, coordinates(of: more, q, side), side)
      more = try withoutTriangle(more, gramTriangle(more, side, tolerance: 1e-3), side)
    }
    if more.shape[axis] == 0 { return }
    q = try q.joined(more, axis: axis)
    factor = try factor.joined(coordinates(of: a, more, side), axis: 1)
    rest = try remainder(a, q, factor, side)
  }
}

extension Tensor where Element: Scalar {
  /// Two matrices side by side (axis 1) or one below the other (axis 0).
  func joined(_ other: Tensor, axis: Int) throws(TTKitError) -> Tensor {
    var whole = shape
    whole[axis] += other.shape[axis]  // fits: both exist in memory
    var offset = [0, 0]
    offset[axis] = shape[axis]
    return try .assembled(shape: whole, [([0, 0], self), (offset, other)])
  }
}
