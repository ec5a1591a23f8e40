import Glibc
import Testing

@testable import TTKit

private let methods = CrossMethod.allCases

@Suite struct CrossApproximationTests {
  // D1
  @Test(arguments: PivotSearch.allCases)
  func sumPlusCosine_hasRank4(search: PivotSearch) throws {
    let f = { (i: [Int]) in Double(i.reduce(0, +)) + cos(Double(i.reduce(0, +))) }
    let shape = [Int](repeating: 10, count: 5)
    let result = try runCross(shape, CrossOptions(relative: 1e-8, search: search), f)
    #expect(result.report.maxRank == 4)
    #expect(result.report.reason == .converged)
    #expect(result.report.evaluations < 6400)
    #expect(result.relativeError(f) < 1e-13)
  }

  // D2
  @Test(arguments: methods)
  func sumOfIndices_isFoundByEveryMethod(method: CrossMethod) throws {
    let f = { (i: [Int]) in Double(i.reduce(0, +)) }
    let shape = [20, 18, 16, 14, 12]
    let result = try runCross(shape, CrossOptions(relative: 1e-8, method: method), f)
    #expect(result.relativeError(f, count: 10000) < 1e-8, "\(method)")
    #expect(result.report.reason == .converged)
  }

  // D2
  @Test(arguments: methods)
  func budgets_areNeverExceeded(method: CrossMethod) throws {
    let f = { (i: [Int]) in 1 / (1 + i.enumerated().reduce(0) { $0 + Double($1.1 * $1.1) / 7 }) }
    for budget in [100, 101, 150, 400, 1000, 5000] {
      let options = CrossOptions(relative: 1e-13, maxEvaluations: budget, method: method)
      // runCross checks the count.
      let result = try runCross([20, 18, 16, 14, 12], options, f)
      #expect(result.report.reason == .budget, "\(method) \(budget)")
      #expect(result.relativeError(f).isFinite)
    }
    #expect(throws: TTKitError.self) {
      try runCross([20, 18, 16, 14, 12], CrossOptions(maxEvaluations: 75, method: method), f)
    }
  }

  // D2
  @Test(arguments: methods)
  func sweeps_areCountedExactly(method: CrossMethod) throws {
    let f = { (i: [Int]) in 1 / (1 + i.enumerated().reduce(0) { $0 + Double($1.1 * $1.1) / 7 }) }
    // Two-mode sweeps reach rounding noise, another reason to end, after three.
    let most = method == .twoSite ? 2 : 4
    var watched: [Int] = []
    let result = try runCross(
      [6, 7, 8, 9], CrossOptions(relative: 1e-15, maxSweeps: most, method: method),
      watch: { report throws(TTKitError) in
        watched.append(report.sweeps)
        return true
      }, f)
    #expect(result.report.sweeps == most && watched == Array(1...most), "\(method)")
    #expect(result.report.reason == .sweeps)
    let stopped = try runCross(
      [6, 7, 8, 9], CrossOptions(relative: 1e-15, method: method),
      watch: { report throws(TTKitError) in report.sweeps < 2 }, f)
    #expect(stopped.report.sweeps == 2 && stopped.report.reason == .stopped)
  }

  // D3
  @Test(arguments: methods)
  func reciprocalOfASum_isSmallRank(method: CrossMethod) throws {
    let f = { (i: [Int]) in 1 / (2 + Double(i.reduce(4, +))) }
    let shape = [20, 20, 20, 20]
    let result = try runCross(shape, CrossOptions(relative: 1e-7, method: method), f)
    #expect(result.relativeError(f, count: 10000) < 1e-7, "\(method) \(result.report)")
  }

  // D4
  @Test(arguments: methods)
  func zero_isTheZeroTrain(method: CrossMethod) throws {
    for shape in [[5, 4, 3], [1], [9, 9, 9, 9]] {
      let result = try runCross(shape, CrossOptions(method: method)) { _ in 0.0 }
      #expect(result.train.cores.allSatisfy { $0.elements.allSatisfy { $0 == 0 } })
      #expect(result.report.reason == .converged && result.report.maxRank == 1)
    }
  }

  // D5
  @Test func binaryModes_work() throws {
    let f = { (i: [Int]) in 1 / (1 + Double(i.reduce(0, +))) }
    let result = try runCross([Int](repeating: 2, count: 12), CrossOptions(relative: 1e-6), f)
    #expect(result.relativeError(f) < 1e-6)
  }

  // D6: the logarithm of a train holding 1 to 20⁴.
  @Test func logarithmOfATrain_isFound() throws {
    let shape = [20, 20, 20, 20]
    let inner = try runCross(shape, CrossOptions(relative: 1e-12)) { i in
      1 + Double(i.reduce(0) { 20 * $0 + $1 })
    }
    #expect(inner.report.maxRank == 2)
    let f = { (i: [Int]) in log(inner.values(at: [i])[0]) }
    let result = try runCross(shape, CrossOptions(relative: 1e-7), f)
    #expect(result.relativeError(f) < 1e-7)
  }

  // D9 and D10
  @Test func rankOne_onAQuanticsGrid() throws {
    let one = CrossOptions(relative: 1e-10, maxRank: 1, maxSweeps: 2)
    let bits = [Int](repeating: 2, count: 8)
    let f = { (i: [Int]) in exp(-binary(i)) }
    let result = try runCross(bits, one, f)
    #expect(result.report.maxRank == 1)
    for x in [0.1, 0.3, 0.6, 0.9] {
      let digits = (1...8).map { Int(x * pow(2, Double($0))) % 2 }
      #expect(abs(result.values(at: [digits])[0] - f(digits)) < 1e-12)
    }
    let g = { (i: [Int]) in exp(-binary(i)) + 1e-4 * exp(-2 * binary(i)) }
    let capped = try runCross(bits, CrossOptions(relative: 1e-10, maxRank: 1), g)
    #expect(capped.report.reason == .rank)
    #expect(capped.relativeError(g) < 1e-4)
  }

  // D12
  @Test func wrongOptions_areRefused() {
    func refused(_ shape: [Int], _ options: CrossOptions, _ text: String) {
      do {
        _ = try crossApproximation(shape: shape, options) {
          (_, values: inout MutableSpan<Double>) in
          Issue.record("the function was asked")
          return true
        }
        Issue.record("accepted: \(text)")
      } catch {
        #expect(error.message.contains(text), "\(error.message)")
      }
    }
    refused([4, 4], CrossOptions(relative: 0), "rtol")
    refused([4, 4], CrossOptions(relative: -1e-3), "rtol")
    refused([4, 4], CrossOptions(relative: .nan), "rtol")
    refused([4, 4], CrossOptions(absolute: .infinity), "atol")
    refused([4, 4], CrossOptions(relative: 1e-3, absolute: 1e-3), "only one")
    refused([4, 4], CrossOptions(maxRank: 0), "max_rank")
    refused([4, 4], CrossOptions(maxEvaluations: 0), "max_evaluations")
    refused([4, 4], CrossOptions(maxSweeps: -1), "max_sweeps")
    refused([4, 4], CrossOptions(pivots: [[0]]), "pivot 0 has 1 indices")
    refused([4, 4], CrossOptions(pivots: [[0, 0], [0, 4]]), "pivot 1 has index 4 in mode 1")
    refused([4, 4], CrossOptions(pivots: [[-1, 0]]), "index -1")
    refused([], CrossOptions(), "shape")
    refused([3, 0], CrossOptions(), "shape")
    refused([3, -2], CrossOptions(), "shape")
    refused([3, Int.max], CrossOptions(), "2^24")
    refused([Int](repeating: 1, count: 1025), CrossOptions(), "shape")
  }

  // D15
  @Test func scalesFarApart_areResolved() throws {
    let bits = [Int](repeating: 2, count: 20)
    let f = { (i: [Int]) in
      let t = -100 + 200 * binary(i)
      return (10 * exp(-t * t) + 1) * cos(t)
    }
    let result = try runCross(bits, CrossOptions(relative: 1e-9, maxRank: 14), f)
    #expect(result.relativeError(f, count: 1 << 14) < 1e-8)
  }

  // D22, D23, D24
  @Test func manyModes_areExact() throws {
    let x = grid(-2.048, 2.048, 16)
    let rosenbrock = { (i: [Int]) in
      zip(i, i.dropFirst()).reduce(0.0) { sum, pair in
        let (a, b) = (x[pair.0], x[pair.1])
        return sum + 100 * (b - a * a) * (b - a * a) + (1 - a) * (1 - a)
      }
    }
    func check(
      _ d: Int, rank: Int, most: Int, _ f: @escaping ([Int]) -> Double
    ) throws {
      let shape = [Int](repeating: 16, count: d)
      let result = try runCross(shape, CrossOptions(relative: 1e-6), f)
      #expect(result.report.maxRank == rank)
      #expect(result.report.evaluations < most, "\(result.report.evaluations)")
      #expect(result.relativeError(f, count: 500) < 1e-12)
    }
    try check(10, rank: 3, most: 10_000, rosenbrock)
    try check(50, rank: 3, most: 63_000, rosenbrock)
    let y = grid(-5.12, 5.12, 16)
    try check(100, rank: 2, most: 61_000) { i in
      i.reduce(1000.0) { $0 + y[$1] * y[$1] - 10 * cos(2 * .pi * y[$1]) }
    }
    let z = grid(0, 1, 16)
    try check(100, rank: 2, most: 73_000) { i in sin(i.reduce(0.0) { $0 + z[$1] }) }
  }

  // D25: ranks and closed-form integrals.
  @Test func genzFunctions_integrateExactly() throws {
    // Gauss-Legendre on [0, 1] with 5 nodes is exact for the degree 9 that suffices at 1e-9 here.
    let nodes = [
      -0.9061798459386640, -0.5384693101056831, 0, 0.5384693101056831, 0.9061798459386640,
    ]
    let weights = [
      0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665,
      0.2369268850561891,
    ].map { $0 / 2 }
    let x = nodes.map { ($0 + 1) / 2 }
    let shape = [Int](repeating: 5, count: 8)
    let wave = try runCross(shape, CrossOptions(relative: 1e-10)) { i in
      cos(i.reduce(0.3) { $0 + 0.4 * x[$1] })
    }
    #expect(wave.report.maxRank == 2)
    // Re(e^{0.3 i} ((e^{0.4 i} − 1) / 0.4 i)⁸) = cos(0.3 + 8·0.2) (sin 0.2 / 0.2)⁸.
    let exact = cos(0.3 + 1.6) * pow(sin(0.2) / 0.2, 8)
    #expect(abs(wave.integral(weights) - exact) < 1e-11)
    let gauss = try runCross(shape, CrossOptions(relative: 1e-10)) { i in
      exp(-i.reduce(0.0) { $0 + 0.1 * (x[$1] - 0.4) * (x[$1] - 0.4) })
    }
    #expect(gauss.report.maxRank == 1)
    let line = (Double.pi / 0.1).squareRoot() / 2
    let one = line * (erf(0.1.squareRoot() * 0.6) + erf(0.1.squareRoot() * 0.4))
    #expect(abs(gauss.integral(weights) - pow(one, 8)) < 1e-11)
  }

  // D27: no false convergence on a narrow peak.
  @Test(arguments: 0..<6)
  func narrowPeak_isFound(seed: UInt64) throws {
    let f = { (i: [Int]) in
      let x = binary(i)
      let t = (x - 0.3) * 1e3
      return exp(-x) + exp(-t * t)
    }
    let bits = [Int](repeating: 2, count: 30)
    let result = try runCross(bits, CrossOptions(relative: 1e-6, seed: seed), f)
    #expect(result.report.reason == .converged)
    #expect(result.relativeError(f, count: 10000) < 2e-6)
  }

  // D27: what no sample meets, a pivot can point at.
  @Test func suppliedPivot_isUsed() throws {
    let f = { (i: [Int]) in
      let x = binary(i)
      let t = (x - 0.3) * 1e8
      return exp(-x) + exp(-t * t)
    }
    let digits = (1...30).map { Int(0.3 * pow(2, Double($0))) % 2 }
    let bits = [Int](repeating: 2, count: 30)
    let options = CrossOptions(relative: 1e-6, pivots: [digits])
    let result = try runCross(bits, options, f)
    #expect(abs(result.values(at: [digits])[0] - f(digits)) < 1e-5)
  }

  @Test func pivotsOfAnEarlierRun_saveWork() throws {
    let f = { (i: [Int]) in 1 / (1 + i.reduce(0.0) { $0 + Double($1 * $1) / 9 }).squareRoot() }
    let shape = [Int](repeating: 12, count: 6)
    let first = try runCross(shape, CrossOptions(relative: 1e-6), f)
    let again = try runCross(shape, CrossOptions(relative: 1e-6, pivots: first.pivots), f)
    #expect(again.report.reason == .converged)
    #expect(again.relativeError(f) < 1e-6)
    #expect(again.report.sweeps <= first.report.sweeps)
  }

  @Test(arguments: methods)
  func smallShapes_areExact(method: CrossMethod) throws {
    for shape in [[1], [7], [1, 1, 1], [1, 5, 1], [2, 3], [3, 1, 4, 1], [600], [2, 300]] {
      let f = { (i: [Int]) in 1 + Double(i.reduce(0) { 5 * $0 + 3 * $1 }).squareRoot() }
      let result = try runCross(shape, CrossOptions(relative: 1e-12, method: method), f)
      #expect(result.relativeError(f, count: 50) < 1e-11, "\(method) \(shape)")
      let constant = try runCross(shape, CrossOptions(relative: 1e-12, method: method)) { _ in -4.5
      }
      #expect(constant.report.maxRank == 1)
      #expect(constant.relativeError({ _ in -4.5 }, count: 50) < 1e-14)
    }
  }

  @Test func extremeScales_areSafe() throws {
    let f = { (i: [Int]) in 1 / (1 + Double(i.reduce(0, +))) }
    for scale in [1e-300, 1e-150, 1e150, 1e300] {
      let g = { (i: [Int]) in scale * f(i) }
      let result = try runCross([8, 8, 8, 8], CrossOptions(relative: 1e-8), g)
      #expect(result.relativeError(g) < 1e-8, "\(scale)")
    }
  }

  @Test func nan_namesTheIndex() {
    do {
      _ = try runCross([4, 4, 4]) { $0 == [1, 2, 3] ? .nan : 1.0 }
      Issue.record("NaN was accepted")
    } catch {
      guard case TTKitError.nonFinite(let text)? = error as? TTKitError else {
        Issue.record("\(error)")
        return
      }
      #expect(text.contains("(1, 2, 3)") && text.contains("nan"), "\(text)")
    }
  }

  @Test(arguments: methods)
  func stopping_keepsWhatThereIs(method: CrossMethod) throws {
    let f = { (i: [Int]) in 1 / (1 + i.reduce(0.0) { $0 + Double($1 * $1) / 7 }) }
    let asked = Asked(f)
    asked.stopsAfter = 1
    do {
      _ = try crossApproximation(
        shape: [9, 9, 9, 9], CrossOptions(method: method), function: asked.function(order: 4))
      Issue.record("a result out of nothing")
    } catch {
      guard case .cancelled = error else {
        Issue.record("\(error)")
        return
      }
    }
    let later = Asked(f)
    later.stopsAfter = 700
    let result = try crossApproximation(
      shape: [9, 9, 9, 9], CrossOptions(relative: 1e-14, method: method),
      function: later.function(order: 4))
    #expect(result.report.reason == .stopped)
    #expect(result.relativeError(f) < 1)
  }

  @Test func precision_isAReasonOfItsOwn() throws {
    let f = { (i: [Int]) in Float(1 / (1 + Double(i.reduce(0, +)))) }
    let result = try runCross([8, 8, 8, 8, 8], CrossOptions(relative: 1e-12), f)
    #expect(result.report.reason == .precision)
    #expect(result.relativeError(f) < 1e-5)
  }
}
