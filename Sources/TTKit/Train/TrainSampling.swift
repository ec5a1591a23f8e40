/// The fast way to peel modes off a large tensor: a basis from a few sampled rows, verified on all of them.
///
/// Goals, in order: never a larger error than allowed, by measurement; same bits each time; one pass.
/// When samples do not suffice (a lonely spike, slowly falling singular values, a binding rank cap) the
/// caller takes the exact way by QR.

extension Peeling {
  /// Peels one thick core off the right end if samples give a basis that loses no more than this step may.
  ///
  /// - Returns: false when the exact way has to be taken; nothing has changed then.
  /// - Complexity: 4 N r operations for N elements; the sample itself is small.
  mutating func peelBySampling(
    _ truncation: Truncation, _ budget: inout TruncationBudget<T.Real>, _ executor: Executor
  ) throws(TTKitError) -> Bool {
    if let matrix = self as? Peeling<Double> {
      return try sampled(matrix, truncation, &budget, executor)
    }
    if let matrix = self as? Peeling<Float> {
      return try sampled(matrix, truncation, &budget, executor)
    }
    return false
  }

  /// `state` is `self`, known to be real.
  private mutating func sampled<R: RealScalar>(
    _ state: Peeling<R>, _ truncation: Truncation, _ budget: inout TruncationBudget<T.Real>,
    _ executor: Executor
  ) throws(TTKitError) -> Bool {
    let limit = budget.allowed * peelingShare
    // The measured loss is itself off by about eps √r ‖tensor‖.
    let resolution = 1000 * R.eps * budget.norm
    guard state.current.count >= 1 << 16, limit > resolution * resolution else { return false }
    var samples = 32
    var attempts = 0
    while samples <= 256, attempts < 2 {
      let (rows, columns, taken) = state.merged(max(256, 8 * samples))
      guard rows >= 2 * columns else { return false }
      let matrix = state.current.reshaped([rows, columns])
      let (l, q) = try lq(sampledRows(matrix, count: samples))
      let (_, s, vh) = try svd(l)
      let r = sufficientRank(s, limit / (budget.norm * budget.norm))
      if r > samples - 8 {
        samples *= 2
        continue
      }
      guard r <= truncation.cap(afterCore: state.bond(taken)) else { return false }
      let basis = try product(vh.block(at: [0, 0], shape: [r, vh.shape[1]]), q)
      let (y, residual) = try measuredProjection(matrix, on: basis, executor: executor)
      if residual <= limit, let basis = basis as? Tensor<T>, let rest = y as? Tensor<T> {
        budget.drop(squared: residual)
        peel(basis, taken, leaving: rest)
        return true
      }
      attempts += 1
      samples *= 2
    }
    return false
  }
}

/// How many singular values of a sample hold all but a tenth of the relative squared error allowed.
private func sufficientRank<R: RealScalar>(_ s: [R], _ limit: Double) -> Int {
  let squares = s.map { Double($0) * Double($0) }
  let bound = 0.1 * limit * squares.reduce(0, +)
  var tail = 0.0
  var rank = s.count
  while rank > 1, tail + squares[rank - 1] <= bound {
    tail += squares[rank - 1]
    rank -= 1
  }
  return rank
}

/// Signed sums of four random rows each: every row of the result sees more of the tensor than one row would.
///
/// The seed is fixed: same tensor, same bits.
@specialized(where R == Float)
@specialized(where R == Double)
private func sampledRows<R: RealScalar>(
  _ x: Tensor<R>, count: Int
) throws(TTKitError) -> Tensor<R> {
  let (rows, columns) = (x.shape[0], x.shape[1])
  var state: UInt64 = 0x9e37_79b9_7f4a_7c15
  func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state >> 8
  }
  return try Tensor(shape: [count, columns], zeroed: true) { (out) throws(TTKitError) in
    x.withSpan { x in
      for i in 0..<count {
        for _ in 0..<4 {
          let row = Int(next() % UInt64(rows)) * columns
          let sign: R = next() % 2 == 0 ? 1 : -1
          for j in 0..<columns { out[i * columns + j] += sign * x[row + j] }
        }
      }
    }
  }
}

extension Scalar {
  /// Distance from 1 to the next number.
  static var eps: Double { Double(Real.ulpOfOne) }
}
