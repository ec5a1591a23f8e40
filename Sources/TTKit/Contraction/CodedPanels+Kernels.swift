/// A core of few bits packed for one step: each entry of the stack in panels of codes.
internal import CTTKKernels

@safe
final class CodedPanels: Sendable {
  let layout: CodedLayout
  private let words: Buffer<UInt32>
  /// Of groups of inputs, as stored; or one panel's, which all share.
  private let scales: PanelScales
  /// What a code stands for, where there is a table.
  private let values: Buffer<Float>
  /// (batch, spans, inner): what activations are multiplied by.
  private let outer: Buffer<Float>
  private let zero: Int32

  var byteCount: Int {
    words.byteCount + scales.byteCount + values.byteCount + outer.byteCount
  }

  /// - Throws: `.outOfMemory`.
  init(
    _ layout: CodedLayout, _ step: ContractionStep, of plan: ContractionPlan, _ core: EncodedCore,
    _ executor: Executor
  ) throws(TTKitError) {
    self.layout = layout
    let reader = try CoreCodes(core)
    let panels = layout.batch * layout.panels  // a live core's
    let numbers =
      layout.hasTable ? 0 : layout.width * (layout.scales == .inner ? panels * layout.groups : 1)
    words = try Buffer<UInt32>(count: checkedProduct([panels, layout.wordsOfPanel]))
    scales = try PanelScales(
      count: numbers, isHalf: layout.hasHalves, hasZeros: layout.hasZeros)
    values = try Buffer<Float>(count: layout.hasTable ? 16 : 0, zeroed: true)
    outer = try Buffer<Float>(count: checkedProduct([layout.batch, layout.spans, layout.inner]))
    zero = Int32(layout.hasZeros ? 0 : reader.zero(0))
    let (batch, columns, inner) = plan.offsets(step, of: layout.operand)
    fillShared(reader)
    for b in 0..<layout.batch {
      for s in 0..<layout.spans {
        guard case .outer(let span) = layout.scales else { break }
        for i in 0..<layout.inner {
          // In bounds: one number for each entry, span and input.
          unsafe outer.base[(b * layout.spans + s) * layout.inner + i] =
            reader.scale(batch[b] + columns[s * span] + inner[i])
        }
      }
    }
    try executor.parallelFor(panels) { (index) throws(TTKitError) in
      let (b, p) = index.quotientAndRemainder(dividingBy: layout.panels)
      let first = p * layout.width
      let live = min(layout.width, layout.columns - first)
      let rows = try Buffer<UInt8>(count: live * layout.inner)
      for j in 0..<live {
        let start = batch[b] + columns[first + j]
        // In bounds: row j; elements of the core.
        unsafe reader.gather(start, inner, to: rows.base + j * layout.inner)
        if layout.scales == .inner { self.fillGrid(reader, start, inner, index, j) }
      }
      // In bounds: panel `index` of the words.
      unsafe ttkk_pack_panel(
        layout.width, live, layout.inner, Int32(layout.bits), rows.base,
        self.words.base + index * layout.wordsOfPanel)
    }
  }

  /// What all panels have in common.
  private func fillShared(_ reader: CoreCodes) {
    guard layout.scales != .inner else { return }
    let isFolded = layout.scales != .shared
    if layout.hasTable {
      let count = min(1 << reader.bits, 16)
      // In bounds: 16 values.
      for c in 0..<count { unsafe values.base[c] = reader.value(c, scaled: !isFolded) }
      return
    }
    for j in 0..<layout.width { scales.store(isFolded ? 1 : reader.scale(0), at: j) }
  }

  /// Scales and zero points of output j of a panel.
  private func fillGrid(_ reader: CoreCodes, _ start: Int, _ inner: [Int], _ panel: Int, _ j: Int) {
    for g in 0..<layout.groups {
      let element = start + inner[g * layout.group]
      scales.take(
        reader.core, reader.index(element), zero: reader.zero(element),
        at: (panel * layout.groups + g) * layout.width + j)
    }
  }

  /// Panel p of an entry as the kernels see it.
  private func panel(_ entry: Int, _ p: Int) -> ttkk_codes {
    let index = entry * layout.panels + p
    // In bounds: p is a panel of an entry of the stack.
    var codes = unsafe ttkk_codes(
      words: words.base + index * layout.wordsOfPanel, scales: nil, halves: nil, zeros: nil,
      levels: nil, values: layout.hasTable ? UnsafePointer(values.base) : nil, own: nil,
      k: layout.inner, group: layout.group, bits: Int32(layout.bits), zero: zero, by_row: 0,
      top: Int32(1 << layout.bits - 1))
    if !layout.hasTable {
      unsafe scales.attach(
        to: &codes, at: layout.scales == .inner ? index * layout.groups * layout.width : 0)
    }
    return unsafe codes
  }

  /// True when activations are multiplied by scales first.
  var isFolded: Bool { layout.spans > 0 }

  /// The run of outputs that panel p is in.
  func span(of p: Int) -> Int {
    if case .outer(let span) = layout.scales { return p * layout.width / span }
    return 0
  }

  /// to = x, tiles of so many rows side by side, times the scales of a run of outputs.
  func fold(
    _ entry: Int, _ span: Int, _ x: UnsafePointer<Float>, _ rows: Range<Int>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (inner, height) = (layout.inner, rows.count)
    let at = rows.lowerBound * inner
    // In bounds: one tile of both; the scales of a span.
    unsafe ttkk_active().pointee.fold_scales(
      inner, height, x + at, outer.base + (entry * layout.spans + span) * inner, target + at)
  }

  /// y (+)= some tiles of x times panel p of an entry; see multiply_codes.
  @inline(__always)
  func multiply(
    _ entry: Int, _ p: Int, _ rows: Int, _ tiles: Int,
    _ range: Range<Int>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ yStep: Int,
    _ columns: Int, _ accumulate: Bool
  ) {
    var panel = unsafe panel(entry, p)
    // In bounds: the caller's.
    unsafe ttkk_active().pointee.multiply_codes(
      &panel, rows, tiles, range.lowerBound, range.upperBound, x, y, yStep, columns, nil,
      accumulate ? 1 : 0)
  }
}

extension ContractionPlan {
  /// Offsets of an operand's elements over the axes of a step: batch, columns, inner.
  fileprivate func offsets(
    _ step: ContractionStep, of operand: Int
  ) -> (batch: [Int], columns: [Int], inner: [Int]) {
    var strides = [Int](repeating: 0, count: lengths.count)
    for (axis, stride) in zip(equation.operands[operand], rowMajorStrides(shapes[operand])) {
      strides[axis] = stride
    }
    func table(_ axes: [Int]) -> [Int] {
      axes.reduce([0]) { table, axis in
        table.flatMap { start in (0..<lengths[axis]).map { start + $0 * strides[axis] } }
      }
    }
    return (table(step.batch), table(step.columns), table(step.inner))
  }
}
