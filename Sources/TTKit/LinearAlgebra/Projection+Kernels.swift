/// The pass that shrinks a tensor: a tall matrix times a few vectors, with what that loses, in one read.
///
/// Goals, in order: the loss is measured, never guessed; bits do not depend on threads; one read of the
/// matrix. Complex matrices take the same real kernels: a complex row is a real one of twice the length.
internal import CTTKKernels

/// How a projection measures what it loses.
enum LossMeasure {
  /// ‖x‖² − ‖y‖²: for nothing, but it drowns what is below √eps ‖x‖ in rounding errors.
  case difference
  /// The difference x − y · basis, formed block by block while it is in cache: twice the operations.
  case explicit
  /// The part of x along a few random directions orthogonal to the basis, scaled up to all: an unbiased
  /// estimate that rounding blurs to eps √columns ‖x‖. Block by block its spread is that of χ² with as many
  /// degrees of freedom as there are directions, or narrower.
  case probes
}

/// Rows of a matrix projected on a basis, and the sizes of both.
struct Projection<T: Scalar> {
  /// x · basisᴴ (rows, r).
  let y: Tensor<T>
  /// ‖x‖².
  let squares: Double
  /// ‖x − y · basis‖², measured as asked for; a difference can be made negative by rounding.
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
  /// - Precondition: no explicit losses, which could be far smaller than what rounding does to their
  ///   difference; probes of `other` are orthogonal to both.
  func joined(_ other: Projection, _ measure: LossMeasure) throws(TTKitError) -> Projection {
    let y = try y.joined(other.y, axis: 1)
    if measure == .probes {
      return Projection(
        y: y, squares: squares, loss: other.loss, losses: other.losses,
        blockSquares: blockSquares, blockRows: blockRows)
    }
    let both = zip(other.losses, other.blockSquares).map { $1 - $0 }
    return Projection(
      y: y, squares: squares,
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

/// Bytes of memory that ``project(_:columns:on:_:probes:orthogonal:executor:progress:)`` takes, the result included.
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
/// - Parameters:
///   - probes: so many rows at the end of `basis` are no part of it but random directions to measure by.
///   - orthogonal: the dimension of the space that these directions were drawn from.
/// - Complexity: 2 N r operations for N elements, one read; 4 N r when explicit.
/// - Throws: `.outOfMemory`, `.sizeOverflow`, `.cancelled`, `.io`.
func project<T: Scalar>(
  _ x: RowSource<T>, columns: Int, on basis: Tensor<T>, _ measure: LossMeasure,
  probes: Int = 0, orthogonal: Int = 0, executor: Executor = .serial,
  progress: ProgressReporter = .silent
) throws(TTKitError) -> Projection<T> {
  let (k, all) = (columns, basis.shape[0])
  let r = all - probes
  let explicit = measure == .explicit
  precondition(!explicit || probes == 0, "probes measure alone")
  precondition(basis.shape == [all, k] && k > 0 && r > 0 && x.count % k == 0, "basis does not fit")
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
      // These fit: they are no larger than a block of x.
      let wide = try Buffer<T>(count: probes > 0 ? height * all : 0)
      let tested = try Buffer<T>(count: height * probes)
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
        let target = unsafe y.base + row * r
        let found = unsafe projectBlock(
          from, probes > 0 ? wide.base : target, count, forms.columns, forms.rows, forward,
          backward, ahead)
        var loss = found.loss
        if probes > 0 {
          // In bounds: rows of r and of probes out of rows of both.
          let squares = unsafe separated(wide.base, count, r, probes, to: target, tested.base)
          loss = squares * Double(orthogonal) / Double(probes)
        }
        unsafe sizes.base[row / height * 2] = found.squares
        unsafe sizes.base[row / height * 2 + 1] = loss
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

/// Copies the first r of r + probes columns to `y`, the others to `rest`; returns the squares of those.
private func separated<T: Scalar>(
  _ wide: UnsafePointer<T>, _ rows: Int, _ r: Int, _ probes: Int,
  to y: UnsafeMutablePointer<T>, _ rest: UnsafeMutablePointer<T>
) -> Double {
  for row in 0..<rows {
    // In bounds: row of as many rows.
    let from = unsafe wide + row * (r + probes)
    unsafe (y + row * r).update(from: from, count: r)
    unsafe (rest + row * probes).update(from: from + r, count: probes)
  }
  let components = rows * probes * (T.dtype == T.Real.dtype ? 1 : 2)  // fits: a block
  let (kernels, raw) = unsafe (ttkk_active().pointee, UnsafeRawPointer(rest))
  // In bounds: as many as were just copied.
  return unsafe T.Real.dtype == .float32
    ? kernels.sum_squares_f32(components, raw.assumingMemoryBound(to: Float.self))
    : kernels.sum_squares_f64(components, raw.assumingMemoryBound(to: Double.self), 1)
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
