/// A plan at work: where everything lies in this execute, step after step.

/// One execute: lengths and strides in the workspace, and the steps on them.
@safe
struct PlanRun<T: RealScalar> {
  let plan: ContractionPlan
  let memory: PlanMemory<T>

  private var lengths: UnsafeMutablePointer<Int> {
    unsafe memory.workspace.assumingMemoryBound(to: Int.self)
  }
  private var strides: UnsafeMutablePointer<Int> {
    unsafe (memory.workspace + plan.map.strides).assumingMemoryBound(to: Int.self)
  }

  /// Lengths and the views' steps by axis; an axis that occurs twice steps along the diagonal.
  func fillStrides() {
    let count = plan.map.axisCount
    let operandCount = plan.equation.operands.count
    // In bounds: the map has room for these tables.
    for axis in 0..<count { unsafe lengths[axis] = plan.lengths[axis] }
    if let (axis, length) = memory.shortened { unsafe lengths[axis] = length }
    for i in 0..<((operandCount + 1) * count) { unsafe strides[i] = 0 }
    for k in 0..<operandCount {
      guard let view = view(k) else { continue }
      let axes = plan.equation.operands[k]
      for i in axes.indices { unsafe strides[k * count + axes[i]] += view.strides[i] }
    }
    for i in plan.equation.result.indices {
      unsafe strides[operandCount * count + plan.equation.result[i]] += memory.result.strides[i]
    }
  }

  /// Operand k; nil when it was packed.
  private func view(_ k: Int) -> StridedView? {
    memory.operands.isEmpty ? (k == 0 ? memory.input : nil) : memory.operands[k]
  }

  /// True when some axis has length 0: the result is zero or nothing.
  func isEmpty() -> Bool {
    // In bounds: axisCount lengths were filled.
    for axis in 0..<plan.map.axisCount where unsafe lengths[axis] == 0 { return true }
    return false
  }

  func size(_ axes: [Int]) -> Int {
    var product = 1
    for axis in axes { unsafe product *= lengths[axis] }  // at most the planned size
    return product
  }

  /// Zeros through the result's strides.
  func clear() {
    let axes = plan.equation.result
    let count = size(axes)
    guard count > 0, let target = unsafe base(of: plan.nodes.count - 1) else { return }
    for i in 0..<count {
      var (rest, offset) = (i, 0)
      for axis in axes.reversed() {
        // In bounds: an index of the result.
        let length = unsafe lengths[axis]
        offset += rest % length * stride(plan.nodes.count - 1, axis)
        rest /= length
      }
      unsafe target[offset] = 0
    }
  }

  /// First element of a node; nil for an operand without memory.
  func base(of node: Int) -> UnsafeMutablePointer<T>? {
    let node = plan.nodes[node]
    switch node.place {
    case .operand(let k):
      return unsafe view(k)?.data?.assumingMemoryBound(to: T.self)
    case .result: return unsafe memory.result.data?.assumingMemoryBound(to: T.self)
    case .intermediate(let offset):
      if node.isConstant { return unsafe memory.constants.map { unsafe $0 + offset } }
      let start = unsafe memory.workspace + plan.map.intermediates
      return unsafe start.assumingMemoryBound(to: T.self) + offset
    }
  }

  private func stride(_ node: Int, _ axis: Int) -> Int {
    // In bounds: a table for each operand and one for the result.
    switch plan.nodes[node].place {
    case .operand(let k): return unsafe strides[k * plan.map.axisCount + axis]
    case .result:
      return unsafe strides[plan.equation.operands.count * plan.map.axisCount + axis]
    case .intermediate: return plan.nodes[node].strides[axis]
    }
  }

  private func reads(_ node: Int, _ gather: Gather) -> Bool {
    plan.nodes[node].place == .operand(gather.operand)
  }

