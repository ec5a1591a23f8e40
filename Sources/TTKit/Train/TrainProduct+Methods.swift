/// Products of trains and of matrices in tensor-train form, truncated on the way.
///
/// Goals, in order: the tolerance; ranks no larger than exact product and rounding would give; cost O(n r³ q)
/// for operands of rank r and results of rank q, where forming the product first costs O(n r⁶).
/// The error is estimated by random trains independent of those that made the result; too large an
/// estimate widens the search, in the end to the exact way.

/// How a truncated product is made; see the C header.
public enum ProductMethod: Sendable {
  case exact, sketched, zipUp, variational
}

extension TensorTrain {
  /// Element by element product within the truncation.
  ///
  /// - Returns: left-orthogonal cores but for the last; `error` an estimate but with `.exact`.
  /// - Throws: `.invalidArgument` when shapes differ; as ``rounded(_:executor:progress:)``.
  public func multiplied(
    by other: TensorTrain, _ method: ProductMethod, _ truncation: Truncation = Truncation(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorTrain {
    try requireShape(of: other)
    return try TrainProduct(left: cores, right: other.cores).truncated(
      method, truncation, executor, progress
    ) { () throws(TTKitError) in try hadamard(other) }
  }
}

extension TrainMatrix {
  /// This matrix times a train whose shape is `columns`, within the truncation.
  public func multiplied(
    by x: TensorTrain<T>, _ method: ProductMethod, _ truncation: Truncation = Truncation(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorTrain<T> {
    guard x.shape == columns else {
      throw .invalidArgument(
        "the train has shape \(describe(x.shape)), expected \(describe(columns)), the columns")
    }
    let right = x.cores.map { $0.reshaped([$0.shape[0], $0.shape[1], 1, $0.shape[2]]) }
    return try TrainProduct(left: cores, right: right).truncated(
      method, truncation, executor, progress
    ) { () throws(TTKitError) in try multiplied(by: x) }
  }

  /// This matrix times another whose row digits are `columns`, within the truncation.
  public func multiplied(
    by other: TrainMatrix, _ method: ProductMethod, _ truncation: Truncation = Truncation(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TrainMatrix {
    try requireRows(of: other)
    let train = try TrainProduct(left: cores, right: other.cores).truncated(
      method, truncation, executor, progress
    ) { () throws(TTKitError) in try multiplied(by: other).train }
    return TrainMatrix(train: train, rows: rows, columns: other.columns)
  }
}

extension TrainProduct {
  /// - Parameter exact: makes the product as it is, with ranks multiplied.
  fileprivate func truncated(
    _ method: ProductMethod, _ truncation: Truncation, _ executor: Executor,
    _ progress: ProgressReporter, exact: () throws(TTKitError) -> TensorTrain<T>
  ) throws(TTKitError) -> TensorTrain<T> {
    try truncation.check(order: order)
    var pair: [Int] = []
    for k in 0..<order {
      try pair.append(checkedProduct([left[k].shape[0], right[k].shape[0]]))
      if left[k].shape.count == 4 {
        _ = try checkedProduct([left[k].shape[1], right[k].shape[2]])
      }
    }
    if method == .exact || order == 1 || (pair.max() ?? 1) <= 16 {
      return try exact().rounded(truncation, executor: executor, progress: progress)
    }
    var width = 8 + max(startWidth, largestCap(truncation) ?? 0)
    let limit = pair.max() ?? 1
    while width < limit {
      try progress.report("multiplying", width, of: limit)
      let wide = try candidate(method, truncation, width)
      let result = try wide.rounded(truncation, executor: executor, progress: progress)
      let error = try estimatedError(of: result)
      // A sketch that is wider than what rounding kept has seen the range; the estimate must agree.
      let isWide = result.ranks.max() ?? 1 < width - 4 || largestCap(truncation) != nil
      let allowed = max(truncation.relative, 64 * T.eps * Double(order)) * 2
      if isWide, largestCap(truncation) != nil || error <= allowed || truncation.absolute > 0 {
        return try TensorTrain(checking: result.cores, error: error)
      }
      width *= 2
    }
    return try exact().rounded(truncation, executor: executor, progress: progress)
  }

  private var startWidth: Int {
    zip(left, right).map { $0.shape[0] + $1.shape[0] }.max() ?? 1
  }

  private func largestCap(_ truncation: Truncation) -> Int? {
    guard truncation.maxRank != nil || truncation.maxRanks != nil else { return nil }
    return (0..<(order - 1)).map { truncation.cap(afterCore: $0) }.max()
  }

  /// A train near the product, of ranks at most about `width`.
  private func candidate(
    _ method: ProductMethod, _ truncation: Truncation, _ width: Int
  ) throws(TTKitError) -> TensorTrain<T> {
    guard method != .sketched else {
      let weights = try sketches(width: width, seed: 0)
      return try projected { (k, part) throws(TTKitError) in try range(part, weights[k]) }
    }
    var result = try zippedUp(truncation, width)
    guard method == .variational else { return result }
    // Alternating least squares: each sweep projects on what the last one found.
    var norm = result.cores[order - 1].norm
    for _ in 0..<4 {
      let gauge = try result.orthogonalized(first: 0, center: 0, last: order - 1)
      let weights = try weights(of: gauge)
      result = try projected { (k, part) throws(TTKitError) in try range(part, weights[k]) }
      let next = result.cores[order - 1].norm
      if next <= norm * (1 + 1e-3 * max(truncation.relative, T.eps)) { break }
      norm = next
    }
    return result
  }

  /// One sweep of truncated SVDs, the operands right-orthogonal so that local errors are nearly the true ones.
  private func zippedUp(
    _ truncation: Truncation, _ width: Int
  ) throws(TTKitError) -> TensorTrain<T> {
    let (x, y) = try (rightOrthogonal(left), rightOrthogonal(right))
    let even = TrainProduct(left: x.cores, right: y.cores)
    let share = max(truncation.relative, T.eps) / (3 * Double(order).squareRoot())
    let train = try even.projected { (_, part) throws(TTKitError) in
      let (u, s, _) = try svd(leftFactor(part))
      let allowed = share * share * s.reduce(0) { $0 + Double($1) * Double($1) }
      var (rank, tail) = (s.count, 0.0)
      while rank > 1 {
        tail += Double(s[rank - 1]) * Double(s[rank - 1])
        if tail > allowed { break }
        rank -= 1
      }
      return try u.block(at: [0, 0], shape: [u.shape[0], min(rank, width)])
    }
    let scaled = try absorb(x.exponent + y.exponent, into: train.cores, at: order - 1)
    return try TensorTrain(checking: scaled)
  }

  private func rightOrthogonal(
    _ cores: [Tensor<T>]
  ) throws(TTKitError) -> (cores: [Tensor<T>], exponent: Int) {
    let flat = cores.map { core in
      core.reshaped([
        core.shape[0], core.count / (core.shape[0] * core.shape.last!), core.shape.last!,
      ])
    }
    let (made, exponent) = try TensorTrain(checking: flat).rightOrthogonalized()
    let result = zip(made, cores).map { new, old in
      new.reshaped([new.shape[0]] + old.shape.dropFirst().dropLast() + [new.shape[2]])
    }
    return (result, exponent)
  }

  /// ‖product − train‖ / ‖product‖ as random trains of rank 32 see it: right on average, within a factor of
  /// two or so in single cases.
  private func estimatedError(of train: TensorTrain<T>) throws(TTKitError) -> Double {
    var ones: [Tensor<T>] = []
    for n in train.shape {
      try ones.append(Tensor(shape: [1, n, 1], elements: [T](repeating: .one, count: n)))
    }
    let other = TrainProduct(left: train.cores, right: ones)
    let (x, y) = try (probes(seed: 7), other.probes(seed: 7))
    // Both in the larger unit.
    let unit = max(x.exponent, y.exponent)
    let a = try x.tensor.scaled(byPowerOfTwo: x.exponent - unit)
    let b = try y.tensor.scaled(byPowerOfTwo: y.exponent - unit)
    let one = try Tensor<T>.identity(1)
    let difference = try remainder(of: a, b, one).norm
    return a.norm > 0 ? difference / a.norm : difference
  }

  /// Inner products with 8 random trains, (8, 1), times a power of two.
  private func probes(seed: UInt64) throws(TTKitError) -> ScaledTensor<T> {
    var random = RandomCores<T>(seed: seed)
    let mirror = try reversed()
    var state = try ScaledTensor(Tensor<T>(shape: [1, 1, 1], elements: [.one]))
    for k in 0..<order {
      let next = try mirror.advanced(state, k)
      let s = next.tensor.shape
      let (rows, columns) = (k == order - 1 ? 8 : 32, s[0] * s[1])  // fits: the state exists
      let mixed = try product(
        random.matrix(rows: rows, columns: columns), next.tensor.reshaped([columns, s[2] * s[3]]))
      state = try ScaledTensor(mixed.reshaped([rows, s[2], s[3]]), exponent: next.exponent)
    }
    return ScaledTensor(reshaping: state, [8, 1])
  }
}
