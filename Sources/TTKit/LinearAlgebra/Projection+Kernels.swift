/// The pass that shrinks a tensor: a tall matrix times a few vectors, with what that loses, in one read.
///
/// Goals, in order: the loss is measured, never guessed; bits do not depend on threads; one read of the
/// matrix. Complex matrices take the same real kernels: a complex row is a real one of twice the length.
internal import CTTKKernels

/// Rows of a matrix projected on a basis, and the sizes of both.
struct Projection<T: Scalar> {
  /// x · basisᴴ (rows, r).
  let y: Tensor<T>
  /// ‖x‖².
  let squares: Double
  /// ‖x − y · basis‖²: explicit if that was asked for, else ‖x‖² − ‖y‖², which rounding can make negative.
  let loss: Double
  /// The loss of every block of `blockRows` rows.
  let losses: [Double]
  /// ‖x‖² of every block.
  let blockSquares: [Double]
  let blockRows: Int
}

extension Projection {
  /// The same on more vectors, orthogonal to the first: `other` is the projection on those alone, of as many
  /// rows and columns.
  ///
  /// - Precondition: neither loss is an explicit one, which could be far smaller than what rounding does to
  ///   their difference.
  func joined(_ other: Projection) throws(TTKitError) -> Projection {
    let both = zip(other.losses, other.blockSquares).map { $1 - $0 }
    return Projection(
      y: try y.joined(other.y, axis: 1), squares: squares,
      loss: loss - (other.squares - other.loss),
      losses: zip(losses, both).map { $0 - $1 }, blockSquares: blockSquares, blockRows: blockRows)
  }
}

/// Rows of a block: about 256 KB of x, which stay in the second-level cache while all panels pass.
private func rowsOfBlock<T: Scalar>(_ columns: Int, _ type: T.Type) -> Int {
  max(32, (1 << 18) / (max(columns, 1) * MemoryLayout<T>.size) / 8 * 8)
}

/// Blocks that one thread takes at a time.
private let blocksOfPiece = 8

/// Bytes of memory that ``project(_:columns:on:explicit:executor:progress:)`` takes, the result included.
func projectionBytes<T: Scalar>(
  _ x: RowSource<T>, columns: Int, rank: Int, explicit: Bool, threads: Int
) -> Int {
  let rows = x.count / max(columns, 1)
  let size = MemoryLayout<T>.size
  let block = x.needsScratch ? rowsOfBlock(columns, T.self) * columns * size * threads : 0
  // Lanes round the panels up by less than one vector of 64 bytes; complex panels are twice as large.
  let real = T.dtype == T.Real.dtype ? 1 : 2
  let panels = (rank + 16) * columns * size * real * (explicit ? 2 : 1)
  return rows * rank * size + block + panels  // fits: about the size of a tensor that exists
}

