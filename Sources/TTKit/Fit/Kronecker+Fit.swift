internal import Glibc

extension Kronecker {
  /// The leading singular pair of the rearranged matrix, then alternating sweeps over the factors.
  ///
  /// All factors get the same norm.
  /// - Error: the smallest possible for two factors; a stationary point within √(d−1) of it for more.
  /// - Source: C. Van Loan, N. Pitsianis, Approximation with Kronecker Products, 1993.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let d = shape.rows.count
    let modes = zip(shape.rows, shape.columns).map { $0 * $1 }  // parts of a live matrix
    let interleaved = (0..<d).flatMap { [$0, d + $0] }
    let tensor = try matrix.reshaped(shape.rows + shape.columns).transposed(interleaved)
      .reshaped(modes)
    let train = try TensorTrain(
      decomposing: tensor, Truncation(maxRank: 1), executor: executor)
    var factors = train.cores.map { $0.reshaped([$0.count]) }
    if d > 2 { try improve(&factors, tensor) }
    let norms = factors.map(\.norm)
    guard norms.allSatisfy({ $0 > 0 }) else {
      return zip(factors, zip(shape.rows, shape.columns)).map { $0.reshaped([$1.0, $1.1]) }
    }
    // The geometric mean, by logarithms: no overflow.
    let mean = exp(norms.reduce(0) { $0 + log($1) } / Double(d))
    var cores: [Tensor<T>] = []
    for k in 0..<d {
      let scale = T(mean / norms[k])
      cores.append(try factors[k].map { $0 * scale }.reshaped([shape.rows[k], shape.columns[k]]))
    }
    return cores
  }

  /// Each factor in turn is the best for the others: the error never increases.
  private func improve<T: RealScalar>(
    _ factors: inout [Tensor<T>], _ tensor: Tensor<T>
  ) throws(TTKitError) {
    let axes = tensor.shape.enumerated().map { Axis("m\($0)", $1) }
    let whole = NamedTensor(axes: axes, tensor: tensor)
    for _ in 0..<4 {
      for k in factors.indices {
        var operands = [whole]
        for other in factors.indices where other != k {
          let norm = factors[other].norm
          guard norm > 0 else { return }
          operands.append(
            NamedTensor(axes: [axes[other]], tensor: try factors[other].map { $0 / T(norm) }))
          factors[other] = operands[operands.count - 1].tensor
        }
        factors[k] = try contract(operands, to: [axes[k]])
      }
    }
  }
}
