/// Constant operands of a plan, packed once: as panels, or as tiles for lanes.

@safe
final class PackedPanels<T: RealScalar>: Sendable {
  private let buffer: Buffer<T>
  /// Right operands by step; nil for steps that pack as they go.
  nonisolated(unsafe) let pointers: [UnsafePointer<T>?]
  /// Right operands that stay codes, by step; empty without any.
  let coded: [CodedPanels?]

  var byteCount: Int { coded.reduce(buffer.byteCount) { $0 + ($1?.byteCount ?? 0) } }

  init(buffer: consuming Buffer<T>, offsets: [Int?], coded: [CodedPanels?] = []) {
    self.coded = coded
    let base = unsafe buffer.base
    // In bounds: callers give offsets of panels within the buffer.
    unsafe pointers = unsafe offsets.map { offset in
      unsafe offset.map { unsafe UnsafePointer(base + $0) }
    }
    self.buffer = buffer
  }

  /// Makes the products of constants and packs what activations will meet.
  ///
  /// - Parameter layouts: of steps whose core stays codes; empty for none.
  convenience init(
    _ plan: ContractionPlan, _ term: Term, coded layouts: [CodedLayout?], _ executor: Executor
  ) throws(TTKitError) {
    var coded: [CodedPanels?] = []
    for (step, layout) in zip(plan.steps, layouts) {
      guard let layout else {
        coded.append(nil)
        continue
      }
      let core = term.cores[layout.operand - 1]
      coded.append(try CodedPanels(layout, step, of: plan, core, executor))
    }
    let taken = Set(layouts.compactMap { $0?.operand })
    var cores: [Tensor<T>] = []
    for (index, core) in term.cores.enumerated() {
      // Floats of what stays codes are never read: memory that is not touched stands in for them.
      cores.append(
        try taken.contains(index + 1) ? Tensor(shape: core.shape) { _ in } : core.decoded(T.self))
    }
    let (offsets, count) = try plan.panelOffsets(coded: layouts)
    let buffer = try Buffer<T>(count: count)
    let base = unsafe buffer.base
    try plan.withConstants(cores, executor) { (run) throws(TTKitError) in
      for (index, step) in plan.steps.enumerated() {
        guard let offset = offsets[index] else { continue }
        // In bounds: panelOffsets counts all entries of the step.
        unsafe run.product(step, index)?.packRight(to: base + offset)
      }
    }
    self.init(buffer: buffer, offsets: offsets, coded: coded)
  }
}

extension ContractionPlan {
  /// Makes the products of constants, all operands but the first, and calls `body` while they live.
  func withConstants<T: RealScalar>(
    _ constants: [Tensor<T>], _ executor: Executor,
    _ body: (PlanRun<T>) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    let workspace = try Buffer<UInt8>(count: workspaceSize)
    let products = try Buffer<T>(count: map.constantCount)
    let aligned = unsafe UnsafeMutableRawPointer(workspace.base).alignedUp(toMultipleOf: 64)
    func view(_ data: UnsafeMutableRawPointer, _ shape: [Int]) -> StridedView {
      unsafe StridedView(data: data, shape: shape, strides: rowMajorStrides(shape), T.dtype)
    }
    // Input and result are not touched by constant steps and by packing.
    var operands = unsafe [view(aligned, shapes[0])]
    for constant in constants {
      unsafe operands.append(
        view(UnsafeMutableRawPointer(constant.storage.buffer.base), constant.shape))
    }
    var memory = unsafe PlanMemory<T>(
      operands: operands, result: view(aligned, resultShape), workspace: aligned)
    unsafe memory.constants = products.base
    run(memory, executor, constants: true)
    try body(PlanRun(plan: self, memory: memory))
    withExtendedLifetime(constants) {}
    _ = consume workspace
    _ = consume products
  }

  /// Where the packed right operands of steps begin, and the elements of all.
  ///
  /// - Parameter coded: of steps that have none.
  func panelOffsets(
    coded: [CodedLayout?] = []
  ) throws(TTKitError) -> (offsets: [Int?], count: Int) {
    var offsets: [Int?] = []
    var count = 0
    for (index, step) in steps.enumerated() {
      guard let right = step.right, nodes[right].isConstant, !step.isConstant,
        coded.isEmpty || coded[index] == nil
      else {
        offsets.append(nil)
        continue
      }
      let shape = try StepShape(step, lengths, TileSize(dtype))
      offsets.append(count)
      let (sum, overflow) = count.addingReportingOverflow(
        try checkedProduct([shape.batch, shape.rightCount, 64]) / 64)
      guard !overflow else { throw .sizeOverflow("packed cores exceed the address space") }
      count = (sum + 15) / 16 * 16
    }
    return (offsets, count)
  }
}

extension PlanRun {
  /// Packs the right operand of `step` entry by entry in tiles of nearly equal heights: see ttkk_lane_step.
  ///
  /// - Parameter turned: rows are the inner axes and the inner entries the columns: for the way back.
  func packTiles(
    _ step: ContractionStep, to target: UnsafeMutablePointer<T>, turned: Bool = false
  ) {
    guard let right = step.right, let source = unsafe base(of: right) else { return }
    var next = unsafe firstTable
    let batch = unsafe table(right, step.batch, &next)
    let outer = unsafe table(right, turned ? step.inner : step.columns, &next)
    let inner = unsafe table(right, turned ? step.columns : step.inner, &next)
    let (rows, depth) =
      turned ? (size(step.inner), size(step.columns)) : (size(step.columns), size(step.inner))
    let cut = RowTiles(rows: rows, height: TileKernel<T>().height)
    for entry in 0..<size(step.batch) {
      for tile in 0..<cut.count {
        let range = cut.rows(tile)
        // In bounds: the tables are those of the operand; tiles lie one after the other.
        unsafe gather(
          target + (entry * rows + range.lowerBound) * depth, range.count, source + batch[entry],
          depth, inner, range.count, outer + range.lowerBound)
      }
    }
  }
}
