/// Dense tensors to trains by truncated singular value decompositions (TT-SVD).
///
/// Goals, in order: the error bound; minimal ranks; few passes over the tensor; little memory.
/// Modes are merged from the right until a tall matrix of many columns arises ("thick bounds") and projected
/// on few of them in one pass; the small rest is split afterwards. Which few comes from samples where those
/// suffice, see TrainSampling.swift, else from the R of a QR factorisation alone.
/// Source of that order of work: M. Röhrig-Zöllner, J. Thies, A. Basermann, Performance of the Low-Rank
/// TT-SVD for Large Dense Tensors on Modern MultiCore CPUs, SIAM J. Sci. Comput. 44 (2022).

extension TensorTrain {
  /// The train closest to `tensor` that truncation by singular values finds.
  ///
  /// As ``decomposing(_:_:executor:progress:)``, by the method of the library's choice.
  public init(
    decomposing tensor: Tensor<T>, _ truncation: Truncation = Truncation(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) {
    self = try TensorTrain.decomposing(
      RowSource(tensor), DecompositionOptions(truncation), executor: executor, progress: progress
    ).train
  }

  /// The train closest to a tensor that truncation by singular values finds.
  ///
  /// - Parameter tensor: shape (n[0], ..., n[d−1]), d >= 1, every n[k] >= 1, finite.
  /// - Returns: cores k of shape (r[k], n[k], r[k+1]), left-orthogonal for k < d−1, with `error` from what
  ///   was dropped and what rounding may add, 5 eps √d: an upper bound, usually 1.1 to 1.5 times the
  ///   error where that is more than rounding. Where a pass by samples at a loose tolerance cannot resolve
  ///   less than 6 √eps (see `peelBySampling`), at least that.
  /// - Error: ‖tensor − train‖ <= max(rtol ‖tensor‖, atol, 10 eps √d ‖tensor‖) (Frobenius), unless a rank
  ///   cap binds; with both tolerances 0 only singular values of rounding size go.
  /// - Complexity: about 2 N r multiplications for N elements and rank r by samples, 2 N m for m merged
  ///   columns by QR, m = 64 to a few times the rank; memory: N r/m elements beside the tensor.
  /// - Throws: `.invalidArgument`, `.nonFinite`, `.outOfMemory`, `.cancelled`, `.notConverged`, `.io`.
  /// - Source: I. V. Oseledets, Tensor-Train Decomposition, SIAM J. Sci. Comput. 33 (2011), Algorithm 1.
  static func decomposing(
    _ tensor: RowSource<T>, _ options: DecompositionOptions, executor: Executor,
    progress: ProgressReporter
  ) throws(TTKitError) -> (train: TensorTrain, report: DecompositionReport) {
    let shape = tensor.shape
    guard (1...Self.maxOrder).contains(shape.count), shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "shape is \(describe(shape)), expected 1 to \(Self.maxOrder) lengths of at least 1")
    }
    try options.truncation.check(order: shape.count)
    try progress.report("tensor train", 0, of: shape.count)
    var work = Decomposition(tensor, options, executor)
    return try work.run(progress)
  }
}

/// One decomposition under way.
private struct Decomposition<T: Scalar> {
  let source: RowSource<T>
  let options: DecompositionOptions
  let executor: Executor
  var state: Peeling<T>
  /// nil until the norm is known.
  var budget: TruncationBudget<T.Real>?
  /// The tensor at hand is the caller's divided by 2^exponent.
  var exponent = 0

  init(_ source: RowSource<T>, _ options: DecompositionOptions, _ executor: Executor) {
    self.source = source
    self.options = options
    self.executor = executor
    state = Peeling(source, limit: options.memoryLimit)
  }

