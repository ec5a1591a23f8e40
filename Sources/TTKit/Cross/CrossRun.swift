/// From the first sample to the last validation: what all methods of cross approximation share.

/// One run: samples, decides when the error is small enough, and packs the result.
struct CrossRun<T: Scalar> {
  let sampler: Sampler<T>
  let coder: IndexCoder
  let options: CrossOptions
  let admissible: Admissibility
  let watch: SweepWatch?
  var random: SeededGenerator
  var report = CrossReport()
  /// Points that steer the search.
  var guide: TrainSamples<T>
  /// Every point of the grid, where there are few: samples are then the whole truth.
  var isExhaustive = false
  /// Evaluations kept back so that a run out of budget can still say how good its train is.
  private var reserve = 0

  /// Points that steer the search at first, and fresh ones that judge it.
  static var guideCount: Int { 128 }
  static var validationCount: Int { 384 }
  /// Fewer fresh points than this judge nothing.
  static var leastValidation: Int { 32 }
  /// The part of the tolerance that a sample's error may reach: samples are not the grid.
  static var safety: Double { 0.5 }

  init(
    _ shape: [Int], _ options: CrossOptions, _ condition: PivotCondition?,
    _ watch: SweepWatch?, _ function: @escaping CrossFunction<T>
  ) throws(TTKitError) {
    coder = IndexCoder(shape: shape)
    sampler = try Sampler(coder, limit: options.maxEvaluations ?? .max, function: function)
    self.options = options
    admissible = Admissibility(condition)
    self.watch = watch
    random = SeededGenerator(seed: options.seed)
    guide = TrainSamples(width: coder.width)
  }

  /// The size of f that errors are relative to: its root mean square on the samples.
  var size: Double {
    let size = guide.size
    return size > 0 ? size : Double(sampler.largest)
  }

  var relative: Double { options.relative ?? (T.Real.dtype == .float32 ? 1e-5 : 1e-8) }

  /// The allowed root-mean-square error.
  var goal: Double { options.absolute ?? relative * size }

  /// Rounding noise of residuals.
  var noise: Double { 16 * Double(T.Real.ulpOfOne) * Double(sampler.largest) }

  mutating func result() throws(TTKitError) -> CrossResult<T> {
    if options.method != .interpolation, !admissible.isFree {
      throw .invalidArgument(
        "a pivot condition was given with another method than tensor cross interpolation, which alone"
          + " obeys one; use method tci")
    }
    do throws(Interruption) {
      guard let points = try start() else { return try wrapped(zero) }
      let threshold = max(goal, noise)
      // A stream of its own: validation must not repeat the numbers that steered the search.
      let stream = SeededGenerator(seed: random.next())
      if options.method == .interpolation {
        return try improve(
          CrossInterpolation(
            sampler, options, admissible, stream, pivot: points.key(0), threshold: threshold))
      }
      return try improve(
        CrossSweeps(sampler, options, stream, points: points, threshold: threshold / 2))
    } catch {
      throw withoutResult(error)
    }
  }

  /// Refines the search's first train until there is a reason to end.
  private mutating func improve<S: CrossSearch<T>>(
    _ start: S
  ) throws(Interruption) -> CrossResult<T> {
    var search = start
    do throws(Interruption) {
      report.reason = try refine(&search)
    } catch {
      switch error {
      case .budget: report.reason = .budget
      case .stopped: report.reason = .stopped
      case .failed: throw error
      }
    }
    return try wrapped { () throws(TTKitError) in try finish(search) }
  }

  /// Passes and judgements until one of them ends the run.
  private mutating func refine<S: CrossSearch<T>>(
    _ search: inout S
  ) throws(Interruption) -> CrossReason {
    if let most = options.maxEvaluations, !isExhaustive {
      reserve = min(Self.validationCount, (most - sampler.evaluations) / 8)
      sampler.limit -= reserve
    }
    if options.pivots.count > 1 {
      var given = KeyList(width: coder.width)
      for pivot in options.pivots { given.append(coder.pack(pivot)) }
      _ = try search.insert(given)
    }
    var stalls = 0
    while true {
      let pass = try search.pass()
      report.sweeps += 1
      let cores = search.cores()
      let errors = guide.residuals(cores, coder)
      let error = rootMeanSquare(errors)
      report.estimatedError = error / size
      try tell(search.ranks)
      stalls = pass.isStalled ? stalls + 1 : 0
      if error <= Self.safety * goal {
        guard let worse = try judge(cores) else { return .converged }
        _ = try search.insert(worse)
      } else if pass.isStalled {
        let added = try search.insert(worst(3, of: errors, guide.points))
        if added == 0 || stalls > 1 {
          if pass.isCapped { return .rank }
          if search.threshold <= noise { return .precision }
          search.threshold = max(search.threshold / 4, noise)
        }
      }
      if report.sweeps >= options.maxSweeps ?? CrossOptions.defaultSweeps { return .sweeps }
    }
  }

