/// Numbers beyond the range of their dtype: a tensor times a power of two kept beside it.
///
/// Products along a train of 500 cores leave any float's range although the end result may not.

struct ScaledTensor<T: Scalar> {
  let tensor: Tensor<T>
  let exponent: Int

  /// tensor · 2^exponent, with the tensor brought near 1 when it is not already.
  ///
  /// Near: within 2^±30 for float32, 2^±200 for float64, so that a product of two and its squares
  /// neither overflow nor lose digits. Scaling by powers of two is exact; zero and NaN stay as they are.
  init(_ tensor: Tensor<T>, exponent: Int = 0) throws(TTKitError) {
    let largest = tensor.largestComponent
    let near = T.Real.dtype == .float32 ? 30 : 200
    guard largest > 0, largest.isFinite, abs(Int(largest.exponent)) > near else {
      self.tensor = tensor
      self.exponent = exponent
      return
    }
    let shift = Int(largest.exponent)
    self.tensor = try tensor.scaled(byPowerOfTwo: -shift)
    self.exponent = exponent + shift
  }

  /// The same under another shape.
  init(reshaping other: ScaledTensor, _ shape: [Int]) {
    tensor = other.tensor.reshaped(shape)
    exponent = other.exponent
  }

  /// The norm as a double; infinite or 0 beyond its range.
  var norm: Double { scaledByPowerOfTwo(tensor.norm, exponent) }
}

extension Tensor where Element: Scalar {
  /// This core (a, n, b) with a matrix (c, a) multiplied in from the left, both brought near 1; and the
  /// power of two they were divided by, added to `exponent`.
  func leftMultiplied(
    by matrix: Tensor, _ exponent: Int
  ) throws(TTKitError) -> (core: Tensor, exponent: Int) {
    let left = try ScaledTensor(matrix, exponent: exponent)
    let right = try ScaledTensor(self, exponent: left.exponent)
    let result = try product(left.tensor, right.tensor.matrix(lastAxes: 2))
    return (result.reshaped([matrix.shape[0], shape[1], shape[2]]), right.exponent)
  }

  /// The same with a matrix (b, c) multiplied in from the right.
  func rightMultiplied(
    by matrix: Tensor, _ exponent: Int
  ) throws(TTKitError) -> (core: Tensor, exponent: Int) {
    let left = try ScaledTensor(self, exponent: exponent)
    let right = try ScaledTensor(matrix, exponent: left.exponent)
    let result = try product(left.tensor.matrix(lastAxes: 1), right.tensor)
    return (result.reshaped([shape[0], shape[1], matrix.shape[1]]), right.exponent)
  }
}

/// Cores multiplied by 2^exponent in all: in core `center` alone if that stays a normal number there, else
/// shared evenly by all.
func absorb<T: Scalar>(
  _ exponent: Int, into cores: [Tensor<T>], at center: Int
) throws(TTKitError) -> [Tensor<T>] {
  guard exponent != 0 else { return cores }
  var cores = cores
  let largest = cores[center].largestComponent
  guard largest > 0, largest.isFinite else { return cores }
  let result = Int(largest.exponent) + exponent
  // Below the first bound, small elements of the core would lose digits as subnormal numbers.
  let range = T.Real.dtype == .float32 ? -100...126 : -960...1022
  if range.contains(result) {
    cores[center] = try cores[center].scaled(byPowerOfTwo: exponent)
    return cores
  }
  for k in cores.indices {
    let d = cores.count
    // Shares differ by at most one and add up to the exponent.
    let share = (exponent * (k + 1)).floored(by: d) - (exponent * k).floored(by: d)
    cores[k] = try cores[k].scaled(byPowerOfTwo: share)
  }
  return cores
}

extension Int {
  /// Division rounded towards minus infinity.
  fileprivate func floored(by divisor: Int) -> Int {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
