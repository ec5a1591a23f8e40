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
  return try unsafe triangularFactor(m, n, executor) {
    (first, count, target, leading) throws(TTKitError) in
    // In bounds: rows first ..< first + count of a; the target has n columns of `leading`.
    unsafe ttkk_copy_strided(
      target, [1, leading], a.storage.buffer.base + first * rowStep, [rowStep, columnStep],
      [count, n], 2, MemoryLayout<T>.size)
  }
}

/// R of the rows of `x`, of so many columns, wherever they lie.
/// - Throws: as above, and `.io`.
func triangularFactor<T: Scalar>(
  _ x: RowSource<T>, columns n: Int, executor: Executor
) throws(TTKitError) -> Tensor<T> {
  try unsafe triangularFactor(x.count / n, n, executor) {
    (first, count, target, leading) throws(TTKitError) in
    let scratch = try Buffer<T>(count: x.needsScratch ? count * n : 0)
    let rows = try unsafe x.rows(first, count, columns: n, scratch: scratch.base)
    // In bounds: count rows of n; the target has n columns of `leading`.
    unsafe ttkk_copy_strided(
      target, [1, leading], rows, [n, 1], [count, n], 2, MemoryLayout<T>.size)
  }
}

/// Copies rows first ..< first + count to a column-major target with a leading dimension.
private typealias RowLoader<T> =
  @Sendable (
    _ first: Int, _ count: Int, _ target: Pointer<T>, _ leading: Int
  ) throws(TTKitError) -> Void

private func triangularFactor<T: Scalar>(
  _ m: Int, _ n: Int, _ executor: Executor, _ load: RowLoader<T>
) throws(TTKitError) -> Tensor<T> {
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
    // In bounds: the factor's own n x n block.
    try unsafe factorPiece(first, last, n, factors.base + piece * n * n, load)
  }
  // A tree in fixed order: piece p takes in piece p + distance.
  var distance = 1
  while distance < pieces {
    for piece in stride(from: 0, to: pieces - distance, by: 2 * distance) {
      let other = (piece + distance) * n
      try unsafe factorPiece(0, n, n, factors.base + piece * n * n) {
        (first, count, target, leading) in
        // In bounds: rows of the other row-major n x n block.
        unsafe ttkk_copy_strided(
          target, [1, leading], factors.base + (other + first) * n, [n, 1], [count, n], 2,
          MemoryLayout<T>.size)
      }
    }
    distance *= 2
  }
  return try Tensor(shape: [n, n], buffer: factors.prefix(n * n))
    .block(at: [0, 0], shape: [min(m, n), n])
}

/// Replaces the row-major upper triangle `r` (n, n) by that of [r; rows], for rows first ..< last.
private func factorPiece<T: Scalar>(
  _ first: Int, _ last: Int, _ n: Int, _ r: Pointer<T>, _ load: RowLoader<T>
) throws(TTKitError) {
  guard last > first, n > 0 else { return }
  let blockRows = min(last - first, max(4 * n, 512))
  let leading = n + blockRows  // fits: n is below 2^28
  let work = try lapackBuffer(T.self, count: checkedProduct([leading, n]), column: leading)
  let tau = try Buffer<T>(count: n)
  let size = MemoryLayout<T>.size
  for row in stride(from: first, to: last, by: blockRows) {
    let count = min(blockRows, last - row)
    // Column-major [r; block]; in bounds: n + count <= leading rows of n columns.
    unsafe ttkk_copy_strided(work.base, [1, leading], r, [n, 1], [n, n], 2, size)
    try unsafe load(row, count, work.base + n, leading)
    try unsafe withWorkspace(T.self) { (w, length, info) in
      unsafe geqrf(n + count, n, work.base, leading, tau.base, w, length, info)
    }
    // The triangle alone: below it lie the reflectors.
    for i in 0..<n {
      unsafe ttkk_copy_strided(
        r + i * n + i, [1], work.base + i * leading + i, [leading], [n - i], 1, size)
    }
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
