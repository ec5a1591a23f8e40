/// Dense tensors to trains by truncated singular value decompositions (TT-SVD).
///
/// Goals, in order: the error bound; minimal ranks; few passes over the tensor; little memory.
/// Modes are merged from the right until a tall matrix of 64 or more columns arises ("thick bounds"),
/// reduced by the R of its QR alone, and projected in one pass; the small rest is split afterwards.
/// Where a tolerance leaves room, samples of the rows take the place of the QR, and the pass itself
/// measures whether they sufficed: see TrainSampling.swift.
/// Source of that order of work: M. Röhrig-Zöllner, J. Thies, A. Basermann, Performance of the Low-Rank
/// TT-SVD for Large Dense Tensors on Modern MultiCore CPUs, SIAM J. Sci. Comput. 44 (2022).

extension TensorTrain {
  /// The train closest to `tensor` that truncation by singular values finds.
  ///
  /// - Parameter tensor: shape (n[0], ..., n[d−1]), d >= 1, every n[k] >= 1, finite.
  /// - Returns: cores k of shape (r[k], n[k], r[k+1]), left-orthogonal for k < d−1, with `error` from what
  ///   was dropped: exact for small tensors, else an upper bound.
  /// - Error: ‖tensor − train‖ <= max(rtol ‖tensor‖, atol) (Frobenius), unless a rank cap binds; with
  ///   both tolerances 0 only singular values of rounding size go.
  /// - Complexity: about 2 N m multiplications for N elements and m merged columns, m = 64 to a few times
  ///   the rank; memory: N r/m elements beside the tensor, and a copy if it is scaled far from 1.
  /// - Throws: `.invalidArgument`, `.nonFinite`, `.outOfMemory`, `.cancelled`, `.notConverged`.
  /// - Source: I. V. Oseledets, Tensor-Train Decomposition, SIAM J. Sci. Comput. 33 (2011), Algorithm 1.
  public init(
    decomposing tensor: Tensor<T>, _ truncation: Truncation = Truncation(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) {
    let shape = tensor.shape
    guard (1...Self.maxOrder).contains(shape.count), shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "shape is \(describe(shape)), expected 1 to \(Self.maxOrder) lengths of at least 1")
    }
    try truncation.check(order: shape.count)
    let largest = tensor.largestComponent
    guard largest.isFinite else {
      throw .nonFinite("the tensor holds NaN or infinity; replace such elements first")
    }
    guard largest > 0 else {
      self = try .zero(shape: shape)
      return
    }
    guard shape.count > 1 else {
      // A copy: the caller's memory ends with the call.
      try self.init(checking: [tensor.copied().reshaped([1, shape[0], 1])])
      return
    }
    try progress.report("tensor train", 0, of: shape.count)
    let near = try ScaledTensor(tensor)
    var budget = TruncationBudget<T.Real>(
      truncation, norm: near.tensor.norm, exponent: near.exponent, steps: shape.count - 1)
    let thick = try peeled(near.tensor, truncation, &budget, executor, progress)
    budget.turn()
    var cores = try split(thick, truncation, &budget, executor, progress)
    cores = try absorb(near.exponent, into: cores, at: cores.count - 1)
    try self.init(checking: cores, error: budget.relativeError)
  }
}

/// Share of the remaining budget that one peeling may use: small, so that the sweep over single modes
/// decides the ranks with nearly all of it.
let peelingShare = 1.0 / 32

/// The part of a tensor that is still whole, and the thick cores peeled off its right end.
struct Peeling<T: Scalar> {
  var current: Tensor<T>
  /// Modes of `current`, without the right rank behind them.
  var modes: [Int]
  var right = 1
  /// From the right end inwards; rows orthonormal.
  var peeled: [ThickCore<T>] = []

  /// Trailing modes merged into at least `target` columns, but for the first mode.
  ///
  /// Products divide the number of elements, so they fit.
  func merged(_ target: Int) -> (rows: Int, columns: Int, modes: Int) {
    var columns = right
    var taken = 0
    while taken < modes.count - 1, columns < target {
      taken += 1
      columns *= modes[modes.count - taken]
    }
    return (current.count / columns, columns, taken)
  }

