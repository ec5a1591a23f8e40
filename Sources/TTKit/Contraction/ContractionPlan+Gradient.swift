/// Gradients: the contraction of everything else with the gradient of the result.
///
/// For complex numbers everything else is conjugated: with z = x + iy the gradient of a real function L is
/// ∂L/∂x + i ∂L/∂y, along which L grows fastest, as in torch. (jax's vjp has no conjugates: its result for the
/// conjugate of a gradient is the conjugate of this one.)
internal import Synchronization

extension ContractionPlan {
  /// The plan of the gradient with respect to operand `k`.
  ///
  /// Its operands are those of this plan with the gradient of the result in the place of operand k; its
  /// result has operand k's shape: (Jᴴ · gradient).
  /// - Throws: `.invalidArgument` for an operand there is not; what planning throws.
  public func gradient(
    of k: Int, memoryLimit: Int? = nil, executor: Executor = Executor()
  ) throws(TTKitError) -> ContractionPlan {
    guard equation.operands.indices.contains(k) else {
      throw .invalidArgument(
        "operand \(k) was asked for, expected 0 to \(equation.operands.count - 1)")
    }
    try requireGradient()
    var operands = equation.operands
    var shapes = shapes
    operands[k] = equation.result
    shapes[k] = resultShape
    let made = ResultSpread.made(equation.operands[k], present: Set(operands.joined()))
    let spread = ResultSpread(equation, k, made: made, shape: self.shapes[k], lengths: lengths)
    let rest = ContractionEquation(
      operands: operands, result: made, names: equation.names,
      readings: equation.readings?.replacing(k, by: equation.result))
    guard complex == nil else {
      return try ContractionPlan(
        complex: rest, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, spread: spread,
        conjugated: operands.indices.map { $0 != k }, known: lengths, executor: executor)
    }
    return try ContractionPlan(
      rest, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, constants: nil, spread: spread,
      known: lengths, executor: executor)
  }

  /// Writes the gradients of ⟨above, contraction of operands⟩ with respect to every operand.
  ///
  /// - Parameters: shapes and dtype as planned, any strides; operands are followed by the index vectors;
  ///   results, by operand, overlap nothing. The caller has checked all this.
  /// - Throws: `.invalidArgument` for a plan that is a gradient itself, and for positions out of range; what
  ///   planning throws.
  public func gradients(
    _ operands: [StridedView], above: StridedView, into results: [StridedView]
  ) throws(TTKitError) {
    try requireGradient()
    if let complex {
      return try complex.gradients(operands, above: above, into: results)
    }
    try realGradients(operands, above: above, into: results)
  }

  /// - Parameter results: by operand; nil for one that is not wanted, the same ones in every call.
  func realGradients(
    _ arrays: [StridedView], above: StridedView, into results: [StridedView?]
  ) throws(TTKitError) {
    var plan = gradientPlan.withLock { $0 }
    if plan == nil {
      let made = try GradientPlan(
        equation, shapes: shapes, dtype: dtype, wanted: results.map { $0 != nil },
        path: ContractionPath(pairs: path))
      gradientPlan.withLock { $0 = made }
      plan = made
    }
    guard let plan else { return }
    let size = try MemoryRegions.sum(plan.workspaceSize, reads?.memorySize ?? 0)
    let workspace = try Buffer<UInt8>(count: size)
    // In bounds: what the readings take lies behind the gradients' workspace.
    let operands = try unsafe reads?.read(arrays, memory: workspace.base + plan.workspaceSize)
    unsafe plan.execute(
      operands ?? ReadOperands(views: arrays), above: above, into: results, executor: executor,
      workspace: workspace.base)
    _ = consume workspace
  }

  func requireGradient() throws(TTKitError) {
    guard spread == nil else {
      throw .invalidArgument(
        "this is a gradient with axes of its own, which has no plan of a gradient; plan the "
          + "equation")
    }
    guard complex?.isConjugated != true else {
      throw .invalidArgument(
        "this is a gradient of complex numbers, which has no plan of a gradient; plan the equation")
    }
  }
}
