/// Inner products and norms, safe far beyond the range of one core.

extension TensorTrain {
  /// The Frobenius norm, by orthogonalisation: accurate to rounding, where √dot loses half the digits.
  ///
  /// - Returns: infinity or 0 only when the norm itself leaves float64's range.
  /// - Complexity: O(d n r³).
  public func norm() throws(TTKitError) -> Double {
    var carry = try ScaledTensor(cores[0].reshaped([1, cores[0].count]))
    for k in 0..<order {
      let core = cores[k]
      if k > 0 {
        let (next, exponent) = try core.leftMultiplied(by: carry.tensor, carry.exponent)
        carry = try ScaledTensor(next, exponent: exponent)
      }
      let (rows, columns) = (carry.tensor.count / core.shape[2], core.shape[2])
      let matrix = carry.tensor.reshaped([rows, columns])
      // Only R has a say in the norm; a wide matrix is its own R.
      carry = try ScaledTensor(
        rows > columns ? triangularFactor(matrix) : matrix, exponent: carry.exponent)
    }
    return carry.norm
  }

  /// ∑ conj(self) · other over all elements.
  ///
  /// - Throws: `.invalidArgument` when shapes differ; `.outOfMemory`.
  public func dot(_ other: TensorTrain) throws(TTKitError) -> T {
    try requireShape(of: other)
    if Self.isTame(reach: reach + other.reach) { return try tameDot(other) }
    var carry = try ScaledTensor(Tensor<T>.identity(1))
    for (a, b) in zip(cores, other.cores) {
      let x = try ScaledTensor(a)
      let (y, exponent) = try b.leftMultiplied(by: carry.tensor, carry.exponent)
      let near = try ScaledTensor(y, exponent: exponent)
      // (a n, b)ᴴ (a n, c): conjugates the left operand.
      let next = try product(
        x.tensor.matrix(lastAxes: 1), near.tensor.matrix(lastAxes: 1), .conjugateTransposed, .plain)
      carry = try ScaledTensor(next, exponent: x.exponent + near.exponent)
    }
    return try carry.tensor.scaled(byPowerOfTwo: carry.exponent).elements[0]
  }
}
