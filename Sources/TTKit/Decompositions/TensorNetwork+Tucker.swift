/// Tucker decompositions of dense tensors.

/// What a caller asks of a Tucker or hierarchical Tucker decomposition.
public struct NetworkOptions: Sendable {
  public var truncation = Truncation()
  /// Sweeps of an iteration at most; nil: the method's own number.
  public var mostSteps: Int?
  /// The relative change per sweep at which an iteration stands still; nil: the method's own.
  public var tolerance: Double?
  public var seed: UInt64 = 0
  public init() {}
}

extension TensorNetwork {
  /// Sequentially truncated HOSVD, then orthogonal iteration (HOOI) where ranks are fixed.
  ///
  /// - Parameters:
  ///   - tensor: shape (n[0], …, n[d−1]), every n[k] >= 1, finite.
  ///   - options: `maxRanks` has one cap a mode.
  /// - Returns: the core (r[0], …, r[d−1]) and factors (n[k], r[k]) with orthonormal columns.
  /// - Error: at a tolerance, ‖tensor − network‖ <= max(rtol ‖tensor‖, atol); at fixed ranks, within √d
  ///   of the best, and no sweep increases it.
  /// - Complexity: O(N r) for each mode and sweep, N elements.
  /// - Source: Vannieuwenhoven et al. 2012; L. De Lathauwer, B. De Moor, J. Vandewalle, SIAM J. Matrix
  ///   Anal. 21 (2000), algorithm 4.2.
  public static func tucker(
    _ tensor: Tensor<T>, _ options: NetworkOptions = NetworkOptions(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorNetwork {
    let near = try checkedInput(tensor, options)
    let d = tensor.shape.count
    let caps = options.caps(shape: tensor.shape)
    var budget = TruncationBudget<T.Real>(
      options.truncation, norm: near.tensor.norm, exponent: near.exponent, steps: d)
    let first = try compressed(near.tensor, caps: caps, &budget, executor)
    // Every cap was at least 1, so every mode has its basis.
    var state = TuckerState(bases: first.bases.map { $0! }, core: first.core)
    var error = budget.relativeError
    var steps = 0
    var converged = true
    if options.truncation.isFixedRank, d > 2, error > 0 {
      (steps, converged) = try state.iterate(near.tensor, options, executor, progress)
      error = try state.residual(near.tensor)
    }
    let core = try state.core.scaled(byPowerOfTwo: near.exponent)
    return try TensorNetwork(
      .tucker, shape: tensor.shape, cores: [core] + state.bases, error: error, steps: steps,
      isConverged: converged)
  }

  /// The tensor near 1, after checks shared by all decompositions of this folder.
  static func checkedInput(
    _ tensor: Tensor<T>, _ options: NetworkOptions
  ) throws(TTKitError) -> ScaledTensor<T> {
    let shape = tensor.shape
    guard (1...64).contains(shape.count), shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "shape is \(describe(shape)), expected 1 to 64 lengths of at least 1")
    }
    // One cap a mode, where a train has one a bond.
    try options.truncation.check(order: shape.count + 1)
    if let most = options.mostSteps, most < 1 {
      throw .invalidArgument("max_steps is \(most), expected at least 1, or 0 for the default")
    }
    if let tolerance = options.tolerance, !(tolerance > 0 && tolerance < 1) {
      throw .invalidArgument("tolerance is \(tolerance), expected a number between 0 and 1")
    }
    guard tensor.isFinite else {
      throw .nonFinite("the tensor holds NaN or infinity; replace such elements first")
    }
    return try ScaledTensor(tensor)
  }
}

extension NetworkOptions {
  /// The largest rank of each mode.
  func caps(shape: [Int]) -> [Int] {
    shape.indices.map { min(shape[$0], truncation.cap(afterCore: $0)) }
  }
}

extension Truncation {
  /// Whether ranks alone say what to drop.
  var isFixedRank: Bool { relative == 0 && absolute == 0 && isGiven }

  /// Whether it asks for anything.
  public var isGiven: Bool {
    relative > 0 || absolute > 0 || maxRank != nil || maxRanks != nil
  }
}

/// Bases of all modes and the tensor in them.
private struct TuckerState<T: Scalar> {
  var bases: [Tensor<T>]
  var core: Tensor<T>

  /// Improves one basis after the other until the norm of the core stands still.
  mutating func iterate(
    _ tensor: Tensor<T>, _ options: NetworkOptions, _ executor: Executor,
    _ progress: ProgressReporter
  ) throws(TTKitError) -> (steps: Int, isConverged: Bool) {
    let most = options.mostSteps ?? 20
    var before = core.norm
    for step in 1...most {
      try progress.report("orthogonal iteration", step, of: most)
      for k in bases.indices { try improve(k, tensor, executor) }
      let norm = core.norm
      if norm - before <= (options.tolerance ?? 1e-8) * norm { return (step, true) }
      before = norm
    }
    return (most, false)
  }

  /// Basis k from the tensor in the bases of all other modes.
  private mutating func improve(
    _ k: Int, _ tensor: Tensor<T>, _ executor: Executor
  ) throws(TTKitError) {
    var seen = tensor
    for (mode, basis) in bases.enumerated() {
      seen = try turned(seen, by: mode == k ? nil : basis)
    }
    let order = [k] + seen.shape.indices.filter { $0 != k }
    let rest = order.dropFirst().map { seen.shape[$0] }
    let rank = bases[k].shape[1]
    let unfolded = try seen.transposed(order).reshaped([seen.shape[k], seen.count / seen.shape[k]])
    let (basis, projected) = try truncatedSplit(unfolded, executor) { min(rank, $0.count) }
    bases[k] = basis
    // Mode k is in front; back to its place.
    var back = Array(1...k + 1)
    back[k] = 0
    if k + 1 < seen.shape.count { back += (k + 1)..<seen.shape.count }
    core = try projected.reshaped([basis.shape[1]] + rest).transposed(back)
  }

  /// ‖tensor − network‖ / ‖tensor‖, formed: squares of norms would lose half the digits.
  func residual(_ tensor: Tensor<T>) throws(TTKitError) -> Double {
    var made = core
    for basis in bases { made = try expanded(made, by: basis) }
    return try relativeDistance(tensor, made)
  }
}

/// The first axis of a tensor times U (n, r), moved to the end.
func expanded<T: Scalar>(
  _ tensor: Tensor<T>, by basis: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  let r = tensor.shape[0]
  // (rest, r) · Uᵀ: the new axis is last at once.
  let made = try product(
    tensor.reshaped([r, tensor.count / r]), basis, .transposed, .transposed)
  return made.reshaped(tensor.shape.dropFirst() + [basis.shape[0]])
}

/// ‖a − b‖ / ‖a‖; 0 for two zeros.
func relativeDistance<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Double {
  let norm = a.norm
  let distance = try difference(a, b).norm
  return norm > 0 ? distance / norm : distance
}
