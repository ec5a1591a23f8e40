/// Weights of few bits packed for products without ever being unpacked as a whole.
///
/// With float32 activations, blocks of codes become floats in the first-level cache, or in registers for one
/// row, and give the same bits as the unpacked matrix (for one row: within
/// rounding) at a fraction of its memory traffic.
/// With 8-bit activations, each row of x is rounded to 255 levels of its own scale; sums within a group
/// of weights, or 512 inputs of a longer one, are exact integers, and only those are added in float32. A
/// codebook is then rounded to 255 levels too, one of at most four values to 63.
internal import CTTKKernels

/// A weight W (outputs, inputs) of integers or codes of a codebook, in panels.
@safe
final class PackedCodes: Multiplier {
  typealias T = Float
  let outputs: Int
  let inputs: Int
  /// True when activations are rounded to 8 bits.
  let roundsActivations: Bool
  private let layout: Layout
  private let words: Buffer<UInt32>
  private let scales: PanelScales
  /// Values of a codebook, or look-up tables of its levels.
  private let values: Buffer<Float>
  private let levels: Buffer<UInt8>

  var byteCount: Int {
    words.byteCount + scales.byteCount + values.byteCount + levels.byteCount
  }

  /// - Throws: `.outOfMemory`.
  init(
    _ codes: PackableCodes, _ layout: Layout, roundsActivations: Bool, executor: Executor
  ) throws(TTKitError) {
    (outputs, inputs) = codes.shape
    (self.layout, self.roundsActivations) = (layout, roundsActivations)
    let numbers = layout.panels * layout.scalesOfPanel
    let tables = layout.panels * layout.tableOfPanel
    let hasScales = !layout.isCodebook || roundsActivations
    words = try Buffer<UInt32>(count: layout.panels * layout.wordsOfPanel)
    scales = try PanelScales(
      count: hasScales ? numbers : 0, isHalf: layout.hasHalves, hasZeros: layout.hasZeros)
    values = try Buffer<Float>(count: roundsActivations ? 0 : tables, zeroed: true)
    levels = try Buffer<UInt8>(count: roundsActivations ? tables : 0, zeroed: true)
    try executor.parallelFor(layout.panels) { (p) throws(TTKitError) in
      try self.pack(panel: p, codes)
    }
  }

  /// Packs one panel. Panels are disjoint pieces of the buffers, so tasks write to different memory.
  private func pack(panel p: Int, _ codes: PackableCodes) throws(TTKitError) {
    let first = p * layout.width
    let live = min(layout.width, outputs - first)
    let rows = try Buffer<UInt8>(count: live * inputs)
    for j in 0..<live {
      // In bounds: row j of `rows`; output j of panel p of the buffers.
      unsafe codes.unpack(row: first + j, to: rows.base + j * inputs)
      switch codes {
      case .integers(let codes): packGrid(codes, row: first + j, panel: p, output: j)
      case .codebook(let codes) where layout.hasOwnBooks:
        for g in 0..<layout.groups { packOwn(codes, row: first + j, run: g, panel: p, output: j) }
      case .codebook(let codes):
        for g in 0..<layout.groups { packBook(codes, row: first + j, run: g, panel: p, output: j) }
      }
    }
    let target = unsafe words.base + p * layout.wordsOfPanel
    if layout.hasOwnBooks {
      unsafe ttkk_pack_own(layout.width, live, inputs, rows.base, target)
    } else {
      unsafe ttkk_pack_panel(layout.width, live, inputs, Int32(layout.bits), rows.base, target)
    }
  }

  private func packGrid(_ codes: IntegerCodes, row: Int, panel: Int, output: Int) {
    for g in 0..<layout.groups {
      scales.take(
        codes.core, codes.index(row, g), zero: codes.zero(row: row, run: g),
        at: panel * layout.scalesOfPanel + g * layout.width + output)
    }
  }

  private func packBook(_ codes: CodebookCodes, row: Int, run: Int, panel: Int, output: Int) {
    let width = layout.width
    let start = panel * layout.tableOfPanel + 4 * run * width
    // In bounds: 4 * width of each table a panel, at least 16; codes are below `size`.
    guard roundsActivations else {
      for (c, value) in codes.values(row: row, run: run).enumerated() {
        unsafe values.base[start + (layout.isByRow ? c * width + output : c)] = value
      }
      return
    }
    let (found, scale) = codes.levels(row: row, run: run)
    scales.store(scale, at: panel * layout.scalesOfPanel + run * width + output)
    for (c, level) in found.enumerated() {
      if layout.isByRow {
        unsafe levels.base[start + 4 * output + c] = level
      } else {
        for at in stride(from: c, to: layout.tableOfPanel, by: 16) {
          unsafe levels.base[start + at] = level
        }
      }
    }
  }