  /// The bond that merging `taken` modes cuts, as the number of the core before it.
  func bond(_ taken: Int) -> Int { modes.count - taken - 1 }

  mutating func peel(_ basis: Tensor<T>, _ taken: Int, leaving rest: Tensor<T>) {
    peeled.append(ThickCore(matrix: basis, modes: Array(modes.suffix(taken))))
    modes.removeLast(taken)
    right = basis.shape[0]
    current = rest
  }
}

/// The tensor as thick cores; all but the first have orthonormal rows.
private func peeled<T: Scalar>(
  _ tensor: Tensor<T>, _ truncation: Truncation, _ budget: inout TruncationBudget<T.Real>,
  _ executor: Executor, _ progress: ProgressReporter
) throws(TTKitError) -> [ThickCore<T>] {
  var state = Peeling(current: tensor, modes: tensor.shape)
  var target = 64
  var sampling = true
  while state.modes.count > 1 {
    let order = tensor.shape.count
    try progress.report("tensor train", order - state.modes.count, of: order)
    if sampling {
      sampling = try state.peelBySampling(truncation, &budget, executor)
      if sampling { continue }
    }
    let (rows, columns, taken) = state.merged(target)
    if rows <= columns { break }
    let matrix = state.current.reshaped([rows, columns])
    let factor = try triangularFactor(matrix, executor: executor)
    let (_, s, vh) = try svd(factor)
    let cap = truncation.cap(afterCore: state.bond(taken))
    let r = budget.rank(of: s, share: peelingShare, cap: cap)
    if r > columns / 2 {
      // Too little gained: more columns instead, if there are more.
      if taken == state.modes.count - 1 { break }
      target = 4 * columns  // fits: columns <= rows exist
      continue
    }
    budget.drop(s[r...])
    let basis = try vh.block(at: [0, 0], shape: [r, columns])
    state.peel(basis, taken, leaving: try projected(matrix, on: basis, executor: executor))
    target = max(64, 4 * r)
    sampling = true
  }
  let (current, modes) = (state.current, state.modes)
  if let halves = try halved(current, modes, truncation, &budget, executor) {
    state.peeled.append(halves.second)
    state.peeled.append(halves.first)
  } else {
    state.peeled.append(ThickCore(matrix: current.reshaped([1, current.count]), modes: modes))
  }
  return state.peeled.reversed()
}

/// What is left when merging stops, cut in the middle when that makes both parts much smaller to handle.
private func halved<T: Scalar>(
  _ current: Tensor<T>, _ modes: [Int], _ truncation: Truncation,
  _ budget: inout TruncationBudget<T.Real>, _ executor: Executor
) throws(TTKitError) -> (first: ThickCore<T>, second: ThickCore<T>)? {
  var rows = 1
  var taken = 0
  while taken < modes.count - 1 {
    let next = rows * modes[taken]  // fits: divides the number of elements
    if next > current.count / next { break }
    rows = next
    taken += 1
  }
  // Below this many rows the sweep needs no more than two passes over what is left anyway.
  guard rows >= 64, taken >= 2 else { return nil }
  let matrix = current.reshaped([rows, current.count / rows])
  let cap = truncation.cap(afterCore: taken - 1)
  var dropped: ArraySlice<T.Real> = []
  let (u, rest) = try truncatedSplit(matrix, executor) { s in
    let r = budget.rank(of: s, share: peelingShare, cap: cap)
    dropped = s[r...]
    return r
  }
  budget.drop(dropped)
  let (l, q) = try lq(rest)
  let left = try product(u, l)
  return (
    ThickCore(matrix: left.reshaped([1, left.count]), modes: Array(modes.prefix(taken))),
    ThickCore(matrix: q, modes: Array(modes.dropFirst(taken)))
  )
}
