/// Sparse terms at work: one row gathers the inputs of each output, many rows pass side by side in lanes.
internal import CTTKKernels

/// A sparse matrix by rows, its values as numbers; any number of threads may use it at once.
@safe
final class SparseRows<T: RealScalar>: Sendable {
  let outputs: Int
  let inputs: Int
  let count: Int
  private let offsets: Buffer<Int>
  private let columns: Buffer<UInt32>
  private let values: Tensor<T>
  /// Where outputs of a block lie in lanes.
  private let places: Buffer<Int>
  private let kernel: TileKernel<T>

  /// Rows up to which each gathers for itself: transposing takes longer.
  static var mostGathered: Int { 4 }
  /// Outputs of one block in lanes.
  private static var block: Int { 64 }
  private static var mostThreads: Int { 16 }

  var byteCount: Int { offsets.byteCount + columns.byteCount + values.byteCount }

  init(_ core: EncodedCore) throws(TTKitError) {
    (outputs, inputs) = (core.shape[0], core.shape[1])
    let entries = SparseEntries(core.parts, rows: outputs)
    count = entries.count
    kernel = TileKernel()
    offsets = try Buffer(count: outputs + 1)
    columns = try Buffer(count: count)
    values = try Tensor(shape: [count]) { out in
      decodeFloats(core.parts[0].bytes, core.parts[0].dtype, 0..<out.count, into: &out)
    }
    places = try Buffer(count: Self.block)
    // In bounds: as many of each as were allocated; columns are checked to be those of the matrix.
    for i in 0...outputs { unsafe offsets.base[i] = entries.offset(i) }
    for e in 0..<count { unsafe columns.base[e] = UInt32(entries.column(e)) }
    for j in 0..<Self.block { unsafe places.base[j] = j * kernel.width }
  }

  private var laneCount: Int { (inputs + Self.block) * kernel.width }

  private func spaces(_ rows: Int) -> Int {
    min((max(rows, 1) - 1) / kernel.width + 1, Self.mostThreads)
  }

  /// Bytes of workspace for this many rows.
  func workspaceSize(rows: Int) throws(TTKitError) -> Int {
    if rows <= Self.mostGathered { return 0 }
    return try checkedProduct([
      spaces(rows), try checkedProduct([inputs + Self.block, kernel.width]), MemoryLayout<T>.stride,
    ])
  }

  /// y (rows, outputs) += x (rows, inputs) times the transposed matrix.
  func addProduct(
    _ x: UnsafePointer<T>, rows: Int, to y: UnsafeMutablePointer<T>,
    workspace: UnsafeMutableRawPointer, executor: Executor
  ) {
    // Under about 100 us: not worth a second thread.
    let executor = Double(rows) * Double(count) < 3e5 ? .serial : executor
    // Tasks read x and write disjoint pieces of y, each thread of lanes in a workspace of its own.
    nonisolated(unsafe) let (x, y) = unsafe (x, y)
    if rows <= Self.mostGathered {
      let pieces = max(min(count >> 16, outputs), 1)
      executor.run(rows * pieces) { task in
        let (r, piece) = task.quotientAndRemainder(dividingBy: pieces)
        let first = piece * self.outputs / pieces
        var s = unsafe self.rows(first, (piece + 1) * self.outputs / pieces)
        // In bounds: row r of x and y; outputs of this piece.
        unsafe self.kernel.lanes.sparse_row(
          &s, x + r * self.inputs, y + r * self.outputs + first)
      }
      return
    }
    let (width, spaces, size) = (kernel.width, spaces(rows), laneCount)
    let tiles = (rows + width - 1) / width
    nonisolated(unsafe) let space = unsafe workspace.assumingMemoryBound(to: T.self)
    executor.run(spaces) { lane in
      for t in stride(from: lane, to: tiles, by: spaces) {
        let first = t * width
        // In bounds: rows first ..< first + width of x and y that exist.
        unsafe self.runLanes(
          x + first * self.inputs, min(width, rows - first), y + first * self.outputs,
          space + lane * size)
      }
    }
  }

  private func runLanes(
    _ x: UnsafePointer<T>, _ rows: Int, _ y: UnsafeMutablePointer<T>,
    _ space: UnsafeMutablePointer<T>
  ) {
    let sums = unsafe space + inputs * kernel.width
    unsafe kernel.lanes.load(rows, inputs, x, inputs, nil, space)
    for first in stride(from: 0, to: outputs, by: Self.block) {
      let end = min(first + Self.block, outputs)
      var s = unsafe self.rows(first, end)
      // In bounds: see workspaceSize; outputs first ..< end of rows of y.
      unsafe kernel.lanes.sparse(&s, space, sums)
      unsafe kernel.lanes.store(
        rows, end - first, sums, places.base, y + first, outputs, nil, 1)
    }
  }

  private func rows(_ first: Int, _ end: Int) -> ttkk_sparse {
    // In bounds: rows of this matrix; offsets count from its first entry.
    unsafe ttkk_sparse(
      rows: end - first, offsets: offsets.base + first, columns: columns.base,
      values: values.storage.buffer.base)
  }
}
