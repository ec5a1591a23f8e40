/// Calls behind ``GramBasis``: Gram matrices, Cholesky factors with pivoting, triangular solutions.
internal import COpenBLAS
internal import CTTKKernels

/// Which side of a matrix an orthonormal basis spans.
enum BasisSide: Sendable {
  /// a = F q, rows of q orthonormal.
  case rows
  /// a = q Fᴴ, columns of q orthonormal.
  case columns
}

/// A triangle L of a pivoted Cholesky factorisation: G[p][:, p] = L Lᴴ, for `order` p.
struct PivotedTriangle<T: Scalar> {
  /// (n, n), row-major; the first `rank` columns on and below the diagonal are L, the rest is unspecified.
  let matrix: Tensor<T>
  let order: [Int]
  let rank: Int

  /// The first `rows` rows of L, (rows, rank), row i at its own place order[i] again.
  func restored(_ rows: Int) throws(TTKitError) -> Tensor<T> {
    try placed(Array(order.prefix(rows)))
  }

  /// The upper left (rank, rank) triangle.
  func square() throws(TTKitError) -> Tensor<T> { try placed(Array(0..<rank)) }

  private func placed(_ places: [Int]) throws(TTKitError) -> Tensor<T> {
    let (n, k) = (matrix.shape[0], rank)
    let buffer = try Buffer<T>(count: checkedProduct([places.count, k]), zeroed: true)
    for (i, place) in places.enumerated() {
      // In bounds: at most k of the n elements of row i; the rest of the row is 0 in L.
      unsafe (buffer.base + place * k).update(
        from: matrix.storage.buffer.base + i * n, count: min(i + 1, k))
    }
    return Tensor(shape: [places.count, k], buffer: buffer)
  }
}

/// `a` aᴴ (rows) or aᴴ `a` (columns), the lower triangle alone.
private func gram<T: Scalar>(
  _ a: Tensor<T>, _ side: BasisSide
) throws(TTKitError) -> Buffer<T> {
  let n = side == .rows ? a.shape[0] : a.shape[1]
  let k = side == .rows ? a.shape[1] : a.shape[0]
  try requireBLASLengths([n, k])
  let gram = try lapackBuffer(T.self, count: checkedProduct([n, n]), column: n)
  let trans = side == .rows ? CblasNoTrans : T.dtype == T.Real.dtype ? CblasTrans : CblasConjTrans
  let (source, lda) = unsafe (UnsafeRawPointer(a.storage.buffer.base), Int32(a.shape[1]))
  let target = unsafe UnsafeMutableRawPointer(gram.base)
  let (length, inner) = (Int32(n), Int32(k))
  // In bounds: the lower triangle of an n x n matrix; rebinding follows the dtype.
  switch T.dtype {
  case .float32:
    unsafe cblas_ssyrk(
      CblasRowMajor, CblasLower, trans, length, inner, 1,
      source.assumingMemoryBound(to: Float.self), lda, 0,
      target.assumingMemoryBound(to: Float.self), length)
  case .float64:
    unsafe cblas_dsyrk(
      CblasRowMajor, CblasLower, trans, length, inner, 1,
      source.assumingMemoryBound(to: Double.self), lda, 0,
      target.assumingMemoryBound(to: Double.self), length)
  case .complex64:
    unsafe cblas_cherk(
      CblasRowMajor, CblasLower, trans, length, inner, 1, source, lda, 0, target, length)
  default:
    unsafe cblas_zherk(
      CblasRowMajor, CblasLower, trans, length, inner, 1, source, lda, 0, target, length)
  }
  return gram
}

