/// Executing a plan: tables of offsets, then step after step; nothing is allocated.

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
  /// Cores packed as codes, by step.
  var coded: [CodedPanels?] = []
  /// Add to the result instead of replacing it.
  var accumulate = false
  /// Axes of operands that step as index vectors say.
  var gathers: [Gather] = []
  /// An axis that is shorter than planned, and its length.
  var shortened: (axis: Int, length: Int)?
}

extension ContractionPlan {
  /// result = the contraction of `operands`.
  ///
  /// - Parameters:
  ///   - operands, result: shapes and dtype of the plan, any strides; the result overlaps nothing. Index
  ///     vectors, int32 or int64, follow the operands.
  ///   - workspace: `workspaceSize` bytes, for this call alone. The caller has checked all this.
  /// - Throws: `.invalidArgument` for a position out of range; nothing is written then.
  public func execute(
    _ operands: [StridedView], into result: StridedView, workspace: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    try unsafe execute(operands, into: result, adding: false, workspace: workspace)
  }

  /// - Parameter adding: to the result instead of replacing it; not for complex numbers.
  private func execute(
    _ arrays: [StridedView], into result: StridedView, adding: Bool,
    workspace: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    if let complex {
      return try unsafe complex.execute(arrays, into: result, workspace: workspace)
    }
    // In bounds: places count from an aligned start, for which the workspace has room.
    let memory = unsafe workspace.alignedUp(toMultipleOf: 64) + places.reads
    let operands = try unsafe reads?.read(arrays, memory: memory) ?? ReadOperands(views: arrays)
    unsafe execute(operands, into: result, adding: adding, workspace: workspace)
  }

  /// - Parameters:
  ///   - operands: with one axis for each axis of the equation.
  ///   - adding: to the result instead of replacing it.
  ///   - executor: nil for the plan's own.
  func execute(
    _ operands: ReadOperands, into result: StridedView, adding: Bool,
    workspace: UnsafeMutableRawPointer, executor: Executor? = nil
  ) {
    // In bounds: workspaceSize has room for this step of alignment.
    let aligned = unsafe workspace.alignedUp(toMultipleOf: 64)
    if dtype == .float64 {
      unsafe execute(Double.self, operands, result, aligned, adding, executor ?? self.executor)
    } else {
      unsafe execute(Float.self, operands, result, aligned, adding, executor ?? self.executor)
    }
  }

  private func execute<T: RealScalar>(
    _ type: T.Type, _ operands: ReadOperands, _ result: StridedView,
    _ workspace: UnsafeMutableRawPointer, _ adding: Bool, _ executor: Executor
  ) {
    guard let spread else {
      var memory = unsafe PlanMemory<T>(
        operands: operands.views, result: result, workspace: workspace)
      memory.accumulate = adding
      (memory.gathers, memory.shortened) = (operands.gathers, operands.shortened)
      run(memory, executor)
      return
    }
    // In bounds: workspaceSize counts these places.
    let compact = unsafe workspace + places.compact
    let shape = equation.result.map { lengths[$0] }
    let inner = unsafe StridedView(
      data: compact, shape: shape, strides: rowMajorStrides(shape), dtype)
    var memory = unsafe PlanMemory<T>(
      operands: operands.views, result: inner, workspace: workspace)
    memory.gathers = operands.gathers
    run(memory, executor)
    unsafe spread.write(
      compact, inner.strides, equation.result, to: result, adding: adding,
      vectors: operands.vectors, memory: workspace + places.offsets)
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

extension ContractionPlan {
  /// Executes with a workspace of its own: for calls that may allocate.
  ///
  /// - Parameter adding: to the result instead of replacing it.
  func execute(
    _ operands: [StridedView], into result: StridedView, adding: Bool = false
  ) throws(TTKitError) {
    let workspace = try Buffer<UInt8>(count: workspaceSize)
    try unsafe execute(operands, into: result, adding: adding, workspace: workspace.base)
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
