/// Moving the norm of a train into one core.

extension TensorTrain {
  /// The same tensor with cores first..<center left-orthogonal and center+1...last right-orthogonal.
  ///
  /// Cores outside first...last keep their bits.
  /// - Complexity: O(d n r³).
  /// - Throws: `.invalidArgument` for positions out of order; `.outOfMemory`; `.nonFinite` when core
  ///   `center` would leave the dtype's range.
  public func orthogonalized(
    first: Int, center: Int, last: Int
  ) throws(TTKitError) -> TensorTrain {
    guard 0 <= first, first <= center, center <= last, last < order else {
      throw .invalidArgument(
        "first \(first), center \(center), last \(last): expected 0 <= first <= center <= last"
          + " < \(order)")
    }
    var cores = cores
    var exponent = 0
    for k in first..<center {
      let near = try ScaledTensor(cores[k], exponent: exponent)
      let (q, r) = try qr(near.tensor.matrix(lastAxes: 1))
      cores[k] = q.reshaped([cores[k].shape[0], cores[k].shape[1], q.shape[1]])
      (cores[k + 1], exponent) = try cores[k + 1].leftMultiplied(by: r, near.exponent)
    }
    for k in stride(from: last, to: center, by: -1) {
      let near = try ScaledTensor(cores[k], exponent: exponent)
      let (l, q) = try lq(near.tensor.matrix(lastAxes: 2))
      cores[k] = q.reshaped([q.shape[0], cores[k].shape[1], cores[k].shape[2]])
      (cores[k - 1], exponent) = try cores[k - 1].rightMultiplied(by: l, near.exponent)
    }
    cores[center] = try cores[center].scaled(byPowerOfTwo: exponent)
    return try TensorTrain(checking: cores, error: error)
  }

  /// All cores but the first right-orthogonal, and the power of two the tensor was divided by.
  func rightOrthogonalized() throws(TTKitError) -> (cores: [Tensor<T>], exponent: Int) {
    var cores = cores
    var exponent = 0
    for k in stride(from: order - 1, to: 0, by: -1) {
      let near = try ScaledTensor(cores[k], exponent: exponent)
      let (l, q) = try lq(near.tensor.matrix(lastAxes: 2))
      cores[k] = q.reshaped([q.shape[0], cores[k].shape[1], cores[k].shape[2]])
      (cores[k - 1], exponent) = try cores[k - 1].rightMultiplied(by: l, near.exponent)
    }
    let near = try ScaledTensor(cores[0], exponent: exponent)
    cores[0] = near.tensor
    return (cores, near.exponent)
  }
}
