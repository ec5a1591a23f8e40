/// Matrices packed once for fast products with many activations.
///
/// Goals in order: the same bits for any number of threads, then speed from one row to thousands.
/// A weight (n, k) is cut into panels of `width` rows; activations are packed into tiles of up to
/// `height` rows; a tile times a panel stays in registers. Blocks of k keep a panel in the first-level
/// cache while all tiles of a block of rows, which stay in the second-level cache, pass by.
/// Source of the scheme: F. van Zee, R. van de Geijn, BLIS, ACM TOMS 41 (2015).
internal import CTTKKernels

/// A weight W (outputs, inputs) in panels.
@safe
public final class PackedMatrix<T: RealScalar>: Multiplier {
  public let outputs: Int
  public let inputs: Int
  private let panels: Buffer<T>
  private let kernel: TileKernel<T>

  /// Bytes of the panels.
  public var byteCount: Int { panels.byteCount }

  /// Packs `weight` (outputs, inputs).
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  public init(_ weight: Tensor<T>, executor: Executor) throws(TTKitError) {
    let kernel = TileKernel<T>()
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let width = kernel.width
    let count = (outputs + width - 1) / width
    let panels = try Buffer<T>(count: checkedProduct([count, width, inputs]))
    // Panels are disjoint pieces of the buffer, so tasks write to different memory.
    nonisolated(unsafe) let base = unsafe panels.base
    try executor.parallelFor(count) { p in
      let first = p * width
      weight.withSpan { span in
        unsafe span.withUnsafeBufferPointer { w in
          // In bounds: rows from first on of W, as many as there are; panel p of the buffer.
          unsafe kernel.lanes.load(
            min(width, outputs - first), inputs, w.baseAddress! + first * inputs, inputs,
            nil, base + first * inputs)
        }
      }
    }
    self.outputs = outputs
    self.inputs = inputs
    self.kernel = kernel
    self.panels = panels
  }

  /// An array of x's size.
  var scratchOfRow: Int { inputs }

  func multiply(
    _ x: UnsafePointer<T>, rows: Int, into y: UnsafeMutablePointer<T>, bias: UnsafePointer<T>?,
    accumulate: Bool, scratch: UnsafeMutablePointer<T>, executor: Executor
  ) {
    guard rows > 0 else { return }
    let cut = RowTiles(rows: rows, height: kernel.height)
    let flops = 2.0 * Double(rows) * Double(outputs) * Double(inputs)
    // Under about 100 us: not worth a second thread.
    let executor = flops < 2e7 ? .serial : executor
    // Tasks read x and panels and write disjoint pieces of scratch, then of y.
    nonisolated(unsafe) let (x, y, scratch, bias) = unsafe (x, y, scratch, bias)
    let packed = unsafe rows == 1 ? x : UnsafePointer(scratch)
    nonisolated(unsafe) let source = unsafe packed
    if rows > 1 {
      executor.run(cut.blocks) { block in
        for tile in cut.tiles(block) {
          let range = cut.rows(tile)
          unsafe interleave(
            x + range.lowerBound * self.inputs, range.count, self.inputs,
            to: scratch + range.lowerBound * self.inputs)
        }
      }
    }
    let panelCount = (outputs + kernel.width - 1) / kernel.width
    // Pieces of about 4 Mflop, by shape alone.
    let perPanel = 2 * Double(min(rows, RowTiles.block)) * Double(inputs * kernel.width)
    let group = min(max(Int(4e6 / perPanel), 1), panelCount)
    let groups = (panelCount + group - 1) / group
    executor.run(cut.blocks * groups) { piece in
      let (block, g) = piece.quotientAndRemainder(dividingBy: groups)
      unsafe self.multiplyPiece(
        source, cut, block, (g * group)..<min((g + 1) * group, panelCount), y, bias, accumulate)
    }
  }

  /// One block of rows times some panels.
  private func multiplyPiece(
    _ x: UnsafePointer<T>, _ cut: RowTiles, _ block: Int, _ panelRange: Range<Int>,
    _ y: UnsafeMutablePointer<T>, _ bias: UnsafePointer<T>?, _ accumulate: Bool
  ) {
    let tiles = cut.tiles(block)
    if tiles.count == 1, cut.rows(tiles.lowerBound).count == 1 {
      // Each panel is read once: from end to end, as memory streams fastest.
      for p in panelRange {
        unsafe multiplyPanel(
          x, cut.rows(tiles.lowerBound), p, 0..<inputs, y, bias, accumulate)
      }
      return
    }
    for start in stride(from: 0, to: max(inputs, 1), by: kernel.depth) {
      let range = start..<min(start + kernel.depth, inputs)
      for p in panelRange {
        for tile in tiles {
          unsafe multiplyPanel(x, cut.rows(tile), p, range, y, bias, accumulate)
        }
      }
    }
  }

