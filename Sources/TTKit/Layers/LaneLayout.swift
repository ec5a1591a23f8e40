/// Where the steps of a network find their operands when rows lie side by side in lanes.

/// What the kernels need of one step; places in elements.
struct LaneStep: Sendable {
  let batch, rows, inner, columns: Int
  /// Between lines of successive rows of the constant operand in the output.
  let yStep: Int
  /// Of the packed constant operand.
  let left: Int
  /// Of the tables of offsets: batch, inner and columns of the input, batch and columns of the output.
  let tables: [Int]
  /// Of the table of the rows of the output.
  let rowTable: Int
}

/// Made from a plan whose first operand are the activations, the axis of rows first, and whose other
/// operands are constant.
struct LaneLayout {
  /// Each step as the plan has it, its axes in the order of the tables, and as the kernels need it.
  private(set) var steps: [(plan: ContractionStep, lane: LaneStep)] = []
  private(set) var tables: [Int] = []
  private(set) var panelCount = 0
  /// Place of the offsets of the result's elements, and of those of x.
  private(set) var resultTable = 0
  private(set) var inputTable = 0
  /// True when the result has elements past the outputs.
  private(set) var isPadded = false
  /// Elements of x in lanes, then of the output of each step.
  private(set) var sizes: [Int] = []
  private let lengths: [Int]
  private let rowAxis: Int
  private let width: Int
  private let lineBytes: Int

  /// - Parameter outputs: elements of the result in its order; those past them are padding.
  /// - Throws: `.invalidArgument` when a step is not activations times constants; `.sizeOverflow`.
  init(_ plan: ContractionPlan, width: Int, outputs: Int) throws(TTKitError) {
    lengths = plan.lengths
    self.width = width
    lineBytes = width * plan.dtype.size
    let given = plan.equation.operands[0]
    rowAxis = given[0]
    let inputLengths = given.dropFirst().map { plan.lengths[$0] }
    var strides = [Int](repeating: 0, count: plan.lengths.count)
    for (axis, step) in zip(given.dropFirst(), rowMajorStrides(inputLengths)) {
      strides[axis] = step * width
    }
    sizes = [try checkedProduct(inputLengths + [width])]
    for step in plan.steps where !step.isConstant {
      guard let right = step.right, plan.nodes[right].isConstant, step.rows.contains(rowAxis)
      else {
        throw .invalidArgument("a step that is not activations times constants has no lanes")
      }
      strides = try place(step, strides)
    }
    let axes = plan.equation.result.filter { $0 != rowAxis }
    let all = offsets(axes, strides)
    guard outputs <= all.count else { throw .internal("a result of \(all.count) elements") }
    resultTable = add(Array(all.prefix(outputs)))
    isPadded = outputs < all.count
    inputTable = add((0..<(sizes[0] / width)).map { $0 * width })
  }

  /// Adds a step whose input has these strides by axis; returns those of its output: batch axes, the
  /// constant operand's, the activations' own, all compact but for a line where steps would alias.
  private mutating func place(
    _ step: ContractionStep, _ strides: [Int]
  ) throws(TTKitError) -> [Int] {
    func sorted(_ axes: [Int]) -> [Int] { axes.sorted { strides[$0] > strides[$1] } }
    var plan = step
    plan.batch = sorted(step.batch)
    plan.inner = sorted(step.inner)
    plan.rows = sorted(step.rows.filter { $0 != rowAxis })
    let (batch, rows) = (try size(plan.batch), try size(plan.columns))
    let (inner, columns) = (try size(plan.inner), try size(plan.rows))
    var yStep = try checkedProduct([columns, width])
    // Lines a multiple of 4096 bytes apart would share their place in caches.
    if rows > 1, columns * lineBytes % 4096 == 0 { yStep += width }
    var output = [Int](repeating: 0, count: strides.count)
    var next = width
    for axis in plan.rows.reversed() {
      output[axis] = next
      next *= lengths[axis]
    }
    next = yStep
    for axis in (plan.batch + plan.columns).reversed() {
      output[axis] = next
      next = try checkedProduct([next, lengths[axis]])
    }
    sizes.append(next)
    let places = [
      add(offsets(plan.batch, strides)), add(offsets(plan.inner, strides)),
      add(offsets(plan.rows, strides)), add(offsets(plan.batch, output)),
      add(offsets(plan.rows, output)),
    ]
    steps.append(
      (
        plan,
        LaneStep(
          batch: batch, rows: rows, inner: inner, columns: columns, yStep: yStep, left: panelCount,
          tables: places, rowTable: add((0..<rows).map { $0 * yStep }))
      ))
    let (sum, overflow) = panelCount.addingReportingOverflow(
      try checkedProduct([batch, rows, inner, 64]) / 64)
    guard !overflow else { throw .sizeOverflow("packed cores exceed the address space") }
    panelCount = (sum + 15) / 16 * 16
    return output
  }

  /// Elements of the two regions that outputs and inputs take in turn; x is in the second.
  var regions: [Int] {
    [1, 0].map { first in
      stride(from: first, to: sizes.count, by: 2).reduce(0) { max($0, sizes[$1]) }
    }
  }

  private func size(_ axes: [Int]) throws(TTKitError) -> Int {
    try checkedProduct(axes.map { lengths[$0] })
  }

  private mutating func add(_ table: [Int]) -> Int {
    tables += table
    return tables.count - table.count
  }

  /// Offsets over these axes, the last fastest.
  private func offsets(_ axes: [Int], _ strides: [Int]) -> [Int] {
    axes.reduce([0]) { table, axis in
      table.flatMap { start in (0..<lengths[axis]).map { start + $0 * strides[axis] } }
    }
  }
}