  /// Writes the offsets of `node` over `axes`, last axis fastest, and moves `next` past them.
  func table(
    _ node: Int, _ axes: [Int], _ next: inout UnsafeMutablePointer<Int>
  ) -> UnsafeMutablePointer<Int> {
    let table = unsafe next
    unsafe table[0] = 0
    var count = 1
    for axis in axes {
      let (length, step) = unsafe (lengths[axis], stride(node, axis))
      // From the end, so that what is not yet read is not overwritten. In bounds: see WorkspaceMap.
      for old in Swift.stride(from: count - 1, through: 0, by: -1) {
        let start = unsafe table[old]
        for i in Swift.stride(from: length - 1, through: 0, by: -1) {
          unsafe table[old * length + i] = start + i * step
        }
      }
      for gather in memory.gathers where gather.axis == axis && reads(node, gather) {
        for old in 0..<count {
          // In bounds: a position for each index of the axis.
          for i in 0..<length {
            unsafe table[old * length + i] += gather.positions[i] * gather.step
          }
        }
      }
      count *= length
    }
    unsafe next += count
    return unsafe table
  }

  var firstTable: UnsafeMutablePointer<Int> {
    unsafe (memory.workspace + plan.map.tables).assumingMemoryBound(to: Int.self)
  }

  /// The step as a product ready to run; nil when an operand has no memory, which callers rule out.
  func product(_ step: ContractionStep, _ index: Int) -> PanelProduct<T>? {
    let right = step.right ?? step.left
    let packed = unsafe memory.panels.isEmpty ? nil : unsafe memory.panels[index]
    let coded = memory.coded.isEmpty ? nil : memory.coded[index]
    guard let a = unsafe base(of: step.left), let c = unsafe base(of: step.output) else {
      return nil
    }
    // Panels that were packed beforehand are all that is read of the right operand.
    let isPacked = unsafe packed != nil || coded != nil
    guard let b = unsafe base(of: right) ?? (isPacked ? a : nil) else { return nil }
    let kernel = TileKernel<T>()
    let shape = StepShape(
      batch: size(step.batch), rows: size(step.rows), columns: size(step.columns),
      inner: size(step.inner), height: kernel.height, width: kernel.width)
    var next = unsafe firstTable
    let isResult = plan.nodes[step.output].place == .result
    return unsafe PanelProduct(
      shape: shape, kernel: kernel, left: UnsafePointer(a), right: UnsafePointer(b), target: c,
      leftTables: OffsetTables(
        batch: table(step.left, step.batch, &next), outer: table(step.left, step.rows, &next),
        inner: table(step.left, step.inner, &next)),
      rightTables: OffsetTables(
        batch: table(right, step.batch, &next), outer: table(right, step.columns, &next),
        inner: table(right, step.inner, &next)),
      targetTables: OffsetTables(
        batch: table(step.output, step.batch, &next), outer: table(step.output, step.rows, &next),
        inner: table(step.output, step.columns, &next)),
      packed: packed, coded: coded,
      scratch: (memory.workspace + plan.map.scratch).assumingMemoryBound(to: T.self),
      accumulate: isResult && memory.accumulate)
  }

  /// The sum over the step's inner axes.
  func reduce(_ step: ContractionStep) {
    guard let a = unsafe base(of: step.left), let c = unsafe base(of: step.output) else { return }
    var next = unsafe firstTable
    let rows = unsafe table(step.left, step.rows, &next)
    let inner = unsafe table(step.left, step.inner, &next)
    let targets = unsafe table(step.output, step.rows, &next)
    let (count, depth) = (size(step.rows), size(step.inner))
    let adds = plan.nodes[step.output].place == .result && memory.accumulate
    for i in 0..<count {
      // In bounds: offsets of elements that exist.
      let from = unsafe a + rows[i]
      var sum: T = 0
      for k in 0..<depth { unsafe sum += from[inner[k]] }
      if adds { unsafe c[targets[i]] += sum } else { unsafe c[targets[i]] = sum }
    }
  }
}
