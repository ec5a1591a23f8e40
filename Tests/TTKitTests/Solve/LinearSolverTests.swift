import Testing

@testable import TTKit

/// Linear systems against dense products, for every dtype.
@Suite struct LinearSolverTests {
  /// The identity plus a small random matrix of ranks 2, for modes 3, 4, 5, as dense and as train cores.
  private func system<T: TestScalar>(
    _ type: T.Type, seed: UInt64
  ) throws -> (matrix: TrainMatrix<T>, b: TensorTrain<T>) {
    var random = TrainRandom(seed: seed)
    let (modes, ranks) = ([3, 4, 5], [1, 2, 2, 1])
    var cores: [Tensor<T>] = []
    for k in 0..<3 {
      cores.append(try random.tensor([ranks[k], modes[k], modes[k], ranks[k + 1]], type))
    }
    var eye: [Tensor<T>] = []
    for n in modes { eye.append(try Tensor<T>.identity(n).reshaped([1, n * n, 1])) }
    let sum = try TensorTrain(cores: eye).adding(TrainMatrix(cores: cores).train)
    let b = try random.train(modes, type)
    return (TrainMatrix(train: sum, rows: modes, columns: modes), b)
  }

  @Test(arguments: SolveMethod.allCases, SolveProjection.allCases)
  func residualIsWithinTheTolerance(method: SolveMethod, projection: SolveProjection) throws {
    func check<T: TestScalar>(_ type: T.Type) throws {
      for seed in 1...3 as ClosedRange<UInt64> {
        let (matrix, b) = try system(type, seed: seed)
        var options = SolveOptions<T>()
        options.method = method
        options.projection = projection
        options.maxRank = method == .oneSite ? 5 : nil
        // The normal equations square the condition number.
        if projection == .leastSquares, T.Real.dtype == .float32 { options.relative = 2e-3 }
        let (x, report) = try solveTrain(matrix, b, options)
        #expect(report.reason == .converged, "\(type), seed \(seed): \(report)")
        let residual = try matrix.multiplied(by: x).subtracting(b).norm() / b.norm()
        // The report's residual is measured before the scale of b is put back: rounding apart.
        let rounding = 64 * Double(T.Real.ulpOfOne)
        #expect(residual <= options.tolerance + rounding)
        #expect(abs(residual - report.residual) <= 0.5 * residual + rounding)
      }
    }
    for type in scalars { try check(type) }
  }

  @Test func largeLocalProblems_areIterated() throws {
    // 30 modes of 25 indices, two sites: 625 r² unknowns, more than are factorised.
    let n = 25
    var (near, end): ([Double], [Double]) = ([], [])
    for i in 0..<n {
      for j in 0..<n {
        let value = i == j ? 2.0 : abs(i - j) == 1 ? -1.0 : 0
        near.append(value)
        end.append(i == j ? 1 : 0)
      }
    }
    let (stencil, same) = (near, end)
    func core(_ left: Int, _ right: Int) throws -> Tensor<Double> {
      try Tensor(shape: [left, n, n, right]) { out in
        for e in 0..<n * n {
          let (i, j) = (e / n, e % n)
          func put(_ a: Int, _ b: Int, _ value: Double) {
            out[((a * n + i) * n + j) * right + b] = value
          }
          for a in 0..<left { for b in 0..<right { put(a, b, 0) } }
          // The identity so far; the stencil now; the stencil already.
          put(0, right - 1, stencil[e])
          if right == 2 { put(0, 0, same[e]) }
          if left == 2 { put(1, right - 1, same[e]) }
        }
      }
    }
    let matrix = try TrainMatrix(cores: [core(1, 2), core(2, 2), core(2, 1)])
    let one = try Tensor<Double>(shape: [1, n, 1], elements: [Double](repeating: 1, count: n))
    let b = try TensorTrain(cores: [one, one, one])
    for preconditioner in LocalPreconditioner.allCases {
      var options = SolveOptions<Double>()
      options.method = .twoSite
      options.preconditioner = preconditioner
      options.relative = 1e-6
      let (x, report) = try solveTrain(matrix, b, options)
      #expect(report.reason == .converged, "\(preconditioner)")
      #expect(try matrix.multiplied(by: x).subtracting(b).norm() <= 1e-6 * b.norm())
    }
  }
}
