/// Executing a plan: tables of offsets, then step after step; nothing is allocated.
internal import CTTKKernels

/// The memory of one execute and what was prepared for it.
@safe
struct PlanMemory<T: RealScalar> {
  /// The operands in the order of the equation; none when all but the first were packed beforehand.
  let operands: [StridedView]
  /// The first operand when the others were packed.
  var input: StridedView?
  let result: StridedView
  /// 64-byte aligned.
  let workspace: UnsafeMutableRawPointer
  /// Products of constants.
  var constants: UnsafeMutablePointer<T>?
  /// Packed panels by step.
  var panels: [UnsafePointer<T>?] = unsafe []
  /// Add to the result instead of replacing it.
  var accumulate = false
  /// An axis that is shorter than planned, and its length.
  var shortened: (axis: Int, length: Int)?
}

extension ContractionPlan {
  /// result = the contraction of `operands`.
  ///
  /// - Parameters:
  ///   - operands, result: shapes and dtype of the plan, any strides; the result overlaps nothing.
  ///   - workspace: `workspaceSize` bytes, for this call alone. The caller has checked all this.
  public func execute(
    _ operands: [StridedView], into result: StridedView, workspace: UnsafeMutableRawPointer
  ) {
    // In bounds: workspaceSize has room for this step of alignment.
    let aligned = unsafe workspace.alignedUp(toMultipleOf: 64)
    if dtype == .float64 {
      unsafe execute(Double.self, operands, result, aligned)
    } else {
      unsafe execute(Float.self, operands, result, aligned)
    }
  }

  private func execute<T: RealScalar>(
    _ type: T.Type, _ operands: [StridedView], _ result: StridedView,
    _ workspace: UnsafeMutableRawPointer, adding: Bool = false
  ) {
    guard let spread else {
      var memory = unsafe PlanMemory<T>(
        operands: operands, result: result, workspace: workspace)
      memory.accumulate = adding
      run(memory, executor)
      return
    }
    // In bounds: workspaceSize counts a compact result after the map.
    let compact = unsafe (workspace + map.byteCount).alignedUp(toMultipleOf: 64)
    let shape = equation.result.map { lengths[$0] }
    let inner = unsafe StridedView(
      data: compact, shape: shape, strides: rowMajorStrides(shape), dtype)
    unsafe run(
      PlanMemory<T>(operands: operands, result: inner, workspace: workspace), executor)
    unsafe spread.write(
      compact.assumingMemoryBound(to: T.self), inner.strides, equation.result, to: result)
  }

  /// Runs the steps that are constant, or those that are not.
  @specialized(where T == Float)
  @specialized(where T == Double)
  func run<T: RealScalar>(
    _ memory: PlanMemory<T>, _ executor: Executor, constants: Bool = false
  ) {
    let run = PlanRun(plan: self, memory: memory)
    run.fillStrides()
    if run.isEmpty() {
      if !memory.accumulate { run.clear() }
      return
    }
    for (index, step) in steps.enumerated() where step.isConstant == constants {
      if step.right == nil {
        run.reduce(step)
      } else {
        run.product(step, index)?.run(executor)
      }
    }
  }
}

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

  /// Writes the offsets of `node` over `axes`, last axis fastest, and moves `next` past them.
  private func table(
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
      count *= length
    }
    unsafe next += count
    return unsafe table
  }

  private var firstTable: UnsafeMutablePointer<Int> {
    unsafe (memory.workspace + plan.map.tables).assumingMemoryBound(to: Int.self)
  }

  /// The step as a product ready to run; nil when an operand has no memory, which callers rule out.
  func product(_ step: ContractionStep, _ index: Int) -> PanelProduct<T>? {
    let right = step.right ?? step.left
    let packed = unsafe memory.panels.isEmpty ? nil : unsafe memory.panels[index]
    guard let a = unsafe base(of: step.left), let c = unsafe base(of: step.output) else {
      return nil
    }
    // Panels that were packed beforehand are all that is read of the right operand.
    guard let b = unsafe base(of: right) ?? (packed != nil ? a : nil) else { return nil }
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
      packed: packed,
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

extension ContractionPlan {
  /// Executes with a workspace of its own: for calls that may allocate.
  ///
  /// - Parameter adding: to the result instead of replacing it.
  func execute(
    _ operands: [StridedView], into result: StridedView, adding: Bool = false
  ) throws(TTKitError) {
    let workspace = try Buffer<UInt8>(count: workspaceSize)
    // In bounds: workspaceSize has room for this step of alignment.
    let aligned = unsafe UnsafeMutableRawPointer(workspace.base).alignedUp(toMultipleOf: 64)
    if dtype == .float64 {
      unsafe execute(Double.self, operands, result, aligned, adding: adding)
    } else {
      unsafe execute(Float.self, operands, result, aligned, adding: adding)
    }
    _ = consume workspace
  }
}

extension Tensor where Element: Scalar {
  /// A view of all elements, valid while the tensor lives.
  var wholeView: StridedView {
    unsafe StridedView(
      data: UnsafeMutableRawPointer(storage.buffer.base), shape: shape,
      strides: rowMajorStrides(shape), Element.dtype)
  }
}
