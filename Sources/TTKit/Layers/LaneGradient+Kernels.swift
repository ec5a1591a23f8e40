/// The backward pass of a term in lanes at work: tile after tile, then from operands to cores.
internal import CTTKKernels

extension LaneGradient {
  /// Rows that lie one after the other, elements of a row side by side.
  @safe
  struct Rows<T> {
    let base: UnsafeMutablePointer<T>
    let step: Int

    /// nil when elements of a row are not side by side.
    init?(_ view: StridedView) {
      guard let data = unsafe view.data, view.strides[1] == 1 || view.shape[1] == 1 else {
        return nil
      }
      // Rebinding is right: callers ask for views of T's dtype.
      unsafe base = data.assumingMemoryBound(to: T.self)
      step = view.strides[0]
    }
  }

  /// Writes, or adds to, the gradients of one term.
  ///
  /// - Parameters:
  ///   - cores: as decoded.
  ///   - x, above: `rows` rows each.
  ///   - gradX: nil when not wanted; `adds`: to what is there.
  ///   - gradCores: by core, nil when not wanted.
  /// - Throws: `.outOfMemory`.
  func execute<T: RealScalar>(
    _ cores: [Tensor<T>], x: Rows<T>, above: Rows<T>, rows: Int, gradX: Rows<T>?, adds: Bool,
    gradCores: [StridedView]?, executor: Executor
  ) throws(TTKitError) {
    let tables = try Buffer<Int>(count: layout.tables.count)
    // In bounds: as many as were counted.
    for (i, offset) in layout.tables.enumerated() { unsafe tables.base[i] = offset }
    // Forward panels, then those of the way back.
    let panels = try Buffer<T>(count: checkedProduct([2, layout.panelCount]))
    let base = unsafe panels.base
    try plan.withConstants(cores, executor) { (run) throws(TTKitError) in
      for step in layout.steps {
        // In bounds: either way a step has as many elements.
        unsafe run.packTiles(step.plan, to: base + step.lane.left)
        unsafe run.packTiles(
          step.plan, to: base + layout.panelCount + step.lane.left, turned: true)
      }
    }
    let tiles = (rows - 1) / LaneNetwork<T>.width + 1
    let parts = parts(tiles: tiles)
    let slots = min(parts, max(executor.threads, 1))
    let wanted = gradCores != nil
    let sums = try Buffer<T>(count: checkedProduct([wanted ? slots : 0, sumCount]))
    let total = try Buffer<T>(count: wanted ? sumCount : 0, zeroed: true)
    let work = try LaneTiles(self, x: x, above: above, rows: rows, gradX, adds: adds, slots: slots)
    nonisolated(unsafe) let (partial, at, packed) = unsafe (sums.base, tables.base, base)
    let sumCount = sumCount
    for first in stride(from: 0, to: parts, by: slots) {
      let count = min(slots, parts - first)
      executor.run(count) { slot in
        let part = first + slot
        let own = unsafe wanted ? partial + slot * sumCount : nil
        // In bounds: a slot of the sums for each task.
        if let own = unsafe own { unsafe own.initialize(repeating: 0, count: sumCount) }
        for t in (tiles * part / parts)..<(tiles * (part + 1) / parts) {
          unsafe work.run(t, slot, tables: at, packed, sums: own)
        }
      }
      guard wanted else { continue }
      for slot in 0..<count { unsafe Self.add(partial + slot * sumCount, to: total.base, sumCount) }
    }
    withExtendedLifetime(work) {}
    _ = consume sums
    if let gradCores { unsafe try takeApart(total.base, cores, gradCores, executor) }
    _ = consume total
    _ = consume tables
    _ = consume panels
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  private static func add<T: RealScalar>(
    _ part: UnsafePointer<T>, to total: UnsafeMutablePointer<T>, _ count: Int
  ) {
    // In bounds: both have count elements.
    for i in 0..<count { unsafe total[i] += part[i] }
  }

  /// From gradients of what steps multiplied by to those of cores.
  private func takeApart<T: RealScalar>(
    _ sums: UnsafeMutablePointer<T>, _ cores: [Tensor<T>], _ results: [StridedView],
    _ executor: Executor
  ) throws(TTKitError) {
    for (k, operand) in operands.enumerated() {
      if let strides = operand.strides, let target = unsafe results[operand.cores[0]].data {
        let result = results[operand.cores[0]]
        // In bounds: the sums hold every element of the core.
        unsafe copyElements(
          from: sums + places[k], strides, to: target, result.strides, result.shape,
          size: MemoryLayout<T>.stride)
        continue
      }
      let shape = operand.plan.resultShape
      let above = unsafe StridedView(
        data: sums + places[k], shape: shape, strides: rowMajorStrides(shape), T.dtype)
      try operand.plan.execute(
        operand.cores.map { cores[$0].wholeView }, above: above,
        into: operand.cores.map { results[$0] }, executor: executor)
    }
  }
}

/// Tiles of rows: forward, keeping what steps read, and back.
@safe
private final class LaneTiles<T: RealScalar>: @unchecked Sendable {
  private let gradient: LaneGradient
  private let x, above: LaneGradient.Rows<T>
  private let rows: Int
  private let gradX: LaneGradient.Rows<T>?
  private let adds: Bool
  private let memory: Buffer<T>
  /// Where x and the outputs of steps are in a slot; then its scratch.
  private let places: [Int]
  private let slotCount: Int

