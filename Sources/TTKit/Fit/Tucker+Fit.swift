extension TuckerLinear {
  /// Sequentially truncated HOSVD, then sweeps of orthogonal iteration where the ranks are fixed.
  ///
  /// - Error: within √d of the best at these ranks; no sweep increases it. The smallest possible for
  ///   one row and one column factor. At a tolerance, budget √d a mode, rtol is met.
  /// - Source: N. Vannieuwenhoven et al., SIAM J. Sci. Comput. 34 (2012); L. De Lathauwer et al., SIAM
  ///   J. Matrix Anal. 21 (2000), algorithm 4.2.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let d = modes.count
    let tensor = matrix.reshaped(modes)
    let rtol = shape.limit.rtol / Double(d).squareRoot()
    let caps = ranks
    var factors: [Tensor<T>] = []
    var core = tensor
    for k in 0..<d {
      let unfolded = try unfolding(core, mode: k)
      let (u, s, _) = try svd(unfolded)
      let r = rtol > 0 ? relativeRank(s, cap: caps[k], rtol: rtol, whole: tensor) : caps[k]
      factors.append(try u.resized(rows: modes[k], columns: min(r, s.count)))
      core = try projected(core, factors[k], mode: k)
    }
    guard rtol == 0, d > 2 else { return [core] + factors }
    for _ in 0..<3 {
      for k in 0..<d {
        var seen = tensor
        for other in 0..<d where other != k {
          seen = try projected(seen, factors[other], mode: other)
        }
        let vectors = try leadingVectors(seen, mode: k)
        guard vectors.shape[1] >= factors[k].shape[1] else { continue }
        factors[k] = try vectors.resized(rows: modes[k], columns: factors[k].shape[1])
        if k == d - 1 { core = try projected(seen, factors[k], mode: k) }
      }
    }
    return [core] + factors
  }

  /// The rank whose tail is within rtol of the whole tensor, not of what is left of it.
  private func relativeRank<T: RealScalar>(
    _ s: [T], cap: Int, rtol: Double, whole: Tensor<T>
  ) -> Int {
    let here = s.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard here > 0, here.isFinite else { return truncatedRank(s, cap: cap, rtol: rtol) }
    return truncatedRank(s, cap: cap, rtol: min(rtol * max(whole.norm / here, 1), 1))
  }
}

/// The tensor times Uᵀ along axis k: length n[k] becomes the columns of U.
func projected<T: RealScalar>(
  _ tensor: Tensor<T>, _ u: Tensor<T>, mode k: Int
) throws(TTKitError) -> Tensor<T> {
  let axes = tensor.shape.enumerated().map { Axis("m\($0)", $1) }
  let new = Axis("u", u.shape[1])
  var result = axes
  result[k] = new
  return try contract(
    [NamedTensor(axes: axes, tensor: tensor), NamedTensor(axes: [axes[k], new], tensor: u)],
    to: result)
}

/// The matrix (n[k], product of the other lengths).
func unfolding<T: RealScalar>(
  _ tensor: Tensor<T>, mode k: Int
) throws(TTKitError) -> Tensor<T> {
  let n = tensor.shape[k]
  let order = [k] + tensor.shape.indices.filter { $0 != k }
  return try tensor.transposed(order).reshaped([n, tensor.count / n])
}

/// Left singular vectors of an unfolding, the leading first.
func leadingVectors<T: RealScalar>(
  _ tensor: Tensor<T>, mode k: Int
) throws(TTKitError) -> Tensor<T> {
  try svd(unfolding(tensor, mode: k)).u
}
