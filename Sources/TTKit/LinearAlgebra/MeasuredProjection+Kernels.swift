/// A projection together with what it loses, in one pass over the matrix.
internal import CTTKKernels

/// y = `x` · `basis`ᵀ (m, r) and ‖x − y · basis‖², for real x (m, k) and basis (r, k).
///
/// The difference is formed strip by strip while the rows of x are in cache, so that it is as accurate as
/// explicit subtraction: ‖x‖² − ‖y‖² would drown everything below 1e-8 ‖x‖ in rounding errors.
/// - Complexity: 4 m k r operations, one read of x.
/// - Throws: `.outOfMemory`, `.sizeOverflow`.
func measuredProjection<T: RealScalar>(
  _ x: Tensor<T>, on basis: Tensor<T>, executor: Executor
) throws(TTKitError) -> (y: Tensor<T>, residual: Double) {
  let (m, k, r) = (x.shape[0], x.shape[1], basis.shape[0])
  precondition(basis.shape == [r, k] && m > 0 && r > 0, "basis does not fit")
  let forward = try packedPanels(basis)
  let backward = try packedPanels(basis.transposed([1, 0]).scaled(by: -1))
  // As in projected(_:on:): a block of x takes about 256 KB.
  let blockRows = max(12, (1 << 15) / k / 12 * 12)
  let blocks = (m - 1) / blockRows + 1
  let losses = try Buffer<Double>(count: blocks)
  let y = try Tensor<T>(shape: [m, r]) { (out) throws(TTKitError) in
    try executor.parallelFill(&out, pieceCount: blockRows * r) {
      (first, part) throws(TTKitError) in
      multiplyPanels(x, first / r, part.count / r, forward, r, &part)
      let loss = try lostSquares(x, first / r, part, backward, r)
      // In bounds: one place for each block.
      unsafe losses.base[first / (blockRows * r)] = loss
    }
  }
  // In order of blocks: the sum does not depend on threads.
  let residual = losses.withSpan { span in span.indices.reduce(0.0) { $0 + span[$1] } }
  return (y, residual)
}

/// ‖rows of x − y · basis‖² for the rows first ..< first + y.count / r.
private func lostSquares<T: RealScalar>(
  _ x: Tensor<T>, _ first: Int, _ y: borrowing MutableSpan<T>, _ panels: borrowing Buffer<T>,
  _ r: Int
) throws(TTKitError) -> Double {
  let k = x.shape[1]
  let rows = y.count / r
  let (height, width) = panelShape(T.self)
  let kernels = unsafe ttkk_active().pointee
  let strip = try Buffer<T>(count: height * k)  // fits: a few rows of a matrix that exists
  var sum = 0.0
  for i in stride(from: 0, to: rows, by: height) {
    let h = min(height, rows - i)
    // In bounds: h rows of x, y and strip; panel p/width serves columns p ..< p + w.
    unsafe strip.base.update(from: x.storage.buffer.base + (first + i) * k, count: h * k)
    unsafe y.withUnsafeBufferPointer { y in
      let source = unsafe UnsafeRawPointer(y.baseAddress! + i * r)
      let packed = unsafe UnsafeRawPointer(panels.base)
      let target = unsafe UnsafeMutableRawPointer(strip.base)
      for p in stride(from: 0, to: k, by: width) {
        let w = min(width, k - p)
        if T.dtype == .float32 {
          let a = unsafe source.assumingMemoryBound(to: Float.self)
          let b = unsafe packed.assumingMemoryBound(to: Float.self) + p * r
          let c = unsafe target.assumingMemoryBound(to: Float.self) + p
          unsafe kernels.tile_f32(h, r, a, r, 1, b, c, k, w, nil, 1)
        } else {
          let a = unsafe source.assumingMemoryBound(to: Double.self)
          let b = unsafe packed.assumingMemoryBound(to: Double.self) + p * r
          let c = unsafe target.assumingMemoryBound(to: Double.self) + p
          unsafe kernels.tile_f64(h, r, a, r, 1, b, c, k, w, nil, 1)
        }
      }
      if T.dtype == .float32 {
        let e = unsafe UnsafeRawPointer(target).assumingMemoryBound(to: Float.self)
        sum += unsafe kernels.sum_squares_f32(h * k, e)
      } else {
        let e = unsafe UnsafeRawPointer(target).assumingMemoryBound(to: Double.self)
        sum += unsafe kernels.sum_squares_f64(h * k, e, 1)
      }
    }
  }
  return sum
}
