/// A term executed as a network: activations meet the cores in the cheapest order, tile by tile.
///
/// What cores make among themselves is made once, and cores are packed once; or, where memory for that
/// is not granted, cores are decoded in every execute and nothing is kept.

final class TermNetwork<T: RealScalar>: Sendable {
  let plan: ContractionPlan
  /// Rows of one tile: its intermediates stay in the second-level cache.
  let tile: Int
  private let packed: PackedPanels<T>
  /// Cores that every execute decodes; empty when they were packed.
  private let streamed: [EncodedCore]
  private let lift: PreparedOperator<T>?
  private let inputShape: [Int]
  private let inputSteps: [Int]
  private let outputSteps: [Int]
  private let rowLength: (input: Int, output: Int)
  private static var mostLanes: Int { 16 }

  /// Bytes of packed panels.
  var byteCount: Int { packed.byteCount }

  /// The plan of x (rows, columns...) times the term.
  static func plan(
    _ equation: Equation, rows: Int, scheme: CostModel.Scheme = .panels, isPrepared: Bool,
    mostConstant: Int
  ) throws(TTKitError) -> ContractionPlan {
    let (network, shapes) = try equation.applied(toRows: rows)
    return try ContractionPlan(
      network, shapes: shapes, dtype: T.dtype, memoryLimit: nil,
      constants: [false] + equation.operands.map { _ in isPrepared }, mostConstant: mostConstant,
      scheme: scheme, executor: .serial)
  }

  /// - Parameters:
  ///   - plan: as ``plan(_:rows:scheme:isPrepared:mostConstant:)`` made it for this term.
  ///   - coded: by step, cores whose codes stay packed; empty for none.
  init(
    _ term: Term, plan: ContractionPlan, isPrepared: Bool, coded: [CodedLayout?] = [],
    executor: Executor
  ) throws(TTKitError) {
    let equation = term.equation
    let rows = plan.lengths[plan.equation.operands[0][0]]
    let widest = plan.nodes.reduce(1) { most, node in
      guard case .intermediate = node.place, !node.isConstant else { return most }
      return max(most, node.axes.reduce(1) { $0 * plan.lengths[$1] } / rows)  // planned sizes
    }
    self.plan = plan
    lift = try term.input.map { (shape) throws(TTKitError) in
      try PreparedOperator(shape, executor: executor)
    }
    tile = isPrepared ? min(max(65536 / widest, 1), rows) : rows
    inputShape = plan.shapes[0]
    inputSteps = [equation.columnCount] + rowMajorStrides(equation.columns.map(\.length))
    outputSteps = [equation.rowCount] + rowMajorStrides(equation.rows.map(\.length))
    rowLength = (equation.columnCount, equation.rowCount)
    streamed = isPrepared ? [] : term.cores
    packed =
      isPrepared
      ? try PackedPanels(plan, term, coded: coded, executor)
      : PackedPanels(buffer: try Buffer(count: 0), offsets: [])
  }

  private func lanes(_ rows: Int) -> Int {
    streamed.isEmpty ? min((rows - 1) / tile + 1, Self.mostLanes) : 1
  }

  /// Bytes of workspace for this many rows.
  func workspaceSize(rows: Int) throws(TTKitError) -> Int {
    var cores = 0
    for core in streamed {
      cores += try checkedProduct(core.shape + [MemoryLayout<T>.stride, 64]) / 64 + 64
    }
    // At most 16 plans and decoded cores, each within the address space by far.
    let (lane, tooLong) = plan.workspaceSize.addingReportingOverflow(64)
    let lifted = try checkedProduct([try liftCount(rows), MemoryLayout<T>.stride])
    let (sum, overflow) = try checkedProduct([max(lanes(rows), 1), lane])
      .addingReportingOverflow(cores)
    let (size, beyond) = sum.addingReportingOverflow(lifted)
    guard !tooLong, !overflow, !beyond else {
      throw .sizeOverflow("workspace of \(rows) rows exceeds the address space")
    }
    return size
  }

  /// Elements that lifted activations take, in whole cache lines.
  private func liftCount(_ rows: Int) throws(TTKitError) -> Int {
    try lift?.workspaceCount(rows: rows) ?? 0
  }

  /// y (rows, outputs) += x (rows, inputs) times the transposed term.
  func addProduct(
    _ x: UnsafePointer<T>, rows: Int, to y: UnsafeMutablePointer<T>,
    workspace: UnsafeMutableRawPointer, executor: Executor
  ) {
    var (input, memory) = unsafe (x, workspace)
    if let lift {
      let lifted = unsafe workspace.assumingMemoryBound(to: T.self)
      unsafe lift.lift(x, rows: rows, workspace: lifted, executor: executor)
      unsafe input = UnsafePointer(lifted)
      // Fits: checked in workspaceSize for more rows.
      let count = (try? lift.workspaceCount(rows: rows)) ?? 0
      unsafe memory += count * MemoryLayout<T>.stride
    }
    let tiles = (rows + tile - 1) / tile
    let lanes = lanes(rows)
    let size = (plan.workspaceSize + 63) / 64 * 64
    // Tiles read x and write disjoint rows of y; lanes use disjoint workspaces.
    nonisolated(unsafe) let (x, y, workspace) = unsafe (input, y, memory)
    guard streamed.isEmpty else {
      let views = unsafe decoded(into: workspace + size)
      for t in 0..<tiles { unsafe run(t, rows, x, y, workspace, views, executor) }
      return
    }
    if tiles == 1 { return unsafe run(0, rows, x, y, workspace, [], executor) }
    executor.run(lanes) { lane in
      for t in stride(from: lane, to: tiles, by: lanes) {
        unsafe self.run(t, rows, x, y, workspace + lane * size, [], .serial)
      }
    }
  }

  private func run(
    _ t: Int, _ rows: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    _ workspace: UnsafeMutableRawPointer, _ cores: [StridedView], _ executor: Executor
  ) {
    let first = t * tile
    let input = unsafe UnsafeMutableRawPointer(mutating: x + first * rowLength.input)
    let output = unsafe UnsafeMutableRawPointer(y + first * rowLength.output)
    let view = unsafe StridedView(data: input, shape: inputShape, strides: inputSteps, T.dtype)
    // In bounds: rows first ..< first + tile of x and y that exist.
    var memory = unsafe PlanMemory<T>(
      operands: cores.isEmpty ? [] : [view] + cores,
      result: StridedView(
        data: output, shape: plan.resultShape, strides: outputSteps, T.dtype),
      workspace: workspace)
    memory.input = view
    unsafe memory.panels = packed.pointers
    memory.coded = packed.coded
    memory.accumulate = true
    memory.shortened = (plan.equation.operands[0][0], min(tile, rows - first))
    plan.run(memory, executor)
  }

  /// Decodes the cores one after the other; workspaceSize has room for them.
  private func decoded(into memory: UnsafeMutableRawPointer) -> [StridedView] {
    var next = unsafe memory
    var views: [StridedView] = []
    for core in streamed {
      let count = core.shape.reduce(1, *)  // fits: checked in workspaceSize
      let base = unsafe next.assumingMemoryBound(to: T.self)
      var span = unsafe MutableSpan(_unsafeStart: base, count: count)
      core.storage.decode(core.parts, shape: core.shape, range: 0..<count, into: &span)
      views.append(
        unsafe StridedView(
          data: next, shape: core.shape, strides: rowMajorStrides(core.shape), T.dtype))
      unsafe next += (count * MemoryLayout<T>.stride + 63) / 64 * 64
    }
    return views
  }
}
