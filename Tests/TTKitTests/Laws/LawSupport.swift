/// What the laws share.

/// Runs a law for several seeds; a failure prints the seed and the shape.
func each(
  _ seeds: ClosedRange<UInt64> = 1...6, _ body: (inout TrainRandom, UInt64) throws -> Void
) rethrows {
  for seed in seeds {
    var random = TrainRandom(seed: seed)
    try body(&random, seed)
  }
}

/// cos by its series: the tests link no mathematics library. |x| <= 4.
func cosine(_ x: Double) -> Double {
  var (term, sum) = (1.0, 1.0)
  for k in 1...30 {
    term *= -x * x / Double((2 * k - 1) * (2 * k))
    sum += term
  }
  return sum
}
