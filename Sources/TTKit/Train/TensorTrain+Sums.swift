/// Sums over some or all modes, plain or weighted: integrals on grids.

extension TensorTrain {
  /// Sums over the given axes, element i of an axis counting `weights` of that axis times.
  ///
  /// - Parameters:
  ///   - axes: distinct, at least 0, below the order.
  ///   - weights: for each axis nil (ones) or one weight for each of its elements.
  /// - Returns: the train of the other modes, in their order; of the single mode 1 when none is left.
  /// - Throws: `.invalidArgument`, `.nonFinite`, `.outOfMemory`.
  public func summed(
    over axes: [Int], weights: [Tensor<T>?]? = nil
  ) throws(TTKitError) -> TensorTrain {
    var chosen = [ModeUse<T>](repeating: .whole, count: order)
    for (position, axis) in axes.enumerated() {
      guard (0..<order).contains(axis) else {
        throw .invalidArgument("axes[\(position)] is \(axis), expected 0 to \(order - 1)")
      }
      guard case .whole = chosen[axis] else {
        throw .invalidArgument("axes[\(position)] repeats axis \(axis); list every axis once")
      }
      let n = shape[axis]
      let ones = try Tensor(shape: [n], elements: [T](repeating: .one, count: n))
      let weight = weights?[position] ?? ones
      guard weight.shape == [n] else {
        throw .invalidArgument(
          "weights[\(position)] has shape \(describe(weight.shape)), expected (\(n),)")
      }
      guard weight.isFinite else { throw .nonFinite("weights[\(position)] holds NaN or infinity") }
      chosen[axis] = .weighted(weight)
    }
    return try reduced(chosen)
  }

  /// What is left when every mode is put to its use; the matrices that arise go into neighbouring cores.
  func reduced(_ uses: [ModeUse<T>]) throws(TTKitError) -> TensorTrain {
    var kept: [Tensor<T>] = []
    var exponent = 0
    var carry: Tensor<T>?
    for (core, use) in zip(cores, uses) {
      var next = core
      if case .element(let index) = use { next = try core.slices(from: index, step: 1, count: 1) }
      if case .slice(let first, let step, let count) = use {
        next = try core.slices(from: first, step: step, count: count)
      }
      if let carry { (next, exponent) = try next.leftMultiplied(by: carry, exponent) }
      carry = nil
      switch use {
      case .whole, .slice: kept.append(next)
      case .element:
        let near = try ScaledTensor(next, exponent: exponent)
        carry = near.tensor.reshaped([next.shape[0], next.shape[2]])
        exponent = near.exponent
      case .weighted(let vector):
        let near = try ScaledTensor(next, exponent: exponent)
        let weight = try ScaledTensor(vector, exponent: near.exponent)
        carry = try contractedMode(near.tensor, weight.tensor)
        exponent = weight.exponent
      }
    }
    if let carry {
      if let last = kept.popLast() {
        let (core, total) = try last.rightMultiplied(by: carry, exponent)
        kept.append(core)
        exponent = total
      } else {
        kept = [carry.reshaped([1, 1, 1])]
      }
    }
    kept = try absorb(exponent, into: kept, at: kept.count - 1)
    return try TensorTrain(checking: kept)
  }
}

/// What becomes of a mode: it stays, or is contracted with weights, or fixed at an index, or thinned out.
enum ModeUse<T: Scalar> {
  case whole
  case weighted(Tensor<T>)
  case element(Int)
  case slice(first: Int, step: Int, count: Int)
}

/// (a, n, b) and (n) to (a, b).
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
private func contractedMode<T: Scalar>(
  _ core: Tensor<T>, _ vector: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  let (a, n, b) = (core.shape[0], core.shape[1], core.shape[2])
  return try Tensor(shape: [a, b], zeroed: true) { (out) throws(TTKitError) in
    core.withSpan { core in
      vector.withSpan { vector in
        for i in 0..<a {
          for m in 0..<n {
            let (weight, row) = (vector[m], (i * n + m) * b)
            for j in 0..<b { out[i * b + j] = out[i * b + j] + weight * core[row + j] }
          }
        }
      }
    }
  }
}
