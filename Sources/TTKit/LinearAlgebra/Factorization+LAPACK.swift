/// QR and SVD of row-major matrices by LAPACK.
///
/// LAPACK is column-major: it sees our A (m, n) as Aᵀ (n, m), so QR is its LQ, and its U is our Vᴴ.
internal import COpenBLAS

/// Thin QR: `a` (m, n) = Q (m, k) · R (k, n), k = min(m, n), columns of Q orthonormal.
///
/// - Throws: `.outOfMemory`; `.sizeOverflow` when a length exceeds LAPACK's 2³¹ − 1.
public func qr<T: Scalar>(
  _ a: Tensor<T>
) throws(TTKitError) -> (q: Tensor<T>, r: Tensor<T>) {
  let (m, n) = try lapackLengths(a)
  let k = min(m, n)
  let work = try lapackCopy(a)
  let tau = try Buffer<T>(count: k)
  try unsafe withWorkspace(T.self) { (w, length, info) in
    unsafe gelqf(n, m, work.base, n, tau.base, w, length, info)
  }
  // Column-major L (n, k) below the diagonal of the first k columns is Rᵀ: row i of R is column i of L.
  let r = try Tensor<T>(shape: [k, n], zeroed: true) { (out) throws(TTKitError) in
    work.withSpan { span in
      for i in 0..<k {
        for j in i..<n { out[i * n + j] = span[i * n + j] }
      }
    }
  }
  // Q's rows past k hold nothing: LAPACK wants Qᵀ (k, m) in an array of leading dimension n >= k.
  try unsafe withWorkspace(T.self) { (w, length, info) in
    unsafe unglq(k, m, k, work.base, n, tau.base, w, length, info)
  }
  if k == n { return (Tensor(shape: [m, n], buffer: work), r) }
  let q = try Tensor<T>(shape: [m, k]) { (out) throws(TTKitError) in
    work.withSpan { span in
      for i in 0..<m {
        for j in 0..<k { out[i * k + j] = span[i * n + j] }
      }
    }
  }
  return (q, r)
}

/// Thin LQ: `a` (m, n) = L (m, k) · Q (k, n), k = min(m, n), rows of Q orthonormal.
public func lq<T: Scalar>(
  _ a: Tensor<T>
) throws(TTKitError) -> (l: Tensor<T>, q: Tensor<T>) {
  let (m, n) = try lapackLengths(a)
  let k = min(m, n)
  let work = try lapackCopy(a)
  let tau = try Buffer<T>(count: k)
  try unsafe withWorkspace(T.self) { (w, length, info) in
    unsafe geqrf(n, m, work.base, n, tau.base, w, length, info)
  }
  let l = try Tensor<T>(shape: [m, k], zeroed: true) { (out) throws(TTKitError) in
    work.withSpan { span in
      for i in 0..<m {
        for j in 0...min(i, k - 1) where k > 0 { out[i * k + j] = span[i * n + j] }
      }
    }
  }
  try unsafe withWorkspace(T.self) { (w, length, info) in
    unsafe ungqr(n, k, k, work.base, n, tau.base, w, length, info)
  }
  if k == m { return (l, Tensor(shape: [m, n], buffer: work)) }
  let q = try Tensor<T>(shape: [k, n]) { (out) throws(TTKitError) in
    work.withSpan { span in
      for i in 0..<(k * n) { out[i] = span[i] }
    }
  }
  return (l, q)
}

/// Thin SVD: `a` (m, n) = U (m, k) · diag(s) · Vᴴ (k, n), s descending, k = min(m, n).
///
/// Divide and conquer (gesdd), and QR iteration (gesvd) when that fails to converge.
/// - Throws: `.nonFinite` for NaN or infinity, which LAPACK does not survive; `.outOfMemory`;
///   `.notConverged` when both fail; `.sizeOverflow` as in ``qr(_:)``.
public func svd<T: Scalar>(
  _ a: Tensor<T>
) throws(TTKitError) -> (u: Tensor<T>, s: [T.Real], vh: Tensor<T>) {
  let (m, n) = try lapackLengths(a)
  let k = min(m, n)
  guard a.isFinite else {
    throw .nonFinite("a \(m) x \(n) matrix holds NaN or infinity; scale the input down")
  }
  // gesdd works in 4k² + 7k numbers, which LAPACK counts in 32 bits without noticing when it wraps.
  guard 4 * k * k + 7 * max(m, n) <= Int(Int32.max) else {
    throw .sizeOverflow(
      "the SVD of a \(m) x \(n) matrix is beyond LAPACK's 32-bit workspace; use smaller modes")
  }
  let u = try lapackBuffer(T.self, count: m * k, column: k)  // fits: k <= n
  let vh = try lapackBuffer(T.self, count: k * n, column: n)  // fits: k <= m
  let s = try Buffer<T.Real>(count: k)
  if k > 0 {
    var info = try unsafe solveSVD(gesdd, a, m, n, u.base, s.base, vh.base)
    if info != 0 { info = try unsafe solveSVD(gesvd, a, m, n, u.base, s.base, vh.base) }
    guard info == 0 else {
      throw .notConverged(
        "the SVD of a \(m) x \(n) matrix did not converge; check the input for extreme values")
    }
  }
  let values = s.withSpan { span in span.indices.map { span[$0] } }
  return (Tensor(shape: [m, k], buffer: u), values, Tensor(shape: [k, n], buffer: vh))
}

