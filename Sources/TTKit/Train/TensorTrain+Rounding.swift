/// Smaller ranks for a train that already is one.

extension TensorTrain {
  /// The closest train of smaller ranks that truncation finds.
  ///
  /// - Returns: left-orthogonal cores but for the last; ranks never above this train's; `error` is that of
  ///   this rounding alone.
  /// - Error: ‖train − result‖ <= max(rtol ‖train‖, atol), unless a rank cap binds.
  /// - Complexity: O(d n r³).
  /// - Throws: `.invalidArgument`, `.outOfMemory`, `.cancelled`, `.notConverged`.
  /// - Source: Oseledets 2011, Algorithm 2.
  public func rounded(
    _ truncation: Truncation = Truncation(), executor: Executor = Executor(),
    progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorTrain {
    try truncation.check(order: order)
    try progress.report("rounding", 0, of: order)
    // Truncating cores that are not orthogonal would weigh errors by the norm of the rest.
    let (orthogonal, exponent) = try rightOrthogonalized()
    let norm = orthogonal[0].norm
    guard norm > 0 else { return try .zero(shape: shape) }
    var budget = TruncationBudget<T.Real>(
      truncation, norm: norm, exponent: exponent, steps: order - 1)
    let thick = orthogonal.map {
      ThickCore(matrix: $0.matrix(lastAxes: 2), modes: [$0.shape[1]])
    }
    var result = try split(thick, truncation, &budget, executor, progress)
    result = try absorb(exponent, into: result, at: order - 1)
    return try TensorTrain(checking: result, error: budget.relativeError)
  }
}