  /// Tells the watcher, and counts.
  private mutating func tell(_ ranks: [Int]) throws(Interruption) {
    report.evaluations = sampler.evaluations
    report.maxRank = ranks.reduce(1, max)
    guard let watch else { return }
    let report = report
    let isGoingOn = try wrapped { () throws(TTKitError) in try watch(report) }
    if !isGoingOn { throw .stopped }
  }

  /// Compares the train with f at fresh points.
  ///
  /// - Returns: nil if the error is small and a climb to large errors found none; else points to mend.
  private mutating func judge(_ cores: [[T]]) throws(Interruption) -> KeyList? {
    if isExhaustive {
      report.validatedError = report.estimatedError
      report.validationCount = guide.values.count
      return nil
    }
    sampler.limit += reserve
    let left = sampler.limit - sampler.evaluations
    guard left >= Self.leastValidation else { throw .budget }
    let wanted = max(Self.validationCount, sampler.evaluations / 8)
    let errors = try validate(cores, min(wanted, left))
    sampler.limit -= reserve
    // A condition met so rarely that no sample can judge: never converged.
    guard errors.values.count >= Self.leastValidation else { return KeyList(width: coder.width) }
    if rootMeanSquare(errors.values) <= Self.safety * goal {
      // Climbing from a point costs one value for each index of each mode.
      let cost = max(coder.shape.reduce(0, +), 1)
      let count = min(max(sampler.evaluations / 8 / cost, 1), 5)
      let starts = worst(count, of: errors.values, errors.points)
      let limit = 10 * max(goal, (options.absolute == nil ? relative * Double(sampler.largest) : 0))
      let found = try globalSearch(starts, cores, limit: limit)
      return found.count == 0 ? nil : found
    }
    return worst(3, of: errors.values, errors.points)
  }

  /// Fresh points and the errors there; the points join the guide.
  private mutating func validate(
    _ cores: [[T]], _ count: Int
  ) throws(Interruption) -> TrainSamples<T> {
    let points = try draw(count)
    var fresh = TrainSamples<T>(width: coder.width)
    fresh.append(points, try sampler.values(points))
    let errors = fresh.residuals(cores, coder)
    guide.append(points, fresh.values)
    report.validatedError = rootMeanSquare(errors) / size
    report.validationCount = points.count
    var result = TrainSamples<T>(width: coder.width)
    result.append(points, errors)
    return result
  }

  private func worst(_ count: Int, of errors: [T], _ points: KeyList) -> KeyList {
    let order = errors.indices.sorted { errors[$0].magnitude > errors[$1].magnitude }
    var result = KeyList(width: coder.width)
    for p in order.prefix(count) { result.append(points.key(p)) }
    return result
  }

  // MARK: - Ends

  private mutating func finish<S: CrossSearch<T>>(_ search: S) throws(TTKitError) -> CrossResult<T>
  {
    // Sweeps keep rows beyond the rank; pivots of the interpolation are as few as they can be.
    let raw = try train(search.cores(), search.ranks)
    let train =
      options.method == .interpolation
      ? raw : try raw.rounded(Truncation(relative: min(0.1 * goal / size, 0.1)), executor: .serial)
    let cores = train.cores.map(\.elements)
    report.estimatedError = rootMeanSquare(guide.residuals(cores, coder)) / size
    sampler.limit = options.maxEvaluations ?? .max
    if report.reason != .stopped, report.reason != .converged {
      // The last train, judged by what the budget left; a stop during it changes nothing.
      let count = min(Self.validationCount, sampler.limit - sampler.evaluations)
      if count > 0 {
        do throws(Interruption) {
          _ = try validate(cores, count)
        } catch {
          if case .failed(let error) = error { throw error }
        }
      }
    }
    report.evaluations = sampler.evaluations
    report.maxRank = train.ranks.reduce(1, max)
    return CrossResult(train: train, report: report, pivots: search.pivots())
  }

  private func train(_ cores: [[T]], _ ranks: [Int]) throws(TTKitError) -> TensorTrain<T> {
    var tensors: [Tensor<T>] = []
    for (k, core) in cores.enumerated() {
      tensors.append(
        try Tensor(shape: [ranks[k], coder.shape[k], ranks[k + 1]], elements: core))
    }
    return try TensorTrain(cores: tensors)
  }

  private func zero() throws(TTKitError) -> CrossResult<T> {
    var report = report
    report.evaluations = sampler.evaluations
    report.validatedError = 0
    report.validationCount = guide.values.count
    return CrossResult(train: try .zero(shape: coder.shape), report: report, pivots: [])
  }

  private func withoutResult(_ error: Interruption) -> TTKitError {
    switch error {
    case .failed(let error): return error
    case .stopped:
      return .cancelled(
        "the function stopped the run after \(sampler.evaluations) evaluations, before there was a train"
      )
    case .budget:
      return .notConverged(
        "max_evaluations \(sampler.limit) is too small for a train of rank 1, which needs at least"
          + " \(coder.shape.reduce(1) { $0 + $1 - 1 }) values; raise it")
    }
  }
}
