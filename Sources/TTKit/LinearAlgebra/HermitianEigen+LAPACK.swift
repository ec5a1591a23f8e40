/// Eigenvalues and eigenvectors of dense Hermitian matrices.
internal import COpenBLAS

/// Eigenvalues of a aᴴ (rows) or aᴴ a (columns), ascending, and eigenvectors as ``hermitianEigen(_:)`` gives
/// them; in double precision within, so that for single precision the square loses nothing.
func gramEigen<T: Scalar>(
  _ a: Tensor<T>, _ side: BasisSide
) throws(TTKitError) -> (values: [Double], vh: Tensor<T>) {
  func wide<W: Scalar>(_ type: W.Type) throws(TTKitError) -> (values: [Double], vh: Tensor<T>) {
    let a = try a.cast(to: W.self)
    let gram =
      try side == .rows
      ? product(a, a, .plain, .conjugateTransposed) : product(a, a, .conjugateTransposed, .plain)
    let (values, vh) = try hermitianEigen(gram)
    return (values.map { Double($0) }, try vh.cast(to: T.self))
  }
  return try T.dtype == T.Real.dtype ? wide(Double.self) : wide(Complex<Double>.self)
}

/// a = V diag(values) Vᴴ for Hermitian `a` (n, n), values ascending; columns of V orthonormal.
///
/// - Returns: the values and Vᴴ, whose row i belongs to value i.
/// - Throws: `.nonFinite`, `.notConverged`, `.outOfMemory`; `.sizeOverflow` past LAPACK's 32-bit workspace.
func hermitianEigen<T: Scalar>(
  _ a: Tensor<T>
) throws(TTKitError) -> (values: [T.Real], vh: Tensor<T>) {
  precondition(a.shape.count == 2 && a.shape[0] == a.shape[1], "square matrices only")
  let size = a.shape[0]
  guard a.isFinite else { throw .nonFinite("a matrix of order \(size) holds NaN or infinity") }
  // Divide and conquer works in 1 + 6 n + 2 n² numbers, which LAPACK counts in 32 bits.
  guard size <= 30_000 else {
    throw .sizeOverflow("eigenvectors of a matrix of order \(size) are beyond LAPACK's workspace")
  }
  let work = try lapackCopy(a)
  let values = try Buffer<T.Real>(count: size)
  let length = 1 + 6 * size + 2 * size * size
  let scratch = try lapackBuffer(T.self, count: length, column: size)
  let real = try Buffer<T.Real>(count: T.dtype == T.Real.dtype ? 1 : length)
  let integers = try Buffer<Int32>(count: 3 + 5 * size)
  var (job, half) = (CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "U")))
  var (n, info) = (Int32(size), Int32(0))
  var (count, integerCount) = (Int32(length), Int32(3 + 5 * size))
  let base = unsafe UnsafeMutableRawPointer(work.base)
  let (w, s) = unsafe (UnsafeMutableRawPointer(values.base), UnsafeMutableRawPointer(scratch.base))
  let r = unsafe UnsafeMutableRawPointer(real.base)
  // Rebinding is right: T's memory layout is the one its dtype names; workspaces have LAPACK's bounds.
  switch T.dtype {
  case .float32:
    unsafe ssyevd_(
      &job, &half, &n, base.assumingMemoryBound(to: Float.self), &n,
      w.assumingMemoryBound(to: Float.self), s.assumingMemoryBound(to: Float.self), &count,
      integers.base, &integerCount, &info)
  case .float64:
    unsafe dsyevd_(
      &job, &half, &n, base.assumingMemoryBound(to: Double.self), &n,
      w.assumingMemoryBound(to: Double.self), s.assumingMemoryBound(to: Double.self), &count,
      integers.base, &integerCount, &info)
  case .complex64:
    var realCount = count
    unsafe cheevd_(
      &job, &half, &n, base, &n, w.assumingMemoryBound(to: Float.self), s, &count,
      r.assumingMemoryBound(to: Float.self), &realCount, integers.base, &integerCount, &info)
  default:
    var realCount = count
    unsafe zheevd_(
      &job, &half, &n, base, &n, w.assumingMemoryBound(to: Double.self), s, &count,
      r.assumingMemoryBound(to: Double.self), &realCount, integers.base, &integerCount, &info)
  }
  precondition(info >= 0, "LAPACK refused argument \(-info)")
  guard info == 0 else {
    throw .notConverged("the eigenvectors of a matrix of order \(size) did not converge")
  }
  // LAPACK saw aᵀ = conj(a) and wrote the columns of conj(V): our rows are those of Vᴴ.
  let rows = Tensor(shape: [size, size], buffer: work)
  return (values.withSpan { span in span.indices.map { span[$0] } }, rows)
}