  mutating func run(
    _ progress: ProgressReporter
  ) throws(TTKitError) -> (train: TensorTrain<T>, report: DecompositionReport) {
    let order = source.shape.count
    guard order > 1 else { return try single() }
    if source.count < 1 << 16 || options.method == .qr {
      guard try measure() else { return try zero() }
    }
    var samples = options.method != .qr
    while state.modes.count > 1 {
      try progress.report("tensor train", order - state.modes.count, of: order)
      if samples, state.current.count >= 1 << 14 {
        switch try state.peelBySampling(options, &budget, exponent: exponent, executor, progress) {
        case .peeled: continue
        case .outOfRange:
          guard budget == nil else { break }
          guard try measure() else { return try zero() }
          continue
        case .insufficient:
          guard options.method == .auto || !state.isWhole else {
            throw .notConverged(
              "samples do not reach the tolerance; use method auto or qr, or a larger tolerance")
          }
          // What is left is no easier: a second try would only cost its passes.
          samples = false
        }
      }
      if budget == nil {
        guard try measure() else { return try zero() }
      }
      guard try peelByQR(progress) else { break }
    }
    let thick = try remainder()
    var left = budget!
    left.turn()
    var cores = try split(thick, options.truncation, &left, executor, progress)
    cores = try absorb(exponent, into: cores, at: cores.count - 1)
    return try finished(TensorTrain(checking: cores, error: left.relativeError))
  }

  private mutating func finished(
    _ train: TensorTrain<T>
  ) throws(TTKitError) -> (train: TensorTrain<T>, report: DecompositionReport) {
    try state.ledger.require(train.byteCount, "the train")
    var report = state.report
    report.error = train.error
    report.memory = state.ledger.peak
    return (train, report)
  }

  /// One mode: a copy, since the caller's memory ends with the call.
  private mutating func single() throws(TTKitError)
    -> (train: TensorTrain<T>, report: DecompositionReport)
  {
    let copy = try source.loaded().copied()
    guard copy.isFinite else { throw .nonFinite(notFinite) }
    return try finished(TensorTrain(checking: [copy.reshaped([1, source.shape[0], 1])]))
  }

  private mutating func zero() throws(TTKitError)
    -> (train: TensorTrain<T>, report: DecompositionReport)
  {
    try finished(.zero(shape: source.shape))
  }

  /// Reads everything once: finds the norm, and brings numbers far from 1 near it.
  ///
  /// - Returns: false when all elements are 0.
  private mutating func measure() throws(TTKitError) -> Bool {
    state.notePass()
    let (largest, norm) = try sizes(state.current, executor)
    guard largest.isFinite else { throw .nonFinite(notFinite) }
    guard largest > 0 else { return false }
    let near = T.Real.dtype == .float32 ? 20 : 200
    if abs(Int(largest.exponent)) > near {
      exponent = Int(largest.exponent)
      state.divide(byPowerOfTwo: exponent)
    }
    budget = TruncationBudget(
      options.truncation, norm: scaledByPowerOfTwo(norm.value, norm.exponent - exponent),
      exponent: exponent, steps: source.shape.count - 1,
      rounding: TruncationBudget<T.Real>.rounding(ofSteps: source.shape.count - 1))
    return true
  }

  private var notFinite: String { "the tensor holds NaN or infinity; replace such elements first" }

  /// Peels one thick core by the R of a QR factorisation; false when that is no gain any more.
  private mutating func peelByQR(_ progress: ProgressReporter) throws(TTKitError) -> Bool {
    var target = max(64, state.right == 1 ? 64 : 4 * state.right)
    while true {
      let (rows, columns, taken) = state.merged(target)
      if rows <= columns { return false }
      state.notePass()
      let factor = try triangularFactor(state.current, columns: columns, executor: executor)
      let (_, s, vh) = try svd(factor)
      let cap = options.truncation.cap(afterCore: state.bond(taken))
      let r = budget!.rank(of: s, share: peelingShare, cap: cap)
      if r > columns / 2 {
        // Too little gained: more columns instead, if there are more.
        if taken == state.modes.count - 1 { return false }
        target = 4 * columns  // fits: columns <= rows exist
        continue
      }
      let basis = try orthonormalized(rows: vh.block(at: [0, 0], shape: [r, columns]))
      try state.ledger.require(
        projectionBytes(
          state.current, columns: columns, rank: r, explicit: false, threads: executor.threads),
        "a projection on \(r) of \(columns) columns")
      state.notePass()
      let pass = try project(
        state.current, columns: columns, on: basis, .difference, executor: executor,
        progress: progress)
      budget!.drop(s[r...])
      state.peel(basis, taken, leaving: pass.y, by: .qr)
      return true
    }
  }

  /// What is left when merging stops, as one thick core.
  private mutating func remainder() throws(TTKitError) -> [ThickCore<T>] {
    let modes = state.modes
    let current = try state.remainder()
    return state.finish([ThickCore(matrix: current.reshaped([1, current.count]), modes: modes)])
  }
}