  init(
    _ gradient: LaneGradient, x: LaneGradient.Rows<T>, above: LaneGradient.Rows<T>, rows: Int,
    _ gradX: LaneGradient.Rows<T>?, adds: Bool, slots: Int
  ) throws(TTKitError) {
    (self.gradient, self.x, self.above, self.rows) = (gradient, x, above, rows)
    (self.gradX, self.adds) = (gradX, adds)
    var (places, count) = ([Int](), 0)
    for size in gradient.layout.sizes {
      places.append(count)
      count = try MemoryRegions.sum(count, size)
    }
    places.append(count)
    slotCount = try MemoryRegions.sum(count, 32768 / MemoryLayout<T>.stride)
    self.places = places
    memory = try Buffer<T>(count: checkedProduct([slots, slotCount]))
  }

  /// Tile t in memory of its own. Sums is nil when gradients of operands are not wanted.
  func run(
    _ t: Int, _ slot: Int, tables: UnsafePointer<Int>, _ panels: UnsafePointer<T>,
    sums: UnsafeMutablePointer<T>?
  ) {
    let kernel = TileKernel<T>()
    let (lanes, layout) = (kernel.lanes, gradient.layout)
    let first = t * kernel.width
    let count = min(kernel.width, rows - first)
    // In bounds: rows first ..< first + count exist; the layout placed tables, panels and sides of steps.
    let base = unsafe memory.base + slot * slotCount
    let scratch = unsafe base + places[places.count - 1]
    let last = layout.steps.count
    func step(_ k: Int, _ left: UnsafePointer<T>?) -> ttkk_lane_step {
      unsafe ttkk_lane_step(
        layout.steps[k].lane, tables: tables, left: left, height: kernel.height)
    }
    if unsafe sums != nil {
      unsafe lanes.load(
        count, gradient.inputs, x.base + first * x.step, x.step, nil, base)
      for k in 0..<(last - 1) {
        var s = unsafe step(k, panels + layout.steps[k].lane.left)
        unsafe lanes.step(&s, base + places[k], base + places[k + 1], scratch)
      }
    }
    unsafe back(from: first, count, base, tables, panels, lanes, sums, scratch)
  }

  private func back(
    from first: Int, _ count: Int, _ base: UnsafeMutablePointer<T>, _ tables: UnsafePointer<Int>,
    _ panels: UnsafePointer<T>, _ lanes: ttkk_lanes, _ sums: UnsafeMutablePointer<T>?,
    _ scratch: UnsafeMutablePointer<T>
  ) {
    let layout = gradient.layout
    let last = layout.steps.count
    let height = TileKernel<T>().height
    let top = unsafe base + places[last]
    // Padding and the gaps between lines carry nothing.
    unsafe UnsafeMutableRawPointer(top).initializeMemory(
      as: UInt8.self, repeating: 0,
      count: layout.isPadded ? layout.sizes[last] * MemoryLayout<T>.stride : 0)
    unsafe lanes.load(
      count, gradient.outputs, above.base + first * above.step, above.step,
      tables + layout.resultTable, top)
    for k in stride(from: last - 1, through: 0, by: -1) {
      let lane = layout.steps[k].lane
      let (input, output) = unsafe (base + places[k], base + places[k + 1])
      if let sums = unsafe sums {
        var s = unsafe ttkk_lane_step(lane, tables: tables, left: nil, height: height)
        unsafe lanes.gradient(&s, input, output, sums + gradient.places[k], scratch)
      }
      guard k > 0 || gradX != nil else { continue }
      let at = lane.tables
      // The way back reads what the step wrote and writes where it read, which nobody needs any more.
      var s = unsafe ttkk_lane_step(
        batch: lane.batch, rows: lane.inner, inner: lane.rows, columns: lane.columns,
        height: height, y_step: 0, left: panels + layout.panelCount + lane.left,
        x_batch: tables + at[3], x_inner: tables + lane.rowTable, x_columns: tables + at[4],
        y_batch: tables + at[0], y_columns: tables + at[2], y_rows: tables + at[1])
      unsafe lanes.step(&s, output, input, scratch)
    }
    guard let gradX else { return }
    unsafe lanes.store(
      count, gradient.inputs, base, tables + layout.inputTable,
      gradX.base + first * gradX.step, gradX.step, nil, adds ? 1 : 0)
  }
}
