/// Alternating least squares for canonical decompositions.

extension CanonicalFactors {
  /// Every factor once, each the regularised least squares solution for the others.
  ///
  /// - Parameters:
  ///   - tensor: the tensor as a matrix (left half, right half).
  ///   - squaredNorm: ‖tensor‖².
  /// - Returns: ‖tensor − network‖² / ‖tensor‖², with errors of rounding near 1e-16 of 1.
  mutating func sweep(_ tensor: Tensor<T>, squaredNorm: Double) throws(TTKitError) -> Double {
    var error = 1.0
    for (half, modes) in halves.enumerated() {
      let projection = try projected(tensor, onto: half)
      for k in modes {
        let target = try unfoldedProduct(projection, half: half, mode: k)
        let gram = try gramProduct(without: [k])
        try replace(k, by: solved(target, gram, damping: 1e-13))
        // ‖X − X'‖² = ‖X‖² − 2 Re⟨X, X'⟩ + ‖X'‖².
        let fitted = try realDot(product(factors[k], gram), factors[k])
        error = (squaredNorm - 2 * realDot(target, factors[k]) + fitted) / squaredNorm
      }
    }
    return max(error, 0)
  }
}

/// X with X gram = target, singular values of the square gram raised by damping · ‖gram‖.
func solved<T: Scalar>(
  _ target: Tensor<T>, _ gram: Tensor<T>, damping: Double
) throws(TTKitError) -> Tensor<T> {
  let (u, s, vh) = try svd(gram)
  let largest = max(s.first.map { Double($0) } ?? 0, Double.leastNormalMagnitude)
  let inner = try columnsScaled(
    product(target, vh, .plain, .conjugateTransposed),
    by: s.map { 1 / (Double($0) + damping * largest) })
  return try product(inner, u, .plain, .conjugateTransposed)
}
