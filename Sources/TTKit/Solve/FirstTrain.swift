/// Where the solution of a linear system starts.

/// The caller's start, or the right side cut to a small rank; with fixed ranks filled up at random.
func firstTrain<T: Scalar>(
  _ side: TensorTrain<T>, _ options: SolveOptions<T>, _ scale: (norm: Double, exponent: Int),
  _ sideNorm: Double
) throws(TTKitError) -> TensorTrain<T> {
  var start: TensorTrain<T>
  if let given = options.start {
    var cores = try absorb(-scale.exponent, into: given.cores, at: 0)
    let factor = T.Real(1 / (scale.norm * max(sideNorm, .leastNormalMagnitude)))
    cores[0] = try cores[0].scaled(by: T(real: factor))
    start = try TensorTrain(checking: cores)
  } else {
    let most = options.method == .oneSite ? nil : 2
    start = try side.rounded(Truncation(maxRank: most), executor: .serial)
  }
  guard options.method == .oneSite else { return start }
  return try start.filled(to: options.truncation, seed: options.seed)
}

extension TensorTrain {
  /// Ranks raised to the caps by a random train of about this one's size, and cut to them.
  fileprivate func filled(
    to truncation: Truncation, seed: UInt64
  ) throws(TTKitError) -> TensorTrain {
    guard truncation.maxRank != nil || truncation.maxRanks != nil else { return self }
    let small = try rounded(truncation, executor: .serial)
    var random = SeededGenerator(seed: seed)
    let most = fullRanks(shape, truncation.caps(order: order))
    var missing = [Int](repeating: 1, count: order + 1)
    for k in 1..<max(order, 1) { missing[k] = max(most[k] - small.ranks[k], 1) }
    var cores: [Tensor<T>] = []
    for k in 0..<order {
      cores.append(
        try randomTensor([missing[k], shape[k], missing[k + 1]], &random, as: T.self))
    }
    let extra = try TensorTrain(checking: cores)
    let size = try extra.norm()
    guard size > 0, size.isFinite else { return small }
    let weight = T(real: T.Real(0.1 * max(try small.norm(), 1e-3) / size))
    return try small.adding(extra.scaled(by: weight)).rounded(truncation, executor: .serial)
  }
}

/// The largest ranks under the caps: no bond can have more than the modes on one of its sides.
func fullRanks(_ shape: [Int], _ caps: [Int]) -> [Int] {
  let d = shape.count
  var ranks = [Int](repeating: 1, count: d + 1)
  for k in 0..<d - 1 { ranks[k + 1] = min(caps[k], ranks[k].multipliedClamping(by: shape[k])) }
  for k in (1..<max(d, 1)).reversed() {
    ranks[k] = min(ranks[k], ranks[k + 1].multipliedClamping(by: shape[k]))
  }
  return ranks
}

extension Int {
  func multipliedClamping(by factor: Int) -> Int {
    let (value, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : value
  }
}

extension Truncation {
  /// The caps after every core of a train, none after the last.
  func caps(order: Int) -> [Int] { (0..<order - 1).map { cap(afterCore: $0) } + [.max] }
}
