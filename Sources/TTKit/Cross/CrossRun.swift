/// From the first sample to the last validation: what all methods of cross approximation share.

/// One run: samples, decides when the error is small enough, and packs the result.
struct CrossRun<T: Scalar> {
  let sampler: Sampler<T>
  let coder: IndexCoder
  let options: CrossOptions
  let admissible: Admissibility
  let watch: ((CrossReport) throws(TTKitError) -> Bool)?
  var random: SeededGenerator
  var report = CrossReport()
  /// Points that steer the search.
  var guide: TrainSamples<T>
  /// Every point of the grid, where there are few: samples are then the whole truth.
  var isExhaustive = false

  /// Points that steer the search at first, and fresh ones that judge it.
  static var guideCount: Int { 128 }
  static var validationCount: Int { 384 }

  init(
    _ shape: [Int], _ options: CrossOptions, _ condition: PivotCondition?,
    _ watch: ((CrossReport) throws(TTKitError) -> Bool)?, _ function: @escaping CrossFunction<T>
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
    var search: CrossInterpolation<T>
    do throws(Interruption) {
      guard let pivot = try start() else { return try wrapped(zero) }
      search = try CrossInterpolation(
        sampler, options, admissible, random, pivot: pivot, threshold: max(goal, noise))
    } catch {
      throw withoutResult(error)
    }
    do throws(Interruption) {
      report.reason = try refine(&search)
    } catch {
      switch error {
      case .budget: report.reason = .budget
      case .stopped: report.reason = .stopped
      case .failed(let error): throw error
      }
    }
    return try finish(search)
  }

  /// Passes and judgements until one of them ends the run.
  private mutating func refine(
    _ search: inout CrossInterpolation<T>
  ) throws(Interruption) -> CrossReason {
    sampler.limit -= reserve
    if options.pivots.count > 1 {
      var given = KeyList(width: coder.width)
      for pivot in options.pivots { given.append(coder.pack(pivot)) }
      _ = try search.insert(given)
    }
    while true {
      let pass = try search.pass()
      report.sweeps += 1
      let cores = search.cores()
      let errors = guide.residuals(cores, coder)
      let error = rootMeanSquare(errors)
      report.estimatedError = error / size
      try tell(search)
      if error <= goal {
        guard let worse = try judge(cores) else { return .converged }
        _ = try search.insert(worse)
      } else if pass.isStalled {
        let added = try search.insert(worst(3, of: errors, guide.points))
        if added == 0 {
          if pass.isCapped { return .rank }
          if search.threshold <= noise { return .precision }
          search.threshold = max(search.threshold / 4, noise)
        }
      }
      if report.sweeps >= options.maxSweeps ?? CrossOptions.defaultSweeps { return .sweeps }
    }
  }

  /// Evaluations kept back so that a run out of budget can still say how good its train is.
  private var reserve: Int {
    guard let most = options.maxEvaluations, !isExhaustive else { return 0 }
    return min(Self.validationCount, (most - sampler.evaluations) / 8)
  }

  /// Tells the watcher, and counts.
  private mutating func tell(_ search: CrossInterpolation<T>) throws(Interruption) {
    report.evaluations = sampler.evaluations
    report.maxRank = search.crosses.ranks.reduce(1, max)
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
    let errors = try validate(cores, max(Self.validationCount, sampler.evaluations / 32))
    sampler.limit -= reserve
    if rootMeanSquare(errors.values) <= goal {
      let starts = worst(1, of: errors.values, errors.points)
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

  private mutating func finish(
    _ search: CrossInterpolation<T>
  ) throws(TTKitError) -> CrossResult<T> {
    let cores = search.cores()
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
    report.maxRank = search.crosses.ranks.reduce(1, max)
    let ranks = search.crosses.ranks
    var tensors: [Tensor<T>] = []
    for (k, core) in cores.enumerated() {
      tensors.append(
        try Tensor(shape: [ranks[k], coder.shape[k], ranks[k + 1]], elements: core))
    }
    return CrossResult(cores: tensors, report: report, pivots: search.crosses.pivots())
  }

  private func zero() throws(TTKitError) -> CrossResult<T> {
    var report = report
    report.evaluations = sampler.evaluations
    report.validatedError = 0
    report.validationCount = guide.values.count
    var cores: [Tensor<T>] = []
    for n in coder.shape { cores.append(try Tensor(shape: [1, n, 1], zeroed: true) { _ in }) }
    return CrossResult(cores: cores, report: report, pivots: [])
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
          + " \(coder.shape.reduce(0) { $0 &+ $1 }) values; raise it")
    }
  }
}
