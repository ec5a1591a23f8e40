/// Tall matrix times the conjugate transpose of a few rows: the pass that shrinks a tensor.
internal import CTTKKernels

/// `x` (m, k) times `basis`ᴴ, for basis (r, k): shape (m, r), rows cut among threads by shape.
///
/// Real dtypes go through the packed tiles; complex ones through BLAS, in blocks of rows.
/// - Throws: `.outOfMemory`, `.sizeOverflow`.
func projected<T: Scalar>(
  _ x: Tensor<T>, on basis: Tensor<T>, executor: Executor = .serial
) throws(TTKitError) -> Tensor<T> {
  let (m, k, r) = (x.shape[0], x.shape[1], basis.shape[0])
  precondition(basis.shape == [r, k], "basis does not fit")
  let work = checkedCost(m, k, r)
  switch T.dtype {
  case .float32, .float64:
    let panels = try packedPanels(basis)
    // A block's rows of x take about 256 KB: they stay in the second-level cache over all panels.
    let blockRows = max(12, (1 << 15) / max(k, 1) / 12 * 12)
    return try Tensor(shape: [m, r]) { (out) throws(TTKitError) in
      guard m > 0, r > 0 else { return }
      try executor.fitting(operations: work).parallelFill(&out, pieceCount: blockRows * r) {
        (first, part) throws(TTKitError) in
        multiplyPanels(x, first / r, part.count / r, panels, r, &part)
      }
    }
  default:
    return try product(x, basis, .plain, .conjugateTransposed)
  }
}

/// m·k·r, cut at Int.max: only for choosing threads.
private func checkedCost(_ m: Int, _ k: Int, _ r: Int) -> Int {
  (try? checkedProduct([m, k, r])) ?? .max
}

/// Rows of `w` in panels as the tiles want them: [i*width + j] holds w[p*width + j][i].
func packedPanels<T: Scalar>(_ w: Tensor<T>) throws(TTKitError) -> Buffer<T> {
  let (r, k) = (w.shape[0], w.shape[1])
  let width = panelShape(T.self).width
  let panels = (r + width - 1) / width
  let buffer = try Buffer<T>(count: checkedProduct([panels, width, k]), zeroed: true)
  for p in 0..<panels {
    let rows = min(width, r - p * width)
    // In bounds: rows p*width... of w; a panel has k lines of width elements.
    unsafe ttkk_copy_strided(
      buffer.base + p * width * k, [1, width], w.storage.buffer.base + p * width * k, [k, 1],
      [rows, k], 2, MemoryLayout<T>.size)
  }
  return buffer
}

func panelShape<T: Scalar>(_ type: T.Type) -> (height: Int, width: Int) {
  let kernels = unsafe ttkk_active().pointee
  return unsafe T.dtype == .float32
    ? (kernels.height_f32, kernels.width_f32) : (kernels.height_f64, kernels.width_f64)
}

/// Rows first..<first+rows of x times all panels, into `out` (rows, r).
func multiplyPanels<T: Scalar>(
  _ x: Tensor<T>, _ first: Int, _ rows: Int, _ panels: borrowing Buffer<T>, _ r: Int,
  _ out: inout MutableSpan<T>
) {
  let k = x.shape[1]
  let (height, width) = panelShape(T.self)
  let kernels = unsafe ttkk_active().pointee
  let source = unsafe UnsafeRawPointer(x.storage.buffer.base + first * k)
  let packed = unsafe UnsafeRawPointer(panels.base)
  unsafe out.withUnsafeMutableBufferPointer { target in
    let y = UnsafeMutableRawPointer(target.baseAddress!)
    for p in stride(from: 0, to: r, by: width) {
      for i in stride(from: 0, to: rows, by: height) {
        let h = min(height, rows - i)
        let w = min(width, r - p)
        // In bounds: h rows of x and y from row i, columns p..<p+w; panel p/width.
        if T.dtype == .float32 {
          let a = unsafe source.assumingMemoryBound(to: Float.self) + i * k
          let b = unsafe packed.assumingMemoryBound(to: Float.self) + p * k
          let c = unsafe y.assumingMemoryBound(to: Float.self) + (i * r + p)
          unsafe kernels.tile_f32(h, k, a, k, 1, b, c, r, w, nil, 0)
        } else {
          let a = unsafe source.assumingMemoryBound(to: Double.self) + i * k
          let b = unsafe packed.assumingMemoryBound(to: Double.self) + p * k
          let c = unsafe y.assumingMemoryBound(to: Double.self) + (i * r + p)
          unsafe kernels.tile_f64(h, k, a, k, 1, b, c, r, w, nil, 0)
        }
      }
    }
  }
}