/// The Cholesky factor of `a` aᴴ (rows) or aᴴ `a` (columns), cut where the largest diagonal element left
/// is at most `tolerance`, or rounding error.
func gramTriangle<T: Scalar>(
  _ a: Tensor<T>, _ side: BasisSide, tolerance: Double = 0
) throws(TTKitError) -> PivotedTriangle<T> {
  let n = side == .rows ? a.shape[0] : a.shape[1]
  let gram = try gram(a, side)
  var largest = 0.0
  gram.withSpan { g in for i in 0..<n { largest = max(largest, Double(g[i * n + i].realPart)) } }
  let noise = Double(max(n, 4)) * T.eps * largest
  let (order, rank) = try unsafe pivotedCholesky(gram.base, n, T.Real(max(noise, tolerance)))
  return PivotedTriangle(matrix: Tensor(shape: [n, n], buffer: gram), order: order, rank: rank)
}

/// In place, on the row-major lower triangle: column-major LAPACK sees it as the upper one of the conjugate.
private func pivotedCholesky<T: Scalar>(
  _ g: Pointer<T>, _ n: Int, _ tolerance: T.Real
) throws(TTKitError) -> (order: [Int], rank: Int) {
  var (uplo, length, rank, info) = (CChar(UInt8(ascii: "U")), Int32(n), Int32(0), Int32(0))
  let pivots = try Buffer<Int32>(count: n)
  let work = try Buffer<T.Real>(count: 2 * n)  // fits: n² elements exist
  var tol = tolerance
  // One pointer for the whole call: a pointer made of &tol ends with the call that it is an argument of.
  unsafe withUnsafeMutablePointer(to: &tol) { tol in
    switch T.dtype {
    case .float32:
      unsafe spstrf_(
        &uplo, &length, raw(g, Float.self), &length, pivots.base, &rank, raw(tol, Float.self),
        raw(work.base, Float.self), &info)
    case .float64:
      unsafe dpstrf_(
        &uplo, &length, raw(g, Double.self), &length, pivots.base, &rank, raw(tol, Double.self),
        raw(work.base, Double.self), &info)
    case .complex64:
      unsafe cpstrf_(
        &uplo, &length, g, &length, pivots.base, &rank, raw(tol, Float.self),
        raw(work.base, Float.self), &info)
    default:
      unsafe zpstrf_(
        &uplo, &length, g, &length, pivots.base, &rank, raw(tol, Double.self),
        raw(work.base, Double.self), &info)
    }
  }
  precondition(info >= 0, "LAPACK refused argument \(-info)")
  let order = pivots.withSpan { span in span.indices.map { Int(span[$0]) - 1 } }
  return (order, Int(rank))
}

/// The first rank rows (columns) of `a` in the triangle's order, and the triangle taken off: rows (columns)
/// that are orthonormal where rounding lets them.
func withoutTriangle<T: Scalar>(
  _ a: Tensor<T>, _ triangle: PivotedTriangle<T>, _ side: BasisSide
) throws(TTKitError) -> Tensor<T> {
  let k = triangle.rank
  let chosen = try gathered(a, Array(triangle.order.prefix(k)), side)
  solve(triangle.matrix, k, chosen, side)
  return chosen
}

