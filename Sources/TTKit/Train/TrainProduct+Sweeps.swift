/// Sweeps over a product that is never formed: bases from weights, weights from random or given trains.

extension TrainProduct {
  /// The product projected, from the left, on the ranges of its parts seen through `weights`.
  ///
  /// - Parameter weights: for each inner bond (l, a b) rows; the basis of the part left of the bond spans
  ///   that part times their transpose.
  /// - Returns: left-orthogonal cores but for the last. The result is an orthogonal projection of the
  ///   product.
  func projected(
    _ basis: (_ k: Int, _ part: Tensor<T>) throws(TTKitError) -> Tensor<T>
  ) throws(TTKitError) -> TensorTrain<T> {
    var cores: [Tensor<T>] = []
    var state = try ScaledTensor(Tensor<T>(shape: [1, 1, 1], elements: [.one]))
    for k in 0..<order {
      let q = state.tensor.shape[0]
      let next = try advanced(state, k)
      let shape = next.tensor.shape
      if k == order - 1 {
        cores.append(next.tensor.reshaped([q, mode(k), 1]))
        cores = try absorb(next.exponent, into: cores, at: k)
        break
      }
      let part = next.tensor.reshaped([q * shape[1], shape[2] * shape[3]])
      guard part.largestComponent > 0 else { return try .zero(shape: (0..<order).map(mode)) }
      let columns = try basis(k, part)
      cores.append(columns.reshaped([q, shape[1], columns.shape[1]]))
      let carry = try product(columns, part, .conjugateTransposed, .plain)
      state = try ScaledTensor(
        carry.reshaped([columns.shape[1], shape[2], shape[3]]), exponent: next.exponent)
    }
    return try TensorTrain(checking: cores)
  }

  /// Orthonormal columns that span part · weightᵀ.
  func range(_ part: Tensor<T>, _ weight: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let seen = try ScaledTensor(product(part, weight, .plain, .transposed)).tensor
    let (m, n) = (seen.shape[0], seen.shape[1])
    // As many columns as rows, or none that says anything: the whole space.
    guard m > n, seen.largestComponent > 0 else { return try .identity(m) }
    return try GramBasis(seen, .columns, gramTriangle(seen, .columns)).q
  }

  /// Weights of ``range(_:_:)`` from random trains of ranks `width`: sketches of what lies right of each
  /// inner bond.
  func sketches(width: Int, seed: UInt64) throws(TTKitError) -> [Tensor<T>] {
    var random = RandomCores<T>(seed: seed)
    var result: [Tensor<T>] = []
    try reversed().swept { (_, state) throws(TTKitError) in
      let columns = state.shape[0] * state.shape[1]  // fits: the state exists
      let mixed = try product(
        random.matrix(rows: min(width, columns), columns: columns),
        state.matrix(lastAxes: 2)
          .reshaped([columns, state.count / columns]))
      result.append(mixed)
      return mixed
    }
    return result.dropLast().reversed()
  }

  /// Weights from a train near the product: its own cores from the right, contracted with the product.
  func weights(of train: TensorTrain<T>) throws(TTKitError) -> [Tensor<T>] {
    var result: [Tensor<T>] = []
    try reversed().swept { (k, state) throws(TTKitError) in
      let core = try train.cores[order - 1 - k].transposed([2, 1, 0])
      let columns = core.shape[0] * core.shape[1]
      let mixed = try product(
        core.reshaped([columns, core.shape[2]]), state.reshaped([columns, state.count / columns]),
        .conjugateTransposed, .plain)
      result.append(mixed)
      return mixed
    }
    return result.dropLast().reversed()
  }

  /// Takes a state through all cores; `mix` turns (q, mode, a, b) into rows (q', a b). Scales are dropped.
  func swept(
    _ mix: (_ k: Int, _ state: Tensor<T>) throws(TTKitError) -> Tensor<T>
  ) throws(TTKitError) {
    var state = try ScaledTensor(Tensor<T>(shape: [1, 1, 1], elements: [.one]))
    for k in 0..<order {
      let next = try advanced(state, k).tensor
      let mixed = try mix(k, next)
      state = try ScaledTensor(
        mixed.reshaped([mixed.shape[0], next.shape[2], next.shape[3]]))
    }
  }
}

/// Seeded matrices of uniform random numbers between -1 and 1, the same on every machine.
struct RandomCores<T: Scalar> {
  private var state: UInt64
  init(seed: UInt64) { state = (seed &+ 1) &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func matrix(rows: Int, columns: Int) throws(TTKitError) -> Tensor<T> {
    let count = try checkedProduct([rows, columns])
    return try randomTensor([rows, columns], count, &state)
  }
}

@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
private func randomTensor<T: Scalar>(
  _ shape: [Int], _ count: Int, _ state: inout UInt64
) throws(TTKitError) -> Tensor<T> {
  try Tensor(shape: shape) { (out) throws(TTKitError) in
    for i in 0..<count {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      out[i] = T(real: T.Real(Int64(state >> 32) - (1 << 31)) / T.Real(1 << 31))
    }
  }
}
