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
