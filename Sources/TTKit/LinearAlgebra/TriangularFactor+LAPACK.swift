/// The R of a QR factorisation alone, for matrices with many rows (TSQR): Q is never formed or stored.
///
/// Goals, in order: as accurate as Householder QR; bits that do not depend on threads; little memory.
/// Source: J. Demmel, L. Grigori, M. Hoemmen, J. Langou, Communication-optimal parallel and sequential
/// QR and LU factorizations, SIAM J. Sci. Comput. 34 (2012).
internal import CTTKKernels

/// R (k, n), k = min(m, n), upper trapezoidal, with aᵀ's rows or a's rows as the rows of the QR:
/// `a` = Q R, or `a`ᵀ = Q R when `transposed` (`a` is (n, m) then).
///
/// - Error: that of Householder QR; RᴴR = aᴴa to rounding relative to ‖a‖.
/// - Complexity: about 2 m n² multiplications; memory (5 n + 512) n per thread.
/// - Throws: `.outOfMemory`; `.sizeOverflow` past LAPACK's lengths.
func triangularFactor<T: Scalar>(
  _ a: Tensor<T>, transposed: Bool = false, executor: Executor = .serial
) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape.count == 2, "factorisation of matrices only")
  let (m, n) = transposed ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
  let (rowStep, columnStep) = transposed ? (1, m) : (n, 1)
  guard n <= Int(Int32.max) / 8 else {
    throw .sizeOverflow("a matrix with \(n) columns exceeds LAPACK's lengths; merge fewer modes")
  }
  // Pieces by shape alone: long enough that merging their factors costs little.
  let pieceRows = max(16 * n, (1 << 18) / max(n, 1), 1)
  let pieces = max(1, min(m / pieceRows, 32))
  let factors = try Buffer<T>(count: checkedProduct([pieces, n, n]), zeroed: true)
  try executor.parallelFor(pieces) { (piece) throws(TTKitError) in
    let first = piece * m / pieces  // fits: at most 32 times a length that exists in memory
    let last = (piece + 1) * m / pieces
    // In bounds: rows first..<last of a; the factor's own n x n block.
    try unsafe factorPiece(
      a.storage.buffer.base + first * rowStep, last - first, n, rowStep, columnStep,
      factors.base + piece * n * n)
  }
  // A tree in fixed order: piece p takes in piece p + distance.
  var distance = 1
  while distance < pieces {
    for piece in stride(from: 0, to: pieces - distance, by: 2 * distance) {
      // In bounds: both blocks are row-major n x n.
      let other = unsafe factors.base + (piece + distance) * n * n
      try unsafe factorPiece(other, n, n, n, 1, factors.base + piece * n * n)
    }
    distance *= 2
  }
  return try Tensor(shape: [n, n], buffer: factors.prefix(n * n))
    .block(at: [0, 0], shape: [min(m, n), n])
}

/// Replaces the row-major upper triangle `r` (n, n) by that of [r; rows], for m more rows.
private func factorPiece<T: Scalar>(
  _ rows: Pointer<T>, _ m: Int, _ n: Int, _ rowStep: Int, _ columnStep: Int, _ r: Pointer<T>
) throws(TTKitError) {
  guard m > 0, n > 0 else { return }
  let blockRows = min(m, max(4 * n, 512))
  let leading = n + blockRows  // fits: n is below 2^28
  let work = try Buffer<T>(count: checkedProduct([leading, n]))
  let tau = try Buffer<T>(count: n)
  let size = MemoryLayout<T>.size
  var first = 0
  while first < m {
    let count = min(blockRows, m - first)
    // Column-major [r; block]; in bounds: n + count <= leading rows of n columns.
    unsafe ttkk_copy_strided(work.base, [1, leading], r, [n, 1], [n, n], 2, size)
    unsafe ttkk_copy_strided(
      work.base + n, [1, leading], rows + first * rowStep, [rowStep, columnStep], [count, n], 2,
      size)
    try unsafe withWorkspace(T.self) { (w, length, info) in
      unsafe geqrf(n + count, n, work.base, leading, tau.base, w, length, info)
    }
    // The triangle alone: below it lie the reflectors.
    for i in 0..<n {
      unsafe ttkk_copy_strided(
        r + i * n + i, [1], work.base + i * leading + i, [leading], [n - i], 1, size)
    }
    first += count
  }
}

extension Buffer {
  /// The first `count` elements in memory of their own.
  fileprivate func prefix(_ count: Int) throws(TTKitError) -> Buffer {
    let result = try Buffer(count: count)
    // In bounds: count <= self.count.
    unsafe result.base.update(from: base, count: count)
    return result
  }
}
