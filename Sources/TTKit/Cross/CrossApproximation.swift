/// The public way in: from a function on a grid to a train.

/// Approximates a function on a grid by a tensor train.
///
/// - Parameters:
///   - shape: n[0], ..., n[d−1], d >= 1, every n[k] >= 1.
///   - condition: where pivots may be; nil for everywhere. Errors are then judged there only.
///   - watch: called after every pass with the report so far; false stops.
///   - function: see ``CrossFunction``; called on this thread, one call at a time, never twice for an index.
/// - Error: with the reason `.converged`, the relative root-mean-square error on fresh random points is
///   within the tolerance. It is an estimate for the whole grid: a feature so narrow that no sample meets
///   it can be missed, unless a pivot in `options` points at it.
/// - Complexity: about d n r² evaluations and O(d n r³) flops a pass.
/// - Throws: `.invalidArgument`; `.nonFinite` naming the index; `.outOfMemory`; `.cancelled` and
///   `.notConverged` when stopped, or out of budget, before a train of rank 1 exists; what `function` throws.
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
public func crossApproximation<T: Scalar>(
  shape: [Int], _ options: CrossOptions = CrossOptions(), condition: PivotCondition? = nil,
  watch: SweepWatch? = nil, function: @escaping CrossFunction<T>
) throws(TTKitError) -> CrossResult<T> {
  try options.check(shape: shape)
  var run = try CrossRun(shape, options, condition, watch, function)
  return try run.result()
}
