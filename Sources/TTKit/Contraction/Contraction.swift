/// Contracts small sets of dense tensors, two at a time, in the order given.
///
/// For merging the cores of one term; the planned engine that meets activations is separate.

/// A tensor whose axes have names.
struct NamedTensor<T: Scalar>: Sendable {
  var axes: [Axis]
  var tensor: Tensor<T>
}

/// The sum over all axes not in `result` of the product of `operands`, laid out as `result`.
///
/// - Parameter operands: at least one; every axis of `result` occurs in some operand.
/// - Throws: `.outOfMemory`, `.sizeOverflow`.
func contract<T: Scalar>(
  _ operands: [NamedTensor<T>], to result: [Axis]
) throws(TTKitError) -> Tensor<T> {
  var left = operands[0]
  for (k, right) in operands.enumerated().dropFirst() {
    let needed = Set(result).union(operands.dropFirst(k + 1).flatMap(\.axes))
    left = try contractPair(left, right, keeping: needed)
  }
  // What is left over are the closed ends of trains.
  let open = left.axes.filter { result.contains($0) }
  precondition(
    open.reduce(1) { $0 * $1.length } == left.tensor.count,
    "an axis of one operand alone is not in the result")
  return try permuted(left.tensor.reshaped(open.map(\.length)), open, to: result)
}

/// One pair: batch axes are shared and still needed, contracted ones shared and not.
private func contractPair<T: Scalar>(
  _ a: NamedTensor<T>, _ b: NamedTensor<T>, keeping needed: Set<Axis>
) throws(TTKitError) -> NamedTensor<T> {
  let shared = a.axes.filter { b.axes.contains($0) }
  let batch = shared.filter { needed.contains($0) }
  let inner = shared.filter { !needed.contains($0) }
  let outerA = a.axes.filter { !shared.contains($0) }
  let outerB = b.axes.filter { !shared.contains($0) }
  func size(_ axes: [Axis]) -> Int { axes.reduce(1) { $0 * $1.length } }  // parts of live tensors
  let (m, n, k) = (size(outerA), size(outerB), size(inner))
  let left = try permuted(a.tensor, a.axes, to: batch + outerA + inner)
  let right = try permuted(b.tensor, b.axes, to: batch + inner + outerB)
  let axes = batch + outerA + outerB
  let count = size(batch)
  if count == 1 {
    let c = try product(left.reshaped([m, k]), right.reshaped([k, n]))
    return NamedTensor(axes: axes, tensor: c.reshaped(axes.map(\.length)))
  }
  let c = try batchedProduct(left.reshaped([count, m, k]), right.reshaped([count, k, n]))
  return NamedTensor(axes: axes, tensor: c.reshaped(axes.map(\.length)))
}

/// The same tensor with its axes in another order.
func permuted<T: Scalar>(
  _ tensor: Tensor<T>, _ axes: [Axis], to order: [Axis]
) throws(TTKitError) -> Tensor<T> {
  let positions = order.map { axis in axes.firstIndex(of: axis)! }  // callers pass a permutation
  return try tensor.transposed(positions)
}
