internal import Glibc

extension CP {
  /// Alternating least squares and damped Gauss-Newton steps (``TensorNetwork/canonical``); every column has
  /// the same norm in all factors.
  ///
  /// - Error: the smallest possible for one row and one column factor (an SVD); else a stationary point:
  ///   a best approximation need not exist.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    if modes.count == 2 { return try fitPair(matrix, executor) }
    var options = NetworkOptions()
    (options.mostSteps, options.tolerance) = (Self.mostSteps, 1e-6)
    return try TensorNetwork<T>.canonical(
      matrix.reshaped(modes), rank: rank, options, executor: executor
    ).balancedFactors()
  }

  private static let mostSteps = 60

  private func fitPair<T: RealScalar>(
    _ matrix: Tensor<T>, _ executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let factors = try LowRank(rank: rank).fit(matrix, executor: executor)
    let right = try factors[1].transposed([1, 0])
    // A rank above the matrix' own is met with zeros.
    return [
      try factors[0].resized(rows: modes[0], columns: rank),
      try right.resized(rows: modes[1], columns: rank),
    ]
  }
}

extension TensorNetwork where T: RealScalar {
  /// The factors of a canonical decomposition, every term's weight shared by all of them.
  func balancedFactors() throws(TTKitError) -> [Tensor<T>] {
    let weights = cores[0].elements.map { Double($0) }
    let rank = weights.count
    let share = 1 / Double(cores.count - 1)
    return try cores.indices.dropFirst().map { (k) throws(TTKitError) in
      try Tensor<T>(shape: cores[k].shape) { out in
        cores[k].withSpan { span in
          for i in out.indices {
            let weight = weights[i % rank]
            let root = pow(weight.magnitude, share)
            out[i] = span[i] * T(k == 1 && weight < 0 ? -root : root)
          }
        }
      }
    }
  }
}
