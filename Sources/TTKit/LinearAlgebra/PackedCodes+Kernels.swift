/// Integer weights packed for products without ever being unpacked as a whole.
///
/// With float32 activations, blocks of codes become floats in the first-level cache and meet the same
/// tile as dense weights: the same bits as of the unpacked matrix, a fraction of the memory traffic.
/// With 8-bit activations, each row of x is rounded to 255 levels of its own scale, sums within a group
/// of weights are exact integers, and only groups are added in float32.
internal import CTTKKernels

/// A weight W (outputs, inputs) of integers in panels.
@safe
final class PackedCodes: Multiplier {
  typealias T = Float
  let outputs: Int
  let inputs: Int
  /// True when activations are rounded to 8 bits.
  let roundsActivations: Bool
  private let layout: Layout
  private let words: Buffer<UInt32>
  private let scales: Buffer<Float>
  private let zeros: Buffer<UInt8>

  var byteCount: Int { words.byteCount + scales.byteCount + zeros.byteCount }

  /// Sizes of the packed form.
  struct Layout: Sendable {
    let panels: Int
    let width: Int
    /// Bits of a code as packed: 2, 4 or 8.
    let bits: Int
    /// Inputs of a group and of all groups, padded.
    let group: Int
    let padded: Int
    let groups: Int
    let hasZeros: Bool
    let zero: Int

    /// Codes of a 32-bit word.
    var inWord: Int { 32 / bits }
    var wordsOfPanel: Int { padded / inWord * width }
    var scalesOfPanel: Int { groups * width }
    var byteCount: Int {
      panels * (wordsOfPanel * 4 + scalesOfPanel * 4 + (hasZeros ? scalesOfPanel : 0))
    }

    /// nil when groups do not suit the kernels: they must be multiples of 16, or whole rows.
    init?(_ codes: IntegerCodes) {
      width = unsafe ttkk_active().pointee.width_f32
      panels = (codes.outputs + width - 1) / width
      bits = codes.storage.bits == 2 ? 2 : codes.storage.bits <= 4 ? 4 : 8
      padded = (codes.inputs + 15) / 16 * 16
      let isWhole = codes.run == codes.inputs
      group = isWhole ? padded : codes.run
      guard group % 16 == 0, group <= 65536 else { return nil }
      groups = (codes.inputs + group - 1) / group
      hasZeros = !codes.storage.isSymmetric
      zero = 1 << (codes.storage.bits - 1)
      // Fits: words, scales and zeros take no more than 16 bytes an element, which exist.
    }
  }

  /// - Throws: `.outOfMemory`.
  init(
    _ codes: IntegerCodes, _ layout: Layout, roundsActivations: Bool, executor: Executor
  ) throws(TTKitError) {
    (outputs, inputs) = (codes.outputs, codes.inputs)
    (self.layout, self.roundsActivations) = (layout, roundsActivations)
    let words = try Buffer<UInt32>(count: layout.panels * layout.wordsOfPanel)
    let scales = try Buffer<Float>(count: layout.panels * layout.scalesOfPanel, zeroed: true)
    let zeros = try Buffer<UInt8>(
      count: layout.hasZeros ? layout.panels * layout.scalesOfPanel : 0, zeroed: true)
    // Panels are disjoint pieces of the buffers, so tasks write to different memory.
    nonisolated(unsafe) let (w, s, z) = unsafe (words.base, scales.base, zeros.base)
    try executor.parallelFor(layout.panels) { (p) throws(TTKitError) in
      let first = p * layout.width
      let live = min(layout.width, codes.outputs - first)
      let rows = try Buffer<UInt8>(count: live * codes.inputs)
      for j in 0..<live {
        // In bounds: row j of `rows`; panel p of the buffers, output j of each of its groups.
        unsafe codes.unpack(row: first + j, to: rows.base + j * codes.inputs)
        for g in 0..<layout.groups {
          let at = p * layout.scalesOfPanel + g * layout.width + j
          unsafe s[at] = codes.scale(row: first + j, run: g)
          if layout.hasZeros { unsafe z[at] = UInt8(codes.zero(row: first + j, run: g)) }
        }
      }
      unsafe ttkk_pack_panel(
        layout.width, live, codes.inputs, Int32(layout.bits), rows.base,
        w + p * layout.wordsOfPanel)
    }
    self.words = words
    self.scales = scales
    self.zeros = zeros
  }

  /// Panel p as the kernels see it.
  private func panel(_ p: Int) -> ttkk_codes {
    // In bounds: p is below the number of panels.
    unsafe ttkk_codes(
      words: words.base + p * layout.wordsOfPanel, scales: scales.base + p * layout.scalesOfPanel,
      zeros: layout.hasZeros ? UnsafePointer(zeros.base + p * layout.scalesOfPanel) : nil,
      k: inputs, group: layout.group, bits: Int32(layout.bits), zero: Int32(layout.zero))
  }

  /// Rounded activations: codes of a row, their sums by groups, their scale.
  var scratchOfRow: Int {
    roundsActivations ? layout.padded / 4 + layout.groups + 1 : inputs
  }