// MARK: - Calls

private typealias SVDRoutine<T: Scalar> = (
  Int, Int, Pointer<T>, Pointer<T.Real>, Pointer<T>, Pointer<T>, Int, Pointer<T>, Int,
  Pointer<T.Real>, Pointer<Int32>, Pointer<Int32>
) -> Void

private func lapackLengths<T: Scalar>(_ a: Tensor<T>) throws(TTKitError) -> (Int, Int) {
  precondition(a.shape.count == 2, "factorisation of matrices only")
  guard a.shape.allSatisfy({ $0 <= Int(Int32.max) }) else {
    throw .sizeOverflow(
      "matrix \(describe(a.shape)) exceeds LAPACK's 2^31 - 1 rows or columns; merge modes differently"
    )
  }
  return (a.shape[0], a.shape[1])
}

/// Runs one SVD routine on a copy of `a`; returns LAPACK's info.
private func solveSVD<T: Scalar>(
  _ routine: SVDRoutine<T>, _ a: Tensor<T>, _ m: Int, _ n: Int,
  _ u: Pointer<T>, _ s: Pointer<T.Real>, _ vh: Pointer<T>
) throws(TTKitError) -> Int32 {
  let k = min(m, n)
  let long = max(m, n)
  let work = try lapackCopy(a)
  // Bounds for gesdd with jobz S, complex: 5 k² + 7 k, or 2 k long + 2 k² + k.
  let real = try Buffer<T.Real>(
    count: T.dtype == T.Real.dtype ? 1 : checkedProduct([k, max(5 * k + 7, 2 * long + 2 * k + 1)]))
  let integers = try Buffer<Int32>(count: 8 * k)  // fits: k singular values exist
  var info: Int32 = 0
  var best = T.zero
  unsafe routine(n, m, work.base, s, vh, u, k, &best, -1, real.base, integers.base, &info)
  let length = workspaceLength(best)
  let scratch = try lapackBuffer(T.self, count: length, column: long)
  unsafe routine(
    n, m, work.base, s, vh, u, k, scratch.base, length, real.base, integers.base, &info)
  precondition(info >= 0, "LAPACK refused argument \(-info)")
  return info
}

func geqrf<T: Scalar>(
  _ m: Int, _ n: Int, _ a: Pointer<T>, _ lda: Int, _ tau: Pointer<T>, _ work: Pointer<T>,
  _ length: Int, _ info: Pointer<Int32>
) {
  var (m, n, lda, length) = (Int32(m), Int32(n), Int32(lda), Int32(clamping: length))
  switch T.dtype {
  case .float32:
    unsafe sgeqrf_(
      &m, &n, raw(a, Float.self), &lda, raw(tau, Float.self), raw(work, Float.self), &length, info)
  case .float64:
    unsafe dgeqrf_(
      &m, &n, raw(a, Double.self), &lda, raw(tau, Double.self), raw(work, Double.self), &length,
      info)
  case .complex64:
    unsafe cgeqrf_(&m, &n, a, &lda, tau, work, &length, info)
  default:
    unsafe zgeqrf_(&m, &n, a, &lda, tau, work, &length, info)
  }
}

private func gelqf<T: Scalar>(
  _ m: Int, _ n: Int, _ a: Pointer<T>, _ lda: Int, _ tau: Pointer<T>, _ work: Pointer<T>,
  _ length: Int, _ info: Pointer<Int32>
) {
  var (m, n, lda, length) = (Int32(m), Int32(n), Int32(lda), Int32(clamping: length))
  switch T.dtype {
  case .float32:
    unsafe sgelqf_(
      &m, &n, raw(a, Float.self), &lda, raw(tau, Float.self), raw(work, Float.self), &length, info)
  case .float64:
    unsafe dgelqf_(
      &m, &n, raw(a, Double.self), &lda, raw(tau, Double.self), raw(work, Double.self), &length,
      info)
  case .complex64:
    unsafe cgelqf_(&m, &n, a, &lda, tau, work, &length, info)
  default:
    unsafe zgelqf_(&m, &n, a, &lda, tau, work, &length, info)
  }
}