  /// The codebook of one output and group: levels at its place, or the bytes of its values.
  private func packOwn(_ codes: CodebookCodes, row: Int, run: Int, panel: Int, output: Int) {
    let width = layout.width
    let place = ttkk_own_place(width, output)
    // In bounds: 16 bytes, or floats, of each output and group.
    let table = panel * layout.tableOfPanel + 16 * run * width
    guard roundsActivations else {
      let bytes = unsafe UnsafeMutableRawPointer(values.base + table)
      for (c, value) in codes.values(row: row, run: run).enumerated() {
        for b in 0..<4 {
          unsafe bytes.storeBytes(
            of: UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(b))),
            toByteOffset: ttkk_own_byte(width, place, c, b), as: UInt8.self)
        }
      }
      return
    }
    let (found, scale) = codes.levels(row: row, run: run)
    scales.store(scale, at: panel * layout.scalesOfPanel + run * width + output)
    for (c, level) in found.enumerated() { unsafe levels.base[table + 16 * place + c] = level }
  }

  /// Panel p as the kernels see it.
  private func panel(_ p: Int) -> ttkk_codes {
    // In bounds: p is below the number of panels.
    let table = p * layout.tableOfPanel
    let isPlain = layout.isCodebook && !layout.hasOwnBooks
    let own =
      unsafe roundsActivations
      ? UnsafeRawPointer(levels.base + table) : UnsafeRawPointer(values.base + table)
    var codes = unsafe ttkk_codes(
      words: words.base + p * layout.wordsOfPanel, scales: nil, halves: nil, zeros: nil,
      levels: isPlain && roundsActivations ? UnsafePointer(levels.base + table) : nil,
      values: isPlain && !roundsActivations ? UnsafePointer(values.base + table) : nil,
      own: layout.hasOwnBooks ? own.assumingMemoryBound(to: UInt8.self) : nil,
      k: inputs, group: layout.group, bits: Int32(layout.bits), zero: Int32(layout.zero),
      by_row: layout.isByRow ? 1 : 0, top: Int32(layout.top))
    unsafe scales.attach(to: &codes, at: p * layout.scalesOfPanel)
    return unsafe codes
  }

  /// Rounded activations: codes of a row, their sums by pieces, their scale.
  var scratchOfRow: Int {
    roundsActivations ? layout.padded / 4 + layout.pieces + 1 : inputs
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
    let (padded, pieces) = (layout.padded, layout.pieces)
    // A block of rows stays in the second-level cache: half a megabyte, but no more than kernels take.
    let cut = unsafe RowTiles(
      rows: rows, height: kernels.height_codes,
      block: min(max((1 << 19) / padded, 32), TTKK_ROWS))
    // scratch: codes of all rows, then sums, then scales.
    nonisolated(unsafe) let (x, y, bias) = unsafe (x, y, bias)
    nonisolated(unsafe) let codes = unsafe UnsafeMutableRawPointer(scratch)
      .assumingMemoryBound(to: Int8.self)
    nonisolated(unsafe) let sums = unsafe UnsafeMutableRawPointer(scratch + rows * padded / 4)
      .assumingMemoryBound(to: Int32.self)
    nonisolated(unsafe) let scales = unsafe scratch + rows * padded / 4 + rows * pieces
    executor.run(cut.blocks) { block in
      for tile in cut.tiles(block) {
        let range = cut.rows(tile)
        let first = range.lowerBound
        var panel = unsafe self.panel(0)
        // In bounds: the rows of a tile, of x, of the codes, of the sums and of the scales.
        var rounded = unsafe ttkk_rounded(
          codes: codes + first * padded, sums: sums + first * pieces, scales: scales + first)
        unsafe kernels.round_rows(
          range.count, &panel, x + first * self.inputs, self.inputs, &rounded)
      }
    }
    forPieces(cut.blocks, min(rows, TTKK_ROWS), executor) { block, panels in
      let tiles = cut.tiles(block)
      var rounded = unsafe ttkk_rounded(codes: codes, sums: sums, scales: scales)
      for p in panels {
        var panel = unsafe self.panel(p)
        let column = p * self.layout.width
        // In bounds: rounded rows; the columns of y that this panel has.
        unsafe kernels.dot_codes(
          &panel, rows, cut.count, tiles.lowerBound, tiles.upperBound, &rounded, y + column,
          self.outputs, min(self.layout.width, self.outputs - column),
          bias.map { unsafe $0 + column }, accumulate ? 1 : 0)
      }
    }
  }
}