/// The rows of `x`, of so many columns, projected on the orthonormal rows of `basis` (r, columns).
///
/// - Parameter explicit: form the difference block by block while it is in cache, as accurate as
///   subtraction: ‖x‖² − ‖y‖² drowns what is below 1e-8 ‖x‖ in rounding errors. Doubles the operations.
/// - Complexity: 2 N r operations for N elements, one read; 4 N r when explicit.
/// - Throws: `.outOfMemory`, `.sizeOverflow`, `.cancelled`, `.io`.
func project<T: Scalar>(
  _ x: RowSource<T>, columns: Int, on basis: Tensor<T>, explicit: Bool,
  executor: Executor = .serial, progress: ProgressReporter = .silent
) throws(TTKitError) -> Projection<T> {
  let (k, r) = (columns, basis.shape[0])
  precondition(basis.shape == [r, k] && k > 0 && r > 0 && x.count % k == 0, "basis does not fit")
  let rows = x.count / k
  let forms = try realForm(basis)
  let forward = try packedVectors(forms.matrix, forms.rows, forms.columns, transposed: false)
  let backward = try packedVectors(
    forms.matrix, explicit ? forms.rows : 0, forms.columns, transposed: true)
  let height = rowsOfBlock(k, T.self)
  let blocks = (rows + height - 1) / height
  let sizes = try Buffer<Double>(count: checkedProduct([max(blocks, 1), 2]), zeroed: true)
  let y = try Buffer<T>(count: checkedProduct([rows, r]))
  let pieces = (blocks + blocksOfPiece - 1) / blocksOfPiece
  let serial = x.count < 1 << 16
  // Progress is told on this thread, between batches of pieces.
  let batch = 64
  for start in stride(from: 0, to: pieces, by: batch) {
    try progress.report("projecting", start, of: pieces)
    try (serial ? Executor.serial : executor).parallelFor(min(batch, pieces - start)) {
      (piece) throws(TTKitError) in
      let first = (start + piece) * blocksOfPiece * height
      let scratch = try Buffer<T>(count: x.needsScratch ? height * k : 0)
      for block in 0..<blocksOfPiece {
        let row = first + block * height
        let count = min(height, rows - row)
        guard count > 0 else { return }
        let from = try unsafe x.rows(row, count, columns: k, scratch: scratch.base)
        // The next block of this piece, if it is whole and lies ready in memory.
        let ahead =
          !x.needsScratch && block + 1 < blocksOfPiece && row + 2 * height <= rows
          ? unsafe from + height * k : nil
        // In bounds: count rows of x and y, one pair of sizes for each block.
        let found = unsafe projectBlock(
          from, y.base + row * r, count, forms.columns, forms.rows, forward, backward,
          ahead)
        unsafe sizes.base[row / height * 2] = found.squares
        unsafe sizes.base[row / height * 2 + 1] = found.loss
      }
    }
  }
  // In order of blocks, and compensated: independent of threads, exact to a rounding or two.
  let (squares, losses) = sizes.withSpan { span in
    let pairs = 0..<blocks
    return (pairs.map { span[2 * $0] }, pairs.map { span[2 * $0 + 1] })
  }
  return Projection(
    y: Tensor(shape: [rows, r], buffer: y), squares: compensatedSum(squares),
    loss: compensatedSum(losses), losses: losses, blockSquares: squares, blockRows: height)
}

/// The sum of many numbers as if added in twice the precision.
private func compensatedSum(_ values: [Double]) -> Double {
  var sum = 0.0
  var lost = 0.0
  for value in values {
    let next = sum + value
    lost += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum
    sum = next
  }
  // Infinity gives NaN in `lost`.
  return sum.isFinite ? sum + lost : sum
}

/// One block: y = x V, ‖x‖², and what y loses.
private func projectBlock<T: Scalar>(
  _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ rows: Int, _ k: Int, _ r: Int,
  _ forward: borrowing Buffer<T.Real>, _ backward: borrowing Buffer<T.Real>,
  _ ahead: UnsafePointer<T>?
) -> (squares: Double, loss: Double) {
  let kernels = unsafe ttkk_active().pointee
  // In bounds: the caller's rows; panels are packed for k and r.
  if T.Real.dtype == .float32 {
    let x = unsafe UnsafeRawPointer(x).assumingMemoryBound(to: Float.self)
    let y = unsafe UnsafeMutableRawPointer(y).assumingMemoryBound(to: Float.self)
    let next = unsafe ahead.map { unsafe UnsafeRawPointer($0).assumingMemoryBound(to: Float.self) }
    let panels = unsafe UnsafeRawPointer(forward.base).assumingMemoryBound(to: Float.self)
    let back = unsafe UnsafeRawPointer(backward.base).assumingMemoryBound(to: Float.self)
    unsafe kernels.project_f32(rows, k, x, r, panels, y, next)
    let squares = unsafe kernels.sum_squares_f32(rows * k, x)
    let loss =
      backward.count > 0
      ? unsafe kernels.remain_f32(rows, k, x, r, y, back)
      : unsafe squares - kernels.sum_squares_f32(rows * r, y)
    return (squares, loss)
  }
  let x = unsafe UnsafeRawPointer(x).assumingMemoryBound(to: Double.self)
  let y = unsafe UnsafeMutableRawPointer(y).assumingMemoryBound(to: Double.self)
  let next = unsafe ahead.map { unsafe UnsafeRawPointer($0).assumingMemoryBound(to: Double.self) }
  let panels = unsafe UnsafeRawPointer(forward.base).assumingMemoryBound(to: Double.self)
  let back = unsafe UnsafeRawPointer(backward.base).assumingMemoryBound(to: Double.self)
  unsafe kernels.project_f64(rows, k, x, r, panels, y, next)
  let squares = unsafe kernels.sum_squares_f64(rows * k, x, 1)
  let loss =
    backward.count > 0
    ? unsafe kernels.remain_f64(rows, k, x, r, y, back)
    : unsafe squares - kernels.sum_squares_f64(rows * r, y, 1)
  return (squares, loss)
}
