/// Gradients: the contraction of everything else with the gradient of the result.

extension ContractionPlan {
  /// The plan of the gradient with respect to operand `k`.
  ///
  /// Its operands are those of this plan with the gradient of the result in the place of operand k; its
  /// result has operand k's shape: for real numbers (Jᵀ · gradient).
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
    let axes = operands[k]
    operands[k] = equation.result
    let shape = shapes[k]
    shapes[k] = resultShape
    let present = Set(operands.joined())
    let result = axes.enumerated()
      .filter { present.contains($0.element) && !axes[..<$0.offset].contains($0.element) }
      .map(\.element)
    let spread = result == axes ? nil : ResultSpread(axes: axes, shape: shape)
    return try ContractionPlan(
      ContractionEquation(operands: operands, result: result, names: equation.names),
      shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, constants: nil, spread: spread,
      executor: executor)
  }
}
