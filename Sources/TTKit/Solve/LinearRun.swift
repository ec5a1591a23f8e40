/// One solution of a linear system: passes until there is a reason to end.

/// One run on the scaled system, ‖b‖ = 1.
struct LinearRun<T: Scalar> {
  let matrix: TrainMatrix<T>
  let b: TensorTrain<T>
  let options: SolveOptions<T>
  let scale: (norm: Double, exponent: Int)
  var report = SolveReport()
  private var sweeps: LinearSweeps<T>
  /// Norm that the right side of the swept system had: of Aᴴ b with least squares.
  private var sideNorm = 1.0
  /// The best train that was measured, in the scaled system; at first the zero train, of residual 1.
  private var best: (x: TensorTrain<T>, residual: Double)
  /// Root mean square of the matrix's singular values: about how long A x is, at most, for ‖x‖ = 1.
  private let matrixSize: Double

  /// Passes without progress before a run gives up.
  private static var patience: Int { 4 }

  init(
    _ matrix: TrainMatrix<T>, _ b: TensorTrain<T>, _ options: SolveOptions<T>,
    scale: (norm: Double, exponent: Int)
  ) throws(TTKitError) {
    self.matrix = matrix
    self.b = b
    self.options = options
    self.scale = scale
    best = (try .zero(shape: b.shape), 1)
    let flat = try TensorTrain(
      checking: matrix.cores.map { core in
        core.reshaped([core.shape[0], core.shape[1] * core.shape[2], core.shape[3]])
      })
    let size = b.shape.reduce(1.0) { $0 * Double($1).squareRoot() }
    matrixSize = try flat.norm() / size
    var (swept, side) = (matrix, b)
    if options.projection == .leastSquares {
      let adjoint = try matrix.adjoint()
      let exact = Truncation(relative: Double(T.Real.ulpOfOne))
      swept = try adjoint.composed(matrix).rounded(exact, executor: .serial)
      side = try adjoint.multiplied(by: b).rounded(exact, executor: .serial)
      sideNorm = try side.norm()
      if sideNorm > 0 { side = try side.scaled(by: T(real: T.Real(1 / sideNorm))) }
    }
    let start = try firstTrain(side, options, scale, sideNorm)
    let small = Truncation(maxRank: Enrichment<T>.rank)
    let residual = try side.subtracting(swept.multiplied(by: start)).rounded(
      small, executor: .serial)
    sweeps = try LinearSweeps(
      swept, side.cores, start: start, residual: residual, options, tolerance: options.tolerance)
  }

  /// Passes until there is a reason to end.
  mutating func refine(_ watch: SolveWatch?) throws(TTKitError) {
    var least = Double.infinity
    var idle = 0
    let floor = 10 * Double(T.Real.ulpOfOne)
    while true {
      let worst = try sweeps.pass()
      report.sweeps += 1
      report.residual = worst
      report.maxRank = sweeps.x.map { $0.shape[2] }.reduce(1, max)
      idle = worst < 0.9 * least ? 0 : idle + 1
      least = min(least, worst)
      // Local problems see a part of the residual only.
      if worst <= sweeps.tolerance || idle > 0 { try measure() }
      if best.residual <= options.tolerance { return report.reason = .converged }
      if worst <= sweeps.tolerance {
        sweeps.tolerance = max(sweeps.tolerance / 8, floor)
        if sweeps.tolerance > floor { idle = 0 }
      }
      if let watch, try !watch(report) { return report.reason = .stopped }
      if idle >= Self.patience { return report.reason = sweeps.isCapped ? .rank : .stalled }
      if report.sweeps >= options.sweeps { return report.reason = .sweeps }
    }
  }

  /// The best train, in the caller's scale, with its residual.
  mutating func result() throws(TTKitError) -> (x: TensorTrain<T>, report: SolveReport) {
    if report.reason != .converged { try measure() }
    report.residual = best.residual
    report.maxRank = best.x.ranks.reduce(1, max)
    var cores = best.x.cores
    cores[0] = try cores[0].scaled(by: T(real: T.Real(scale.norm)))
    return (try TensorTrain(checking: absorb(scale.exponent, into: cores, at: 0)), report)
  }

  /// ‖A x − b‖ of the train as it is.
  private mutating func measure() throws(TTKitError) {
    var cores = try sweeps.cores()
    if sideNorm != 1 { cores[0] = try cores[0].scaled(by: T(real: T.Real(sideNorm))) }
    let x = try TensorTrain(checking: cores)
    let residual = try matrix.multiplied(by: x).subtracting(b).norm()
    // A singular matrix lets x grow until A x is rounding errors of numbers far larger than b: a residual
    // that another order of the same sums would not give again.
    let uncertain = try 10 * Double(T.Real.ulpOfOne) * matrixSize * x.norm()
    if residual <= best.residual, uncertain <= 0.05 { best = (x, residual) }
  }
}
