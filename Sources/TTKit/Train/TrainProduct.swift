/// Products of two trains that are never formed: whoever needs a core applies one operand after the other.

/// Element by element, or over the columns of the left and the rows of the right operand.
///
/// A *state* (q, a, b) stands for q vectors in the space of a bond, left rank times right rank.
struct TrainProduct<T: Scalar> {
  /// Element by element (a, n, a'); else (a, m, k, a') and (b, k, n, b').
  let left: [Tensor<T>]
  let right: [Tensor<T>]

  var order: Int { left.count }
  private var isElementwise: Bool { left[0].shape.count == 3 }

  /// Length of mode k of the result.
  func mode(_ k: Int) -> Int {
    // Fits: `truncated` has checked.
    isElementwise ? left[k].shape[1] : left[k].shape[1] * right[k].shape[2]
  }

  /// Both operands from the other end.
  func reversed() throws(TTKitError) -> TrainProduct {
    func mirrored(_ cores: [Tensor<T>]) throws(TTKitError) -> [Tensor<T>] {
      var result: [Tensor<T>] = []
      let axes = isElementwise ? [2, 1, 0] : [3, 1, 2, 0]
      for core in cores.reversed() { try result.append(core.transposed(axes)) }
      return result
    }
    return try TrainProduct(left: mirrored(left), right: mirrored(right))
  }

  /// A state (q, a, b) taken through core k: (q, mode, a', b').
  /// - Complexity: O(q n (a a' b + a' b b')), for matrices n = m k, then k n.
  func advanced(_ state: ScaledTensor<T>, _ k: Int) throws(TTKitError) -> ScaledTensor<T> {
    let x = try ScaledTensor(left[k], exponent: state.exponent)
    let y = try ScaledTensor(right[k], exponent: x.exponent)
    let result =
      try isElementwise
      ? elementwise(state.tensor, x.tensor, y.tensor) : contracted(state.tensor, x.tensor, y.tensor)
    return try ScaledTensor(result, exponent: y.exponent)
  }

  private func elementwise(
    _ state: Tensor<T>, _ x: Tensor<T>, _ y: Tensor<T>
  ) throws(TTKitError) -> Tensor<T> {
    let (q, a, b) = (state.shape[0], state.shape[1], state.shape[2])
    let (n, ax, by) = (x.shape[1], x.shape[2], y.shape[2])
    let half = try product(
      state.transposed([0, 2, 1]).reshaped([q * b, a]), x.reshaped([a, n * ax]))
    let stack = try half.reshaped([q, b, n, ax]).transposed([2, 0, 3, 1]).reshaped([n, q * ax, b])
    return try batchedProduct(stack, y.transposed([1, 0, 2])).reshaped([n, q, ax, by])
      .transposed([1, 0, 2, 3])
  }

  private func contracted(
    _ state: Tensor<T>, _ x: Tensor<T>, _ y: Tensor<T>
  ) throws(TTKitError) -> Tensor<T> {
    let (q, a, b) = (state.shape[0], state.shape[1], state.shape[2])
    let (m, c, ax) = (x.shape[1], x.shape[2], x.shape[3])
    let (n, by) = (y.shape[2], y.shape[3])
    let half = try product(
      state.transposed([0, 2, 1]).reshaped([q * b, a]), x.reshaped([a, m * c * ax]))
    let middle = try half.reshaped([q, b, m, c, ax]).transposed([0, 2, 4, 1, 3])
      .reshaped([q * m * ax, b * c])
    return try product(middle, y.reshaped([b * c, n * by])).reshaped([q, m, ax, n, by])
      .transposed([0, 1, 3, 2, 4]).reshaped([q, m * n, ax, by])
  }
}
