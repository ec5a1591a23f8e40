/// A term executed with rows side by side in vector lanes: no step transposes anything.
///
/// Activations are transposed on their way in and on their way out; in between every step is a product
/// of a core, packed once, with whole lines of rows. For many rows: a line is as wide as a panel.
internal import CTTKKernels

final class LaneNetwork<T: RealScalar>: Sendable {
  /// Rows side by side.
  static var width: Int { TileKernel<T>().width }
  private static var mostThreads: Int { 16 }
  /// Elements of a gathered operand: see ttkk_lane_step.
  private static var scratchCount: Int { 32768 / MemoryLayout<T>.stride }

  private let steps: [LaneStep]
  private let panels: Buffer<T>
  private let tables: Buffer<Int>
  private let resultTable: Int
  /// The two regions that steps read and write in turn.
  private let regions: [Int]
  private let inputs: Int
  private let outputs: Int

  var byteCount: Int { panels.byteCount }

  /// - Parameters:
  ///   - plan: as ``TermNetwork/plan(_:rows:scheme:isPrepared:mostConstant:)`` made it for lanes.
  ///   - outputs: rows of the matrix; those of the term past it are padding.
  init(
    _ term: Term, plan: ContractionPlan, outputs: Int, executor: Executor
  ) throws(TTKitError) {
    let layout = try LaneLayout(plan, width: Self.width, outputs: outputs)
    steps = layout.steps.map(\.lane)
    regions = layout.regions
    resultTable = layout.resultTable
    inputs = term.equation.columnCount
    self.outputs = outputs
    let tables = try Buffer<Int>(count: layout.tables.count)
    // In bounds: as many as were counted.
    for (i, offset) in layout.tables.enumerated() { unsafe tables.base[i] = offset }
    let panels = try Buffer<T>(count: layout.panelCount)
    let base = unsafe panels.base
    try plan.withConstants(term.operands(T.self).map(\.tensor), executor) {
      (run) throws(TTKitError) in
      // In bounds: the layout counted these panels.
      for step in layout.steps { unsafe run.packTiles(step.plan, to: base + step.lane.left) }
    }
    self.tables = tables
    self.panels = panels
  }

  private var spaceCount: Int { regions[0] + regions[1] + Self.scratchCount }

  private func spaces(_ rows: Int) -> Int {
    min((max(rows, 1) - 1) / Self.width + 1, Self.mostThreads)
  }

  /// Bytes of workspace for this many rows.
  func workspaceSize(rows: Int) throws(TTKitError) -> Int {
    try checkedProduct([spaces(rows), spaceCount, MemoryLayout<T>.stride])
  }

  /// y (rows, outputs) = x (rows, inputs) times the transposed term, plus y or the bias.
  func multiply(
    _ x: UnsafePointer<T>, rows: Int, into y: UnsafeMutablePointer<T>, bias: UnsafePointer<T>?,
    accumulate: Bool, workspace: UnsafeMutableRawPointer, executor: Executor
  ) {
    let (width, spaces, size) = (Self.width, spaces(rows), spaceCount)
    let tiles = (rows + width - 1) / width
    // Tiles read x and write disjoint rows of y, each thread in a workspace of its own.
    nonisolated(unsafe) let (x, y, bias) = unsafe (x, y, bias)
    nonisolated(unsafe) let space = unsafe workspace.assumingMemoryBound(to: T.self)
    executor.run(spaces) { lane in
      for t in stride(from: lane, to: tiles, by: spaces) {
        let first = t * width
        // In bounds: rows first ..< first + width of x and y that exist.
        unsafe self.run(
          x + first * self.inputs, min(width, rows - first), y + first * self.outputs, bias,
          accumulate, space + lane * size)
      }
    }
  }

  private func run(
    _ x: UnsafePointer<T>, _ rows: Int, _ y: UnsafeMutablePointer<T>, _ bias: UnsafePointer<T>?,
    _ accumulate: Bool, _ space: UnsafeMutablePointer<T>
  ) {
    let kernel = TileKernel<T>()
    let (lanes, height) = (kernel.lanes, kernel.height)
    var (to, from) = unsafe (space, space + regions[0])
    let scratch = unsafe space + regions[0] + regions[1]
    unsafe lanes.load(rows, inputs, x, inputs, nil, from)
    for step in steps {
      // In bounds: the layout placed tables, panels and both sides of every step.
      var s = unsafe ttkk_lane_step(
        step, tables: tables.base, left: panels.base + step.left, height: height)
      unsafe lanes.step(&s, from, to, scratch)
      unsafe (from, to) = (to, from)
    }
    unsafe lanes.store(
      rows, outputs, from, tables.base + resultTable, y, outputs, bias, accumulate ? 1 : 0)
  }
}

extension ttkk_lane_step {
  /// - Parameters:
  ///   - tables: where all tables of the layout lie.
  ///   - left: the packed constant operand of this step, or nil where it is not read.
  init(_ step: LaneStep, tables: UnsafePointer<Int>, left: UnsafeRawPointer?, height: Int) {
    let at = step.tables
    // In bounds: the layout placed these tables.
    unsafe self.init(
      batch: step.batch, rows: step.rows, inner: step.inner, columns: step.columns,
      height: height, y_step: step.yStep, left: left, x_batch: tables + at[0],
      x_inner: tables + at[1], x_columns: tables + at[2], y_batch: tables + at[3],
      y_columns: tables + at[4], y_rows: nil)
  }
}
