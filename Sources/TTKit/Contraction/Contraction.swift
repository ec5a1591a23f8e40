/// Contracts tensors whose axes have names, once.

/// A tensor whose axes have names.
struct NamedTensor<T: Scalar>: Sendable {
  var axes: [Axis]
  var tensor: Tensor<T>
}

/// The sum over all axes not in `result` of the product of `operands`, laid out as `result`.
///
/// - Parameter operands: at least one; every axis of `result` occurs in some operand.
/// - Throws: `.outOfMemory`, `.sizeOverflow`.
func contract<T: RealScalar>(
  _ operands: [NamedTensor<T>], to result: [Axis], executor: Executor = .serial
) throws(TTKitError) -> Tensor<T> {
  if operands.count == 1, operands[0].axes.count == result.count {
    // Nothing is summed: the axes are those of the result in some order.
    return try permuted(operands[0].tensor, operands[0].axes, to: result)
  }
  let plan = try ContractionPlan(
    ContractionEquation(operands: operands.map(\.axes), result: result),
    shapes: operands.map(\.tensor.shape), dtype: T.dtype, executor: executor)
  let made = try Tensor<T>(
    shape: plan.resultShape, buffer: Buffer<T>(count: checkedProduct(plan.resultShape)))
  try plan.execute(operands.map(\.tensor.wholeView), into: made.wholeView)
  withExtendedLifetime(operands) {}
  return made
}

/// The same tensor with its axes in another order.
func permuted<T: Scalar>(
  _ tensor: Tensor<T>, _ axes: [Axis], to order: [Axis]
) throws(TTKitError) -> Tensor<T> {
  let positions = order.map { axis in axes.firstIndex(of: axis)! }  // callers pass a permutation
  return try tensor.transposed(positions)
}
