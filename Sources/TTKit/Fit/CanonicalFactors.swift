/// Canonical decomposition of a dense array, for formats that need a good one.
///
/// Goals in order: a smaller error than alternating least squares alone reaches, factors that stay bounded,
/// then speed. Alternating sweeps from several starts, then damped Gauss-Newton steps from the best.

/// Factors (n[k], rank) of `tensor`, every column with the same norm in all of them.
///
/// - Error: a stationary point of ‖tensor − sum‖²; no step increases it.
/// - Throws: `.outOfMemory`, `.sizeOverflow`, `.notConverged` from the starting SVDs.
func canonicalFactors(
  _ tensor: Tensor<Double>, rank: Int, sweeps: Int = 60, steps: Int = 20
) throws(TTKitError) -> [Tensor<Double>] {
  var best = try CPSweep(tensor, rank: rank, seed: 0)
  var least = try best.run(most: max(sweeps / 4, 1))
  for seed in 1..<UInt64(3) where least > 1e-14 {
    var sweep = try CPSweep(tensor, rank: rank, seed: seed)
    let error = try sweep.run(most: max(sweeps / 4, 1))
    if error < least { (best, least) = (sweep, error) }
  }
  least = try best.run(most: sweeps)
  guard least > 1e-24, steps > 0 else { return try best.balanced() }
  var polish = CPPolish(tensor, factors: try best.balanced())
  try polish.run(steps: steps)
  return polish.factors
}