  func multiply(
    _ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>,
    bias: UnsafePointer<Float>?, accumulate: Bool, scratch: UnsafeMutablePointer<Float>,
    executor: Executor
  ) {
    guard rows > 0 else { return }
    let flops = 2.0 * Double(rows) * Double(outputs) * Double(inputs)
    // Under about 100 us: not worth a second thread.
    let executor = flops < (roundsActivations ? 6e7 : 2e7) ? .serial : executor
    if roundsActivations {
      unsafe multiplyRounded(x, rows, y, bias, accumulate, scratch, executor)
    } else {
      unsafe multiplyFloats(x, rows, y, bias, accumulate, scratch, executor)
    }
  }

  /// Calls `body(block, panels)` for blocks of rows and runs of panels of about 4 Mflop, by shape alone.
  private func forPieces(
    _ blocks: Int, _ rowsOfBlock: Int, _ executor: Executor,
    _ body: @Sendable (Int, Range<Int>) -> Void
  ) {
    let perPanel = 2 * Double(rowsOfBlock) * Double(inputs * layout.width)
    let run = min(max(Int(4e6 / perPanel), 1), layout.panels)
    let runs = (layout.panels + run - 1) / run
    executor.run(blocks * runs) { piece in
      let (block, r) = piece.quotientAndRemainder(dividingBy: runs)
      body(block, (r * run)..<min((r + 1) * run, layout.panels))
    }
  }

  private func multiplyFloats(
    _ x: UnsafePointer<Float>, _ rows: Int, _ y: UnsafeMutablePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ accumulate: Bool, _ scratch: UnsafeMutablePointer<Float>,
    _ executor: Executor
  ) {
    nonisolated(unsafe) let kernels = unsafe ttkk_active().pointee
    let cut = unsafe RowTiles(rows: rows, height: kernels.height_f32)
    // Tasks read x and panels and write disjoint pieces of scratch, then of y.
    nonisolated(unsafe) let (x, y, scratch, bias) = unsafe (x, y, scratch, bias)
    if rows > 1 {
      executor.run(cut.blocks) { block in
        for tile in cut.tiles(block) {
          let range = cut.rows(tile)
          // In bounds: the rows of a tile, of x and of scratch.
          unsafe interleave(
            x + range.lowerBound * self.inputs, range.count, self.inputs,
            to: scratch + range.lowerBound * self.inputs)
        }
      }
    }
    nonisolated(unsafe) let source = unsafe rows == 1 ? x : UnsafePointer(scratch)
    forPieces(cut.blocks, min(rows, RowTiles.block), executor) { block, panels in
      let tiles = cut.tiles(block)
      for p in panels {
        var panel = unsafe self.panel(p)
        let column = p * self.layout.width
        // In bounds: packed x of all rows; the columns of y that this panel has.
        unsafe kernels.multiply_codes(
          &panel, rows, cut.count, tiles.lowerBound, tiles.upperBound, source, y + column,
          self.outputs, min(self.layout.width, self.outputs - column),
          bias.map { unsafe $0 + column }, accumulate ? 1 : 0)
      }
    }
  }

  private func multiplyRounded(
    _ x: UnsafePointer<Float>, _ rows: Int, _ y: UnsafeMutablePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ accumulate: Bool, _ scratch: UnsafeMutablePointer<Float>,
    _ executor: Executor
  ) {
    nonisolated(unsafe) let kernels = unsafe ttkk_active().pointee
    let (padded, groups) = (layout.padded, layout.groups)
    // scratch: codes of all rows, then sums, then scales.
    nonisolated(unsafe) let (x, y, bias) = unsafe (x, y, bias)
    nonisolated(unsafe) let codes = unsafe UnsafeMutableRawPointer(scratch)
      .assumingMemoryBound(to: Int8.self)
    nonisolated(unsafe) let sums = unsafe UnsafeMutableRawPointer(scratch + rows * padded / 4)
      .assumingMemoryBound(to: Int32.self)
    nonisolated(unsafe) let scales = unsafe scratch + rows * padded / 4 + rows * groups
    let block = 128
    let blocks = (rows + block - 1) / block
    executor.run(blocks) { b in
      for r in (b * block)..<min((b + 1) * block, rows) {
        // In bounds: row r of x, of the codes and of the sums.
        unsafe scales[r] = unsafe kernels.quantize_row(
          self.inputs, padded, self.layout.group, x + r * self.inputs, codes + r * padded,
          sums + r * groups)
      }
    }
    forPieces(blocks, min(rows, block), executor) { b, panels in
      let first = b * block
      for p in panels {
        var panel = unsafe self.panel(p)
        let column = p * self.layout.width
        // In bounds: rows of this block, of codes, sums, scales and y; columns that this panel has.
        unsafe kernels.dot_codes(
          min(block, rows - first), &panel, codes + first * padded, padded, scales + first,
          sums + first * groups, groups, y + first * self.outputs + column, self.outputs,
          min(self.layout.width, self.outputs - column), bias.map { unsafe $0 + column },
          accumulate ? 1 : 0)
      }
    }
  }
}
