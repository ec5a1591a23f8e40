/// Hierarchical Tucker decompositions of dense tensors.

extension TensorNetwork {
  /// Truncation from the leaves of a balanced binary tree to its root.
  ///
  /// - Parameter tensor: shape (n[0], …, n[d−1]), every n[k] >= 1, finite.
  /// - Returns: a network of form `hierarchicalTucker`; factors and transfer cores are orthonormal, the
  ///   root carries the norm.
  /// - Error: ‖tensor − network‖ <= max(rtol ‖tensor‖, atol) unless `maxRank` binds; at fixed ranks,
  ///   within √(2d−2) of the best.
  /// - Complexity: O(N r) for the leaves, less for every level above; memory: about twice the tensor.
  /// - Throws: `.invalidArgument` for caps by mode: the tree has ranks that are no mode's.
  /// - Source: L. Grasedyck, Hierarchical Singular Value Decomposition of Tensors, SIAM J. Matrix Anal.
  ///   31 (2010).
  public static func hierarchicalTucker(
    _ tensor: Tensor<T>, _ options: NetworkOptions = NetworkOptions(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorNetwork {
    let near = try checkedInput(tensor, options)
    guard options.truncation.maxRanks == nil else {
      throw .invalidArgument(
        "a hierarchical Tucker network takes one cap for all ranks, not one for each mode")
    }
    let d = tensor.shape.count
    let cap = options.truncation.maxRank ?? .max
    let hierarchy = HierarchyShape(modes: d)
    // Leaves and inner nodes but for the root.
    var budget = TruncationBudget<T.Real>(
      options.truncation, norm: near.tensor.norm, exponent: near.exponent, steps: max(2 * d - 2, 1))
    var level = try compressed(
      near.tensor, caps: tensor.shape.map { min($0, cap) }, &budget, executor)
    var cores = level.bases.map { $0! }  // every cap was at least 1
    if d == 1 {
      // One mode has one singular value; the root is its length.
      cores.append(try level.core.scaled(byPowerOfTwo: near.exponent))
      return try TensorNetwork(
        .tucker, shape: tensor.shape, cores: cores.reversed(), error: budget.relativeError)
    }
    while level.core.shape.count > 2 {
      try progress.report("hierarchical Tucker", cores.count, of: 2 * d - 1)
      let axes = level.core.shape
      let pairs = stride(from: 0, to: axes.count - 1, by: 2).map { (axes[$0], axes[$0 + 1]) }
      let isOdd = axes.count % 2 == 1
      // Products of lengths of a tensor that exists.
      let joined = pairs.map { $0.0 * $0.1 } + (isOdd ? [axes[axes.count - 1]] : [])
      let caps = pairs.map { min($0.0 * $0.1, cap) } + (isOdd ? [0] : [])
      level = try compressed(level.core.reshaped(joined), caps: caps, &budget, executor)
      for (pair, basis) in zip(pairs, level.bases) {
        guard let basis else { continue }
        cores.append(basis.reshaped([pair.0, pair.1, basis.shape[1]]))
      }
    }
    cores.append(try level.core.scaled(byPowerOfTwo: near.exponent))
    return try TensorNetwork(
      .hierarchicalTucker(hierarchy), shape: tensor.shape, cores: cores,
      error: budget.relativeError)
  }
}
