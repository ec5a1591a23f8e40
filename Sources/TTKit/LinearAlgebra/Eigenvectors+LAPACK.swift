/// Eigenvectors of general square matrices by LAPACK.
internal import COpenBLAS

/// Right eigenvectors of `a` (n, n), float64 or complex128, as the columns of an (n, n) matrix.
///
/// A complex pair of a real matrix leaves its real and its imaginary part in two neighbouring columns.
/// - Throws: `.notConverged`, `.nonFinite`, `.outOfMemory`, `.sizeOverflow`.
func eigenvectors<T: Scalar>(_ a: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape.count == 2 && a.shape[0] == a.shape[1], "square matrices only")
  precondition(T.Real.dtype == .float64, "double precision only")
  guard a.isFinite else { throw .nonFinite("a matrix of an eigenproblem holds NaN or infinity") }
  let n = a.shape[0]
  guard n > 0, n <= 1 << 15 else {
    throw .sizeOverflow("an eigenproblem of order \(n), expected 1 to \(1 << 15)")
  }
  // Column-major: LAPACK is given the transpose of our transpose.
  let work = try lapackCopy(a.transposed([1, 0]))
  let values = try Buffer<T>(count: 2 * n)
  let vectors = try lapackBuffer(T.self, count: n * n, column: n)
  let real = try Buffer<Double>(count: 2 * n)
  var failed: Int32 = 0
  try unsafe withWorkspace(T.self, column: n) { (w, length, info) in
    unsafe geev(n, work.base, values.base, vectors.base, w, length, real.base, info)
    if unsafe info.pointee > 0 { unsafe (failed, info.pointee) = (info.pointee, 0) }
  }
  guard failed == 0 else { throw .notConverged("an eigenproblem of order \(n) did not converge") }
  return try Tensor(shape: [n, n], buffer: vectors).transposed([1, 0])
}

private func geev<T: Scalar>(
  _ n: Int, _ a: UnsafeMutablePointer<T>, _ values: UnsafeMutablePointer<T>,
  _ vectors: UnsafeMutablePointer<T>, _ work: UnsafeMutablePointer<T>, _ length: Int,
  _ real: UnsafeMutablePointer<Double>, _ info: UnsafeMutablePointer<Int32>
) {
  var (order, length) = (Int32(n), Int32(clamping: length))
  var (one, left, right) = (Int32(1), CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "V")))
  guard T.dtype == .float64 else {
    unsafe zgeev_(
      &left, &right, &order, a, &order, values, nil, &one, vectors, &order, work, &length, real,
      info)
    return
  }
  // Rebinding is right: T is Double; values holds 2n, the real and the imaginary parts.
  unsafe a.withMemoryRebound(to: Double.self, capacity: n * n) { a in
    unsafe values.withMemoryRebound(to: Double.self, capacity: 2 * n) { values in
      unsafe vectors.withMemoryRebound(to: Double.self, capacity: n * n) { vectors in
        unsafe work.withMemoryRebound(to: Double.self, capacity: max(Int(length), 1)) { work in
          unsafe dgeev_(
            &left, &right, &order, a, &order, values, values + n, nil, &one, vectors, &order, work,
            &length, info)
        }
      }
    }
  }
}
