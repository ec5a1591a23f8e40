/// Executing a plan of gradients: product after product, in memory given by the caller.

extension GradientPlan {
  /// Writes, or adds to, the gradients of ⟨above, contraction of operands⟩.
  ///
  /// - Parameters:
  ///   - operands, above: shapes and dtype as planned, any strides.
  ///   - results: by operand, in its shape; those that were not wanted are not touched.
  ///   - adding: by operand; empty for none.
  ///   - workspace: `workspaceSize` bytes, for this call alone. The caller has checked all this.
  public func execute(
    _ operands: [StridedView], above: StridedView, into results: [StridedView?],
    adding: [Bool] = [], executor: Executor = Executor(),
    workspace: UnsafeMutableRawPointer
  ) {
    unsafe execute(
      ReadOperands(views: operands), above: above, into: results, adding: adding,
      executor: executor, workspace: workspace)
  }

  func execute(
    _ operands: ReadOperands, above: StridedView, into results: [StridedView?],
    adding: [Bool] = [], executor: Executor, workspace: UnsafeMutableRawPointer
  ) {
    // In bounds: workspaceSize counts this step of alignment, the kept products and a plan's workspace.
    let memory = unsafe workspace.alignedUp(toMultipleOf: 64)
    let rest = unsafe memory + memorySize
    func view(_ place: Place) -> StridedView? {
      switch place {
      case .operand(let k): return operands.views[k]
      case .above: return above
      case .result(let k): return results[k]
      case .memory(let offset, let shape):
        return unsafe StridedView(
          data: memory + offset * dtype.size, shape: shape, strides: rowMajorStrides(shape), dtype)
      }
    }
    for step in steps {
      var adds = false
      if case .result(let k) = step.output { adds = !adding.isEmpty && adding[k] }
      guard let target = view(step.output) else { continue }
      unsafe step.plan.execute(
        ReadOperands(
          views: step.inputs.compactMap(view), gathers: operands.gathers(of: step.inputs),
          vectors: operands.vectors, shortened: operands.shortened),
        into: target, adding: adds, workspace: rest, executor: executor)
    }
  }

  /// Executes with a workspace of its own.
  /// - Throws: `.outOfMemory`.
  public func execute(
    _ operands: [StridedView], above: StridedView, into results: [StridedView?],
    adding: [Bool] = [], executor: Executor = Executor()
  ) throws(TTKitError) {
    let workspace = try Buffer<UInt8>(count: workspaceSize)
    unsafe execute(
      operands, above: above, into: results, adding: adding, executor: executor,
      workspace: workspace.base)
    _ = consume workspace
  }
}

extension ReadOperands {
  /// The gathered axes of the operands among the inputs of a step.
  fileprivate func gathers(of inputs: [GradientPlan.Place]) -> [Gather] {
    guard !gathers.isEmpty else { return [] }
    var found: [Gather] = []
    for (place, input) in inputs.enumerated() {
      guard case .operand(let k) = input else { continue }
      for var gather in gathers where gather.operand == k {
        gather.operand = place
        found.append(gather)
      }
    }
    return found
  }
}
