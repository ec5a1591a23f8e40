/// Smaller ranks for a train that already is one.
///
/// Goals, in order: the error bound, measured; smallest ranks; speed.
/// Nothing is orthogonalised that a truncation discards: from the right come only the triangular factors of
/// what lies right of each bond, of their numerical rank; from the left the truncated bases, on which the
/// cores are projected. Ranks that are redundant, as in sums, are gone before the first SVD.

extension TensorTrain {
  /// The closest train of smaller ranks that truncation finds.
  ///
  /// - Returns: left-orthogonal cores but for the last; ranks never above this train's; `error` is that of
  ///   this rounding alone.
  /// - Error: ‖train − result‖ <= max(rtol ‖train‖, atol), unless a rank cap binds.
  /// - Complexity: O(d n r³).
  /// - Throws: `.invalidArgument`, `.outOfMemory`, `.cancelled`, `.notConverged`.
  /// - Source: Oseledets 2011, Algorithm 2, with the factors L of its LQ sweep in place of the cores Q.
  @specialized(where T == Double)
  public func rounded(
    _ truncation: Truncation = Truncation(), executor: Executor = Executor(),
    progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorTrain {
    try truncation.check(order: order)
    try progress.report("rounding", 0, of: order)
    let (right, whole) = try rightFactors()
    guard whole.tensor.norm > 0 else { return try .zero(shape: shape) }
    var budget = TruncationBudget<T.Real>(
      truncation, norm: whole.tensor.norm, exponent: whole.exponent, steps: order - 1)
    var result: [Tensor<T>] = []
    // What is left of the train, (left rank, mode, rank), times a power of two.
    var rest = try ScaledTensor(cores[0])
    for k in 0..<(order - 1) {
      try progress.report("rounding", k, of: order)
      let near = try product(rest.tensor.matrix(lastAxes: 1), right[k].tensor)
      let weighted = try ScaledTensor(near, exponent: rest.exponent + right[k].exponent)
      let basis = try truncatedBasis(
        weighted.tensor, weighted.exponent - whole.exponent, truncation.cap(afterCore: k),
        order - 1 - k, &budget)
      let (left, n) = (rest.tensor.shape[0], rest.tensor.shape[1])
      result.append(basis.reshaped([left, n, basis.shape[1]]))
      let carry = try product(
        basis, rest.tensor.matrix(lastAxes: 1), .conjugateTransposed, .plain)
      let (core, exponent) = try cores[k + 1].leftMultiplied(by: carry, rest.exponent)
      rest = try ScaledTensor(core, exponent: exponent)
    }
    result.append(rest.tensor)
    result = try absorb(rest.exponent, into: result, at: order - 1)
    return try TensorTrain(checking: result, error: budget.relativeError)
  }

  /// For each bond a factor F (rank, k) with F Fᴴ = M Mᴴ, M (rank, elements) all that lies right of the bond;
  /// and the same for the whole train, a row.
  private func rightFactors() throws(TTKitError) -> ([ScaledTensor<T>], whole: ScaledTensor<T>) {
    var factors: [ScaledTensor<T>] = []
    var factor = try ScaledTensor(Tensor<T>.identity(1))
    for k in stride(from: order - 1, through: 0, by: -1) {
      let (core, exponent) = try cores[k].rightMultiplied(by: factor.tensor, factor.exponent)
      let near = try ScaledTensor(core.matrix(lastAxes: 2), exponent: exponent)
      if k == 0 { return (factors.reversed(), near) }
      guard near.tensor.largestComponent > 0 else { return ([], near) }
      factor = try ScaledTensor(leftFactor(near.tensor), exponent: near.exponent)
      factors.append(factor)
    }
    return (factors, factor)
  }
}

/// Orthonormal columns that span `a` (m, n) but for what the budget lets go, whose unit is `a`'s times
/// 2^−exponent; one of `steps` truncations to come.
private func truncatedBasis<T: Scalar>(
  _ a: Tensor<T>, _ exponent: Int, _ cap: Int, _ steps: Int,
  _ budget: inout TruncationBudget<T.Real>
) throws(TTKitError) -> Tensor<T> {
  let unit = T.Real(scaledByPowerOfTwo(1, exponent))
  func kept(_ s: [T.Real]) -> Int { budget.keep(s.map { $0 * unit }, cap: cap) }
  let (m, n) = (a.shape[0], a.shape[1])
  guard m > n, a.largestComponent > 0 else {
    let (u, s, _) = try svd(leftFactor(a))
    return try u.block(at: [0, 0], shape: [m, kept(s)])
  }
  if n > cap, let basis = try coarseBasis(a, unit, cap, steps, &budget) { return basis }
  let triangle = try gramTriangle(a, .columns)
  if triangle.rank == n, n <= cap {
    // Where even a bound of the smallest singular value has to stay, nothing can go.
    var trial = budget
    let least = try T.Real(0.5 * leastSingularValue(triangle)) * unit
    if trial.keep([T.Real](repeating: least, count: n), cap: cap) == n {
      budget = trial
      return try GramBasis(a, .columns, triangle).q
    }
  }
  if n <= cap, let basis = try coarseBasis(a, unit, cap, steps, &budget) { return basis }
  let basis = try GramBasis(a, .columns, triangle)
  let (_, s, vh) = try svd(basis.factor)
  let chosen = try vh.block(at: [0, 0], shape: [kept(s), vh.shape[1]])
  return try product(basis.q, chosen, .plain, .conjugateTransposed)
}

/// The same by eigenvectors of the Gram matrix, twice as fast, where what goes is far above the √eps that it
/// resolves; nil where it is not.
private func coarseBasis<T: Scalar>(
  _ a: Tensor<T>, _ unit: T.Real, _ cap: Int, _ steps: Int,
  _ budget: inout TruncationBudget<T.Real>
) throws(TTKitError) -> Tensor<T>? {
  let n = a.shape[1]
  let norm = budget.norm * budget.norm
  let resolved = 1e7 * T.eps  // of squares, relative
  guard cap < n || budget.allowed > resolved * norm * Double(steps) else { return nil }
  let (values, vh) = try hermitianEigen(product(a, a, .conjugateTransposed, .plain))
  let s = values.reversed().map { max($0, 0).squareRoot() * unit }
  let r = budget.rank(of: s, share: 1 / Double(steps), cap: cap)
  let dropped = s[r...].reduce(0) { $0 + Double($1) * Double($1) }
  guard dropped >= resolved * norm, Double(s[r - 1]) >= 1e-5 * Double(s[0]) else { return nil }
  let vectors = try vh.block(at: [n - r, 0], shape: [r, n])
  let spanned = try product(a, vectors, .plain, .conjugateTransposed)
  let basis = try GramBasis(spanned, .columns, gramTriangle(spanned, .columns)).q
  guard basis.shape[1] == r else { return nil }
  // A small rest is formed, so that all its digits count.
  var rest = dropped.squareRoot()
  if dropped < 1e-2 * norm {
    let inside = try product(basis, a, .conjugateTransposed, .plain)
    rest = try remainder(of: a, basis, inside).norm * Double(unit)
  }
  var tail = [T.Real](repeating: 0, count: r + 1)
  for i in 0..<r { tail[i] = s[i] }
  tail[r] = T.Real(rest)
  var trial = budget
  guard trial.keep(tail, cap: r) == r else { return nil }
  budget = trial
  return basis
}
