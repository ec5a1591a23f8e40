/// ttk_cross_options and ttk_cross_report against the core's types.
internal import CTTKit
internal import TTKit

/// ttk_cross_options, checked, with callbacks as closures.
struct CrossWish {
  let shape: [Int]
  let options: CrossOptions
  let condition: PivotCondition?
  let watch: SweepWatch?
  let pivotsFound: UnsafeMutablePointer<OpaquePointer?>?

  init(
    _ pointer: UnsafePointer<ttk_cross_options>?, order: Int32, shape: UnsafePointer<Int64>?
  ) throws(TTKitError) {
    let given = try TTKitC.options(pointer, "ttk_cross_options", zero: ttk_cross_options())
    pivotsFound = given.pivots_found
    pivotsFound?.pointee = nil
    guard order >= 1, order <= TTK_MAX_ORDER else {
      throw .invalidArgument("order is \(order), expected 1 to \(TTK_MAX_ORDER)")
    }
    let lengths = try require(shape, "shape")
    self.shape = (0..<Int(order)).map { Int(lengths[$0]) }
    var options = CrossOptions(seed: given.seed)
    // Zero means default; anything else is the core's to judge.
    if given.rtol != 0 { options.relative = given.rtol }
    if given.atol != 0 { options.absolute = given.atol }
    if given.max_rank != 0 { options.maxRank = Int(given.max_rank) }
    if given.max_evaluations != 0 { options.maxEvaluations = Int(given.max_evaluations) }
    if given.max_sweeps != 0 { options.maxSweeps = Int(given.max_sweeps) }
    if given.method != 0 {
      guard let method = CrossMethod(rawValue: given.method) else {
        throw .invalidArgument(
          "method is \(given.method), expected TTK_CROSS_TCI, TTK_CROSS_MAXVOL, TTK_CROSS_DMRG or"
            + " TTK_CROSS_AMEN")
      }
      options.method = method
    }
    if given.search != 0 {
      guard let search = PivotSearch(rawValue: given.search) else {
        throw .invalidArgument(
          "search is \(given.search), expected TTK_SEARCH_ROOK or TTK_SEARCH_FULL")
      }
      options.search = search
    }
    if let caps = given.max_ranks {
      options.maxRanks = (0..<Int(order) - 1).map { Int(caps[$0]) }
    }
    options.pivots = try pivots(given, order: Int(order))
    self.options = options
    condition = given.condition.map { pivotCondition($0, given.condition_context) }
    watch = given.watch.map { sweepWatch($0, given.watch_context) }
  }
}

extension CrossWish {
  /// The train, after report and pivots are stored where the caller wants them.
  func deliver<T: Scalar>(
    _ result: CrossResult<T>, _ report: UnsafeMutablePointer<ttk_cross_report>?
  ) throws(TTKitError) -> any AnyTrain {
    if let report { try fill(report, "ttk_cross_report", with: cReport(result.report)) }
    if let found = pivotsFound {
      PivotsHandle.store(PivotList(result.pivots, order: shape.count), in: found)
    }
    return result.train
  }
}

private func sweepWatch(
  _ watch: @escaping ttk_cross_watch, _ context: UnsafeMutableRawPointer?
) -> SweepWatch {
  { report throws(TTKitError) -> Bool in
    var report = cReport(report)
    report.reason = 0
    return watch(context, &report) == 0
  }
}

private func pivots(_ given: ttk_cross_options, order: Int) throws(TTKitError) -> [[Int]] {
  guard given.pivot_count >= 0, given.pivot_count <= 1 << 20 else {
    throw .invalidArgument("pivot_count is \(given.pivot_count), expected 0 to 2^20")
  }
  guard given.pivot_count > 0 else { return [] }
  let indices = try require(given.pivots, "pivots")
  // In bounds: the caller promises pivot_count * order indices.
  return (0..<Int(given.pivot_count)).map { p in (0..<order).map { Int(indices[p * order + $0]) } }
}

private func pivotCondition(
  _ condition: @escaping ttk_pivot_condition, _ context: UnsafeMutableRawPointer?
) -> PivotCondition {
  { (indices, allowed) throws(TTKitError) in
    var flags = [UInt8](repeating: 0, count: allowed.count)
    let answer = indices.withUnsafeBufferPointer { indices in
      condition(context, flags.count, indices.baseAddress, &flags)
    }
    for j in flags.indices { allowed[j] = flags[j] != 0 }
    return answer == 0
  }
}

func cReport(_ report: CrossReport) -> ttk_cross_report {
  var result = ttk_cross_report()
  result.struct_size = MemoryLayout<ttk_cross_report>.size
  result.evaluations = Int64(report.evaluations)
  result.sweeps = Int64(report.sweeps)
  result.estimated_error = report.estimatedError
  result.validated_error = report.validatedError ?? -1
  result.validation_count = Int64(report.validationCount)
  result.max_rank = Int64(report.maxRank)
  result.reason = report.reason.rawValue
  return result
}
