/// Extreme eigenvalues of Hermitian matrices in train form.

/// The `count` smallest (or largest) eigenvalues and their vectors as trains.
///
/// - Parameters:
///   - matrix: Hermitian, square in every core.
///   - watch: called after every pass but the last, with the report so far; false stops.
/// - Error: |λ − an eigenvalue| <= residual · size of A. That no smaller eigenvalue was missed is likely, not
///   proved: sweeps can stay at a higher one.
/// - Complexity: per pass O(d (n r)³) while the pair of cores has at most 400 unknowns, beyond that tens of
///   products with the local matrix.
/// - Throws: `.invalidArgument` for a matrix that is not Hermitian, a count beyond its order, options out of
///   range; `.nonFinite`; `.outOfMemory`; `.notConverged` from LAPACK.
/// - Source: see EigenSweeps.
public func eigenpairs<T: Scalar>(
  _ matrix: TrainMatrix<T>, count: Int, _ options: EigenOptions = EigenOptions(),
  watch: SolveWatch? = nil
) throws(TTKitError) -> Eigenpairs<T> {
  let tolerance = options.tolerance(T.Real.self)
  try check(matrix, count, options, tolerance)
  var signed = matrix
  if options.largest {
    signed = TrainMatrix(
      train: try matrix.train.scaled(by: .zero - .one), rows: matrix.rows, columns: matrix.columns)
  }
  var random = SeededGenerator(seed: options.seed)
  let caps = options.truncation.caps(order: matrix.order)
  let ranks = fullRanks(matrix.rows, caps.map { min($0, max(count, 4)) })
  var cores: [Tensor<T>] = []
  for k in 0..<matrix.order {
    cores.append(
      try randomTensor([ranks[k], matrix.rows[k], ranks[k + 1]], &random, as: T.self))
  }
  var sweeps = try EigenSweeps(
    signed, count: count, start: TensorTrain(checking: cores), caps: caps,
    size: meanEigenvalue(matrix), tolerance: max(tolerance, 4 * Double(T.Real.ulpOfOne)),
    random: &random)
  var report = SolveReport()
  var (least, idle) = (Double.infinity, 0)
  while true {
    let worst = try sweeps.pass()
    report.sweeps += 1
    (report.residual, report.maxRank) = (worst, sweeps.maxRank)
    idle = worst < 0.9 * least ? 0 : idle + 1
    least = min(least, worst)
    if worst <= tolerance / 2 { break }
    if let watch, try !watch(report) {
      report.reason = .stopped
      break
    }
    report.reason = idle >= 4 ? (sweeps.isCapped ? .rank : .stalled) : .sweeps
    if idle >= 4 || report.sweeps >= options.sweeps { break }
  }
  return try finished(signed, sweeps, options, report, tolerance)
}

/// Vectors, each with ranks of its own, and what they leave.
private func finished<T: Scalar>(
  _ matrix: TrainMatrix<T>, _ sweeps: EigenSweeps<T>, _ options: EigenOptions,
  _ report: SolveReport, _ tolerance: Double
) throws(TTKitError) -> Eigenpairs<T> {
  var (vectors, values, residuals): ([TensorTrain<T>], [Double], [Double]) = ([], [], [])
  for raw in try sweeps.vectors() {
    let cut = try raw.rounded(
      Truncation(relative: tolerance / 8, maxRank: options.maxRank, maxRanks: options.maxRanks),
      executor: .serial)
    let x = try cut.scaled(by: T(real: T.Real(1 / cut.norm())))
    let image = try matrix.multiplied(by: x)
    let value = Double(try x.dot(image).realPart)
    let rest = try image.subtracting(x.scaled(by: T(real: T.Real(value)))).norm()
    vectors.append(x)
    values.append(options.largest ? -value : value)
    residuals.append(rest / sweeps.size)
  }
  var report = report
  report.residual = residuals.reduce(0, max)
  report.maxRank = vectors.flatMap(\.ranks).reduce(1, max)
  if report.residual <= tolerance, report.reason != .stopped { report.reason = .converged }
  // Passes were content, the vectors computed are not.
  if report.residual > tolerance, report.reason == .converged { report.reason = .stalled }
  let order = values.indices.sorted {
    options.largest ? values[$0] > values[$1] : values[$0] < values[$1]
  }
  return Eigenpairs(
    values: order.map { values[$0] }, vectors: order.map { vectors[$0] },
    residuals: order.map { residuals[$0] }, report: report)
}

private func check<T: Scalar>(
  _ matrix: TrainMatrix<T>, _ count: Int, _ options: EigenOptions, _ tolerance: Double
) throws(TTKitError) {
  try options.truncation.check(order: matrix.order)
  guard tolerance > 0, tolerance.isFinite else {
    throw .invalidArgument("rtol is \(tolerance), expected a finite number above 0")
  }
  guard matrix.rows == matrix.columns else {
    throw .invalidArgument(
      "the matrix has rows \(describe(matrix.rows)) and columns \(describe(matrix.columns)), expected"
        + " the same")
  }
  let unknowns = matrix.rows.reduce(1) { $0.multipliedClamping(by: $1) }
  guard count >= 1, count <= min(unknowns, 1 << 16) else {
    throw .invalidArgument("count is \(count), expected 1 to \(min(unknowns, 1 << 16))")
  }
  let skew = try matrix.train.subtracting(matrix.adjoint().train).norm()
  let norm = try matrix.train.norm()
  guard skew <= Double(T.Real.ulpOfOne).squareRoot() * norm else {
    throw .invalidArgument(
      "the matrix differs from its adjoint by \(skew / norm) of its norm, expected a Hermitian one")
  }
}

/// Root mean square of the eigenvalues: ‖A‖ / √n, the root taken core by core.
private func meanEigenvalue<T: Scalar>(_ matrix: TrainMatrix<T>) throws(TTKitError) -> Double {
  var cores: [Tensor<T>] = []
  for (k, core) in matrix.train.cores.enumerated() {
    cores.append(try core.scaled(by: T(real: 1 / T.Real(matrix.rows[k]).squareRoot())))
  }
  return try TensorTrain(checking: cores).norm()
}
