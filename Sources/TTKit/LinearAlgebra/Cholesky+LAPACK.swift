/// Cholesky factors of symmetric positive definite matrices, and inverses of triangles.
internal import COpenBLAS

/// The lower triangle L with `a` = L Lᵀ, zeros above; nil when `a` is not positive definite.
func choleskyFactor(_ a: Tensor<Double>) throws(TTKitError) -> Tensor<Double>? {
  let n = a.shape[0]
  let factor = unsafe try triangle(a) { (work, n, info) in
    // Row-major lower is LAPACK's upper; in bounds: n x n numbers.
    unsafe factorize(work, n, &info)
  }
  guard let factor else { return nil }
  return try Tensor<Double>(shape: [n, n]) { out in
    factor.withSpan { span in
      for i in 0..<n { for j in 0..<n { out[i * n + j] = j <= i ? span[i * n + j] : 0 } }
    }
  }
}

/// The inverse of a lower triangle without zeros on its diagonal.
func triangularInverse(_ l: Tensor<Double>) throws(TTKitError) -> Tensor<Double> {
  let inverse = unsafe try triangle(l) { (work, n, info) in
    unsafe invert(work, n, &info)
  }
  guard let inverse else { throw .internal("a Cholesky factor has a zero on its diagonal") }
  return inverse
}

private func triangle(
  _ a: Tensor<Double>, _ call: (UnsafeMutablePointer<Double>, Int32, inout Int32) -> Void
) throws(TTKitError) -> Tensor<Double>? {
  precondition(a.shape.count == 2 && a.shape[0] == a.shape[1], "square matrices only")
  guard a.shape[0] <= Int(Int32.max) else {
    throw .sizeOverflow("a matrix of \(a.shape[0]) rows exceeds LAPACK's lengths")
  }
  let work = try Buffer<Double>(count: a.count)
  // In bounds: both hold a.count numbers.
  unsafe work.base.update(from: a.storage.buffer.base, count: a.count)
  var info: Int32 = 0
  unsafe call(work.base, Int32(a.shape[0]), &info)
  precondition(info >= 0, "LAPACK refused argument \(-info)")
  return info == 0 ? Tensor(shape: a.shape, buffer: work) : nil
}

private func factorize(_ a: UnsafeMutablePointer<Double>, _ n: Int32, _ info: inout Int32) {
  var (n, upper) = (n, CChar(UInt8(ascii: "U")))
  var leading = max(n, 1)
  unsafe dpotrf_(&upper, &n, a, &leading, &info)
}

private func invert(_ a: UnsafeMutablePointer<Double>, _ n: Int32, _ info: inout Int32) {
  var (n, upper, plain) = (n, CChar(UInt8(ascii: "U")), CChar(UInt8(ascii: "N")))
  var leading = max(n, 1)
  unsafe dtrtri_(&upper, &plain, &n, a, &leading, &info)
}