private func ungqr<T: Scalar>(
  _ m: Int, _ n: Int, _ k: Int, _ a: Pointer<T>, _ lda: Int, _ tau: Pointer<T>, _ work: Pointer<T>,
  _ length: Int, _ info: Pointer<Int32>
) {
  var (m, n, k, lda, length) = (Int32(m), Int32(n), Int32(k), Int32(lda), Int32(clamping: length))
  switch T.dtype {
  case .float32:
    unsafe sorgqr_(
      &m, &n, &k, raw(a, Float.self), &lda, raw(tau, Float.self), raw(work, Float.self), &length,
      info)
  case .float64:
    unsafe dorgqr_(
      &m, &n, &k, raw(a, Double.self), &lda, raw(tau, Double.self), raw(work, Double.self), &length,
      info)
  case .complex64:
    unsafe cungqr_(
      &m, &n, &k, a, &lda, tau, work, &length, info)
  default:
    unsafe zungqr_(
      &m, &n, &k, a, &lda, tau, work, &length, info)
  }
}

private func unglq<T: Scalar>(
  _ m: Int, _ n: Int, _ k: Int, _ a: Pointer<T>, _ lda: Int, _ tau: Pointer<T>, _ work: Pointer<T>,
  _ length: Int, _ info: Pointer<Int32>
) {
  var (m, n, k, lda, length) = (Int32(m), Int32(n), Int32(k), Int32(lda), Int32(clamping: length))
  switch T.dtype {
  case .float32:
    unsafe sorglq_(
      &m, &n, &k, raw(a, Float.self), &lda, raw(tau, Float.self), raw(work, Float.self), &length,
      info)
  case .float64:
    unsafe dorglq_(
      &m, &n, &k, raw(a, Double.self), &lda, raw(tau, Double.self), raw(work, Double.self), &length,
      info)
  case .complex64:
    unsafe cunglq_(
      &m, &n, &k, a, &lda, tau, work, &length, info)
  default:
    unsafe zunglq_(
      &m, &n, &k, a, &lda, tau, work, &length, info)
  }
}

/// Column-major SVD of (m, n); u (m, k), vt (k, n).
private func gesdd<T: Scalar>(
  _ m: Int, _ n: Int, _ a: Pointer<T>, _ s: Pointer<T.Real>, _ u: Pointer<T>, _ vt: Pointer<T>,
  _ k: Int, _ work: Pointer<T>, _ length: Int, _ real: Pointer<T.Real>, _ integers: Pointer<Int32>,
  _ info: Pointer<Int32>
) {
  var (m, n, k, length) = (Int32(m), Int32(n), Int32(k), Int32(clamping: length))
  var (lda, ldu) = (m, m)
  var job = CChar(UInt8(ascii: "S"))
  switch T.dtype {
  case .float32:
    unsafe sgesdd_(
      &job, &m, &n, raw(a, Float.self), &lda, raw(s, Float.self), raw(u, Float.self), &ldu,
      raw(vt, Float.self), &k, raw(work, Float.self), &length, integers, info)
  case .float64:
    unsafe dgesdd_(
      &job, &m, &n, raw(a, Double.self), &lda, raw(s, Double.self), raw(u, Double.self), &ldu,
      raw(vt, Double.self), &k, raw(work, Double.self), &length, integers, info)
  case .complex64:
    unsafe cgesdd_(
      &job, &m, &n, a, &lda, raw(s, Float.self), u, &ldu,
      vt, &k, work, &length, raw(real, Float.self), integers, info)
  default:
    unsafe zgesdd_(
      &job, &m, &n, a, &lda, raw(s, Double.self), u, &ldu,
      vt, &k, work, &length, raw(real, Double.self), integers, info)
  }
}

/// Column-major SVD of (m, n); u (m, k), vt (k, n).
private func gesvd<T: Scalar>(
  _ m: Int, _ n: Int, _ a: Pointer<T>, _ s: Pointer<T.Real>, _ u: Pointer<T>, _ vt: Pointer<T>,
  _ k: Int, _ work: Pointer<T>, _ length: Int, _ real: Pointer<T.Real>, _ integers: Pointer<Int32>,
  _ info: Pointer<Int32>
) {
  var (m, n, k, length) = (Int32(m), Int32(n), Int32(k), Int32(clamping: length))
  var (lda, ldu) = (m, m)
  var job = CChar(UInt8(ascii: "S"))
  var other = job
  switch T.dtype {
  case .float32:
    unsafe sgesvd_(
      &job, &other, &m, &n, raw(a, Float.self), &lda, raw(s, Float.self), raw(u, Float.self), &ldu,
      raw(vt, Float.self), &k, raw(work, Float.self), &length, info)
  case .float64:
    unsafe dgesvd_(
      &job, &other, &m, &n, raw(a, Double.self), &lda, raw(s, Double.self), raw(u, Double.self),
      &ldu,
      raw(vt, Double.self), &k, raw(work, Double.self), &length, info)
  case .complex64:
    unsafe cgesvd_(
      &job, &other, &m, &n, a, &lda, raw(s, Float.self), u, &ldu,
      vt, &k, work, &length, raw(real, Float.self), info)
  default:
    unsafe zgesvd_(
      &job, &other, &m, &n, a, &lda, raw(s, Double.self), u, &ldu,
      vt, &k, work, &length, raw(real, Double.self), info)
  }
}