  /// One tile times the part of panel `p` for some inputs.
  @inline(__always)
  private func multiplyPanel(
    _ x: UnsafePointer<T>, _ rows: Range<Int>, _ p: Int, _ range: Range<Int>,
    _ y: UnsafeMutablePointer<T>, _ bias: UnsafePointer<T>?, _ accumulate: Bool
  ) {
    let width = kernel.width
    let start = range.lowerBound
    // In bounds: tile of packed x, panel p, rows and columns of y that exist.
    unsafe kernel.run(
      rows.count, range.count, x + rows.lowerBound * inputs + start * rows.count, 1, rows.count,
      panels.base + p * width * inputs + start * width, y + rows.lowerBound * outputs + p * width,
      outputs, min(width, outputs - p * width),
      start == 0 ? bias.map { unsafe $0 + p * width } : nil, start > 0 || accumulate)
  }
}

/// Interleaves `height` rows of x: element (i, r) at i * height + r.
@specialized(where T == Float)
@specialized(where T == Double)
func interleave<T: RealScalar>(
  _ x: UnsafePointer<T>, _ height: Int, _ inputs: Int, to target: UnsafeMutablePointer<T>
) {
  for r in 0..<height {
    let row = unsafe x + r * inputs
    // In bounds: height rows of inputs elements on both sides.
    for i in 0..<inputs { unsafe target[i * height + r] = unsafe row[i] }
  }
}

/// Rows cut into blocks that stay in cache, and into tiles of nearly equal height.
struct RowTiles: Sendable {
  static let block = 240
  let blocks: Int
  /// All tiles.
  let count: Int
  private let rows: Int
  private let perBlock: Int

  init(rows: Int, height: Int, block: Int = block) {
    self.rows = rows
    count = (rows + height - 1) / height
    perBlock = max(block / height, 1)
    blocks = (count + perBlock - 1) / perBlock
  }

  func tiles(_ block: Int) -> Range<Int> {
    (block * perBlock)..<min((block + 1) * perBlock, count)
  }

  /// The first rows % count tiles have one row more.
  func rows(_ tile: Int) -> Range<Int> {
    let (base, extra) = rows.quotientAndRemainder(dividingBy: count)
    let start = tile * base + min(tile, extra)
    return start..<(start + base + (tile < extra ? 1 : 0))
  }
}

/// The tile kernel of this process for one element type.
@safe
struct TileKernel<T: RealScalar>: Sendable {
  let height: Int
  let width: Int
  /// Rows of a panel that fit the first-level cache beside a tile.
  let depth: Int
  let lanes: ttkk_lanes
  private let single: ttkk_tile_f32
  private let double: ttkk_tile_f64

  init() {
    let table = unsafe ttkk_active().pointee
    height = unsafe T.dtype == .float32 ? table.height_f32 : table.height_f64
    width = unsafe T.dtype == .float32 ? table.width_f32 : table.width_f64
    depth = 24576 / (width * T.dtype.size)
    unsafe lanes = T.dtype == .float32 ? table.lanes_f32 : table.lanes_f64
    unsafe single = table.tile_f32
    unsafe double = table.tile_f64
  }

  @inline(__always)
  func run(
    _ rows: Int, _ k: Int, _ x: UnsafePointer<T>, _ rowStep: Int, _ kStep: Int,
    _ panel: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ yStep: Int, _ columns: Int,
    _ bias: UnsafePointer<T>?, _ accumulate: Bool
  ) {
    // Rebinding is right: T is the type its dtype names.
    if T.dtype == .float32 {
      unsafe single(
        rows, k, raw(x), rowStep, kStep, raw(panel), raw(y), yStep, columns,
        bias.map { unsafe raw($0) },
        accumulate ? 1 : 0)
    } else {
      unsafe double(
        rows, k, raw(x), rowStep, kStep, raw(panel), raw(y), yStep, columns,
        bias.map { unsafe raw($0) },
        accumulate ? 1 : 0)
    }
  }

  private func raw<Target>(_ p: UnsafePointer<T>) -> UnsafePointer<Target> {
    unsafe UnsafeRawPointer(p).assumingMemoryBound(to: Target.self)
  }

  private func raw<Target>(_ p: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<Target> {
    unsafe UnsafeMutableRawPointer(p).assumingMemoryBound(to: Target.self)
  }
}
