/// ttk_solve_options and ttk_solve_report against the core's types.
internal import CTTKit
internal import TTKit

/// ttk_solve_options, checked but for what depends on the dtype.
struct SolveWish {
  let watch: SolveWatch?
  let start: (any AnyTrain)?
  let truncation: Truncation
  private let given: ttk_solve_options

  /// - Parameter order: how many modes there are, which says how many caps there are.
  init(_ pointer: UnsafePointer<ttk_solve_options>?, order: Int) throws(TTKitError) {
    let given = try TTKitC.options(pointer, "ttk_solve_options", zero: ttk_solve_options())
    try requireZero(given.reserved, "ttk_solve_options->reserved")
    for (name, value) in [("max_rank", given.max_rank), ("max_sweeps", given.max_sweeps)]
    where value < 0 {
      throw .invalidArgument("\(name) is \(value), expected at least 1, or 0 for the default")
    }
    let caps = given.max_ranks.map { caps in (0..<max(order - 1, 0)).map { Int(caps[$0]) } }
    truncation = Truncation(
      maxRank: given.max_rank == 0 ? nil : Int(given.max_rank), maxRanks: caps)
    start = given.x0 == nil ? nil : try train(given.x0, "x0")
    self.given = given
    watch = given.watch.map { solveWatch($0, given.watch_context) }
  }

  func options<A: AnyTrainMatrix>(
    like matrix: A
  ) throws(TTKitError) -> SolveOptions<A.Element> {
    var options = SolveOptions<A.Element>()
    if given.rtol != 0 { options.relative = given.rtol }
    if given.max_sweeps != 0 { options.maxSweeps = Int(given.max_sweeps) }
    options.maxRank = truncation.maxRank
    options.maxRanks = truncation.maxRanks
    options.seed = given.seed
    if let start { options.start = try sameDType(matrix, start, "x0") }
    options.method = try choice(given.method, .enriched, "method", "TTK_SOLVE_AMEN, ALS or MALS")
    options.projection = try choice(
      given.projection, .galerkin, "projection", "TTK_SOLVE_GALERKIN or LEAST_SQUARES")
    options.preconditioner = try choice(
      given.preconditioner, .none, "preconditioner",
      "TTK_SOLVE_PLAIN, LEFT_BLOCKS or RIGHT_BLOCKS")
    return options
  }

  /// - Throws: `.invalidArgument` for fields that an eigenproblem has no use for.
  func eigenOptions(largest: Bool) throws(TTKitError) -> EigenOptions {
    for (name, value) in [
      ("method", given.method), ("projection", given.projection),
      ("preconditioner", given.preconditioner), ("x0", start == nil ? 0 : 1),
    ] where value != 0 {
      throw .invalidArgument("\(name) is set, expected 0: it is for linear systems")
    }
    var options = EigenOptions()
    if given.rtol != 0 { options.relative = given.rtol }
    if given.max_sweeps != 0 { options.maxSweeps = Int(given.max_sweeps) }
    options.maxRank = truncation.maxRank
    options.maxRanks = truncation.maxRanks
    options.seed = given.seed
    options.largest = largest
    return options
  }
}

/// A C enumeration's value; 0 is the default.
private func choice<C: RawRepresentable<Int32>>(
  _ value: Int32, _ standard: C, _ name: String, _ expected: String
) throws(TTKitError) -> C {
  if value == 0 { return standard }
  guard let found = C(rawValue: value) else {
    throw .invalidArgument("\(name) is \(value), expected \(expected)")
  }
  return found
}

private func solveWatch(
  _ watch: @escaping ttk_solve_watch, _ context: UnsafeMutableRawPointer?
) -> SolveWatch {
  { report throws(TTKitError) -> Bool in
    var report = cReport(report)
    report.reason = 0
    return watch(context, &report) == 0
  }
}

func cReport(_ report: SolveReport) -> ttk_solve_report {
  var result = ttk_solve_report()
  result.struct_size = MemoryLayout<ttk_solve_report>.size
  result.residual = report.residual
  result.sweeps = Int64(report.sweeps)
  result.max_rank = Int64(report.maxRank)
  result.reason = report.reason.rawValue
  return result
}