/// b becomes L⁻¹ b (rows) or b L⁻ᴴ (columns), for the (k, k) triangle L; `b` belongs to nobody else yet.
private func solve<T: Scalar>(_ l: Tensor<T>, _ k: Int, _ b: Tensor<T>, _ side: BasisSide) {
  let place = side == .rows ? CblasLeft : CblasRight
  let trans =
    side == .rows ? CblasNoTrans : T.dtype == T.Real.dtype ? CblasTrans : CblasConjTrans
  let (m, n) = (Int32(b.shape[0]), Int32(b.shape[1]))
  let (lda, ldb) = (Int32(l.shape[1]), Int32(b.shape[1]))
  if m == 0 || n == 0 { return }
  let triangle = unsafe UnsafeRawPointer(l.storage.buffer.base)
  let target = unsafe UnsafeMutableRawPointer(b.storage.buffer.base)
  // In bounds: k rows (columns) of b, the upper left of l.
  switch T.dtype {
  case .float32:
    unsafe cblas_strsm(
      CblasRowMajor, place, CblasLower, trans, CblasNonUnit, m, n, 1,
      triangle.assumingMemoryBound(to: Float.self), lda,
      target.assumingMemoryBound(to: Float.self), ldb)
  case .float64:
    unsafe cblas_dtrsm(
      CblasRowMajor, place, CblasLower, trans, CblasNonUnit, m, n, 1,
      triangle.assumingMemoryBound(to: Double.self), lda,
      target.assumingMemoryBound(to: Double.self), ldb)
  case .complex64:
    let one: [Float] = [1, 0]
    unsafe one.withUnsafeBufferPointer { one in
      unsafe cblas_ctrsm(
        CblasRowMajor, place, CblasLower, trans, CblasNonUnit, m, n, one.baseAddress!, triangle,
        lda, target, ldb)
    }
  default:
    let one: [Double] = [1, 0]
    unsafe one.withUnsafeBufferPointer { one in
      unsafe cblas_ztrsm(
        CblasRowMajor, place, CblasLower, trans, CblasNonUnit, m, n, one.baseAddress!, triangle,
        lda, target, ldb)
    }
  }
}

/// A lower bound of the smallest singular value of a triangle: 1 / ‖L⁻¹‖.
func leastSingularValue<T: Scalar>(_ triangle: PivotedTriangle<T>) throws(TTKitError) -> Double {
  let inverse = try Tensor<T>.identity(triangle.rank)
  solve(triangle.matrix, triangle.rank, inverse, .rows)
  let norm = inverse.norm
  return norm > 0 && norm.isFinite ? 1 / norm : 0
}

/// Row i of `a` at row order[i] of the result.
func rowsRestored<T: Scalar>(_ a: Tensor<T>, _ order: [Int]) throws(TTKitError) -> Tensor<T> {
  let n = a.shape[1]
  let buffer = try Buffer<T>(count: a.count)
  for (i, place) in order.enumerated() {
    // In bounds: `order` permutes the rows, of n elements each.
    unsafe (buffer.base + place * n).update(from: a.storage.buffer.base + i * n, count: n)
  }
  return Tensor(shape: a.shape, buffer: buffer)
}

/// Chosen rows or columns, in the order given.
private func gathered<T: Scalar>(
  _ a: Tensor<T>, _ chosen: [Int], _ side: BasisSide
) throws(TTKitError) -> Tensor<T> {
  let (m, n, k) = (a.shape[0], a.shape[1], chosen.count)
  let size = MemoryLayout<T>.size
  guard side == .columns else {
    let buffer = try Buffer<T>(count: k * n)  // fits: k <= m
    // In bounds: rows of n elements.
    for (i, row) in chosen.enumerated() {
      unsafe (buffer.base + i * n).update(from: a.storage.buffer.base + row * n, count: n)
    }
    return Tensor(shape: [k, n], buffer: buffer)
  }
  let buffer = try Buffer<T>(count: m * k)  // fits: k <= n
  // Elements move as numbers of 4 or 8 bytes, a complex128 as two.
  let parts = size == 16 ? 2 : 1
  let rows = (0..<m).map { $0 * n * parts }
  let columns = chosen.flatMap { j in (0..<parts).map { j * parts + $0 } }
  let (source, target) = unsafe (
    UnsafeRawPointer(a.storage.buffer.base), UnsafeMutableRawPointer(buffer.base)
  )
  // In bounds: m rows of k chosen columns, each smaller than n.
  if size == 4 {
    unsafe ttkk_gather_f32(
      target.assumingMemoryBound(to: Float.self), columns.count,
      source.assumingMemoryBound(to: Float.self), m, rows, columns.count, columns)
  } else {
    unsafe ttkk_gather_f64(
      target.assumingMemoryBound(to: Double.self), columns.count,
      source.assumingMemoryBound(to: Double.self), m, rows, columns.count, columns)
  }
  return Tensor(shape: [m, k], buffer: buffer)
}
