/// Dense square systems by LU factorisation with partial pivoting.
internal import COpenBLAS

/// x with a · x = b for `a` (n, n) and one right side b of n elements; nil for a singular matrix.
///
/// - Throws: `.outOfMemory`; `.sizeOverflow` when n exceeds LAPACK's 2³¹ − 1.
func solved<T: Scalar>(
  _ a: Tensor<T>, _ b: Tensor<T>
) throws(TTKitError) -> Tensor<T>? {
  guard let lu = try LUFactors(a) else { return nil }
  let x = try b.copied()
  // LAPACK sees aᵀ, whose transpose it is to solve with; x is this function's alone.
  unsafe lu.solve(transposed: true, x.storage.buffer.base, count: 1)
  return x
}

/// a⁻¹ for `a` (n, n); nil for a singular matrix.
func inverse<T: Scalar>(_ a: Tensor<T>) throws(TTKitError) -> Tensor<T>? {
  guard let lu = try LUFactors(a) else { return nil }
  let x = try Tensor<T>.identity(a.shape[0])
  // LAPACK solves with aᵀ and writes columns: row by row that is the inverse of a itself.
  unsafe lu.solve(transposed: false, x.storage.buffer.base, count: a.shape[0])
  return x
}

/// P L U of a matrix, as LAPACK sees it: of the transpose.
private struct LUFactors<T: Scalar>: ~Copyable {
  private let n: Int32
  private let factors: Buffer<T>
  private let pivots: Buffer<Int32>

  init?(_ a: Tensor<T>) throws(TTKitError) {
    precondition(a.shape.count == 2 && a.shape[0] == a.shape[1], "square matrices only")
    guard a.shape[0] <= Int(Int32.max) else {
      throw .sizeOverflow("matrix \(describe(a.shape)) exceeds LAPACK's 2^31 - 1 rows")
    }
    let factors = try lapackCopy(a)
    let pivots = try Buffer<Int32>(count: a.shape[0])
    var (n, info) = (Int32(a.shape[0]), Int32(0))
    let base = unsafe UnsafeMutableRawPointer(factors.base)
    // Rebinding is right: T's memory layout is the one its dtype names.
    switch T.dtype {
    case .float32:
      unsafe sgetrf_(
        &n, &n, base.assumingMemoryBound(to: Float.self), &n, pivots.base, &info)
    case .float64:
      unsafe dgetrf_(
        &n, &n, base.assumingMemoryBound(to: Double.self), &n, pivots.base, &info)
    case .complex64: unsafe cgetrf_(&n, &n, base, &n, pivots.base, &info)
    default: unsafe zgetrf_(&n, &n, base, &n, pivots.base, &info)
    }
    precondition(info >= 0, "LAPACK refused argument \(-info)")
    guard info == 0 else { return nil }
    self.n = n
    self.factors = factors
    self.pivots = pivots
  }

  /// Overwrites `count` right sides, each n numbers in a row.
  func solve(transposed: Bool, _ x: Pointer<T>, count: Int) {
    var (n, count, info) = (n, Int32(count), Int32(0))
    var trans = CChar(UInt8(ascii: transposed ? "T" : "N"))
    let (a, b) = unsafe (UnsafeMutableRawPointer(factors.base), UnsafeMutableRawPointer(x))
    switch T.dtype {
    case .float32:
      unsafe sgetrs_(
        &trans, &n, &count, a.assumingMemoryBound(to: Float.self), &n, pivots.base,
        b.assumingMemoryBound(to: Float.self), &n, &info)
    case .float64:
      unsafe dgetrs_(
        &trans, &n, &count, a.assumingMemoryBound(to: Double.self), &n, pivots.base,
        b.assumingMemoryBound(to: Double.self), &n, &info)
    case .complex64: unsafe cgetrs_(&trans, &n, &count, a, &n, pivots.base, b, &n, &info)
    default: unsafe zgetrs_(&trans, &n, &count, a, &n, pivots.base, b, &n, &info)
    }
    precondition(info == 0, "LAPACK refused argument \(-info)")
  }
}
