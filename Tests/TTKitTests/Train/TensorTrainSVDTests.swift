import Testing

@testable import TTKit

/// Cases A of the field's own test suites: what a decomposition must give.
@Suite struct TensorTrainSVDTests {
  /// The ramp 0..2^10-1 with the first mode fastest.
  private func ramp() throws -> Tensor<Double> {
    let values = indices(of: [Int](repeating: 2, count: 10)).map { digits in
      Double(digits.enumerated().reduce(0) { $0 + $1.element << $1.offset })
    }
    return try Tensor(shape: [Int](repeating: 2, count: 10), elements: values)
  }

  @Test func ramp_hasRankTwo() throws {
    let train = try TensorTrain(decomposing: ramp(), Truncation(relative: 1e-14))
    #expect(train.ranks == [1] + [Int](repeating: 2, count: 9) + [1])
    let difference = zip(try train.dense().elements, try ramp().elements).map { $0 - $1 }
    #expect(try Tensor(shape: [1024], elements: difference).norm < 10 * 1024 * 1e-14)
  }

  @Test func ramp_byHandWrittenCores_isExact() throws {
    var cores = [try Tensor<Double>(shape: [1, 2, 2], elements: [0, 1, 1, 1])]
    for k in 1..<9 {
      // Slices [[1, 0], [0, 1]] and [[1, 0], [2^k, 1]], indexed (left, mode, right).
      let step = Double(1 << k)
      cores.append(try Tensor(shape: [2, 2, 2], elements: [1, 0, 1, 0, 0, 1, step, 1]))
    }
    cores.append(try Tensor(shape: [2, 2, 1], elements: [1, 1, 0, 512]))
    let train = try TensorTrain(cores: cores)
    #expect(try relativeError(train.dense(), ramp()) < 1e-15)
  }

  @Test func oneMode_givesTheVectorItself() throws {
    for values in [[5.0], [1, 2, 3, 4, 5, 6, 7]] {
      let train = try TensorTrain(decomposing: Tensor(shape: [values.count], elements: values))
      #expect(train.cores.count == 1)
      #expect(train.cores[0].shape == [1, values.count, 1])
      #expect(train.cores[0].elements == values)
    }
  }

  @Test(arguments: [[1, 1], [1, 5], [5, 1]])
  func thinMatrices_haveRankOne(shape: [Int]) throws {
    let values = shape == [1, 1] ? [7.0] : [1, 2, 3, 4, 5]
    let train = try TensorTrain(decomposing: Tensor(shape: shape, elements: values))
    #expect(train.ranks == [1, 1, 1])
    #expect(zip(try train.dense().elements, values).allSatisfy { abs($0 - $1) < 1e-14 })
  }

  @Test(arguments: [false, true])
  func dependentColumns_haveRankOne(transposed: Bool) throws {
    var matrix = try Tensor<Double>(shape: [5, 2], elements: [1, 2, 2, 4, 3, 6, 4, 8, 5, 10])
    if transposed { matrix = try matrix.transposed([1, 0]) }
    let train = try TensorTrain(decomposing: matrix)
    #expect(train.ranks == [1, 1, 1])
    #expect(try relativeError(train.dense(), matrix) < 16 * Double.eps)
  }

  @Test func cappedMatrix_losesTheTailOfItsSingularValues() throws {
    var random = TrainRandom(seed: 6)
    let matrix = try random.tensor([4, 5], Double.self)
    let s = try svd(matrix).s
    for cap in 1...4 {
      let train = try TensorTrain(decomposing: matrix, Truncation(maxRank: cap))
      #expect(train.ranks == [1, cap, 1])
      let tail = s.dropFirst(cap).reduce(0) { $0 + $1 * $1 }.squareRoot() / matrix.norm
      #expect(abs(try relativeError(train.dense(), matrix) - tail) < 32 * Double.eps)
      #expect(abs(train.error - tail) < 32 * Double.eps)
    }
  }

  @Test func distinctValues_areKept() throws {
    let a = try Tensor<Double>(shape: [3, 4, 5], elements: (0..<60).map { Double($0 * $0 % 61) })
    #expect(try relativeError(TensorTrain(decomposing: a).dense(), a) < 64 * Double.eps)
  }

  @Test func errorFallsAsTheCapRises() throws {
    var random = TrainRandom(seed: 8)
    let a = try random.tensor([3, 4, 3, 4, 3], Double.self)
    var last = Double.infinity
    for cap in 1...12 {
      let train = try TensorTrain(decomposing: a, Truncation(maxRank: cap))
      let error = try relativeError(train.dense(), a)
      #expect(error <= last + 64 * Double.eps)
      #expect(train.ranks.allSatisfy { $0 <= cap })
      #expect(abs(train.error - error) <= 64 * Double.eps)
      last = error
    }
    #expect(last <= 64 * Double.eps)
  }

  @Test func capsPerBond_areHonoured() throws {
    var random = TrainRandom(seed: 9)
    let a = try random.tensor([4, 5, 6, 4], Double.self)
    let train = try TensorTrain(decomposing: a, Truncation(maxRanks: [3, 7, 2]))
    #expect(train.ranks == [1, 3, 7, 2, 1])
  }

  @Test func twentyModesOfTwo_ofLowRank() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 12)
      let shape = [Int](repeating: 2, count: 14)
      let a = try random.train(shape, ranks: [Int](repeating: 3, count: 13), type).dense()
      let train = try TensorTrain(decomposing: a)
      #expect(train.ranks.allSatisfy { $0 <= 3 })
      #expect(try relativeError(train.dense(), a) < 1000 * T.eps)
    }
  }

  /// Case A14 in small: noise far below the tolerance must not raise ranks.
  @Test func noiseBelowTheTolerance_isDropped() throws {
    var random = TrainRandom(seed: 14)
    let shape = [Int](repeating: 2, count: 14)
    let exact = try random.train(shape, ranks: [Int](repeating: 5, count: 13), Double.self).dense()
    let noise = try random.tensor(shape, Double.self)
    let level = 1e-8 * exact.norm / noise.norm
    let a = try Tensor(
      shape: shape, elements: zip(exact.elements, noise.elements).map { $0 + level * $1 })
    let train = try TensorTrain(decomposing: a, Truncation(relative: 1e-6))
    #expect(train.ranks.max() == 5)
    let error = try relativeError(train.dense(), a)
    // A basis of s = 32 samples loses about √(1 + r/(s − r − 1)) times what the best of rank r would.
    #expect(error < 1.3e-8 && error > 0.9e-8)
    // Errors of two directions: an upper bound, not far off.
    #expect(train.error > 0.999 * error && train.error < 2 * error)
  }

  @Test func absoluteTolerance_isTheLooserOfTwo() throws {
    var random = TrainRandom(seed: 15)
    let a = try random.tensor([6, 7, 8], Double.self)
    let loose = Truncation(relative: 1e-12, absolute: 0.3 * a.norm)
    let train = try TensorTrain(decomposing: a, loose)
    let error = try relativeError(train.dense(), a)
    #expect(error <= 0.3 && error > 0.1)
  }

  @Test func zeros_giveRanksOneAndZeroCores() throws {
    let zero = try Tensor<Double>(shape: [3, 4, 5], zeroed: true) { _ in }
    let train = try TensorTrain(decomposing: zero, Truncation(relative: 0.1))
    #expect(train.ranks == [1, 1, 1, 1])
    #expect(train.cores.allSatisfy { $0.elements.allSatisfy { $0 == 0 } })
    #expect(train.error == 0)
    #expect(try train.norm() == 0)
    #expect(try train.rounded().ranks == [1, 1, 1, 1])
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func numbersThatAreNone_areRefused(value: Double) throws {
    var values = [Double](repeating: 1, count: 60)
    values[37] = value
    let a = try Tensor(shape: [3, 4, 5], elements: values)
    #expect(throws: TTKitError.self) { try TensorTrain(decomposing: a) }
  }

  @Test(arguments: [1e300, 1e-300, .leastNonzeroMagnitude])
  func extremeNumbers_keepTheirRank(value: Double) throws {
    let values = (0..<60).map { value * Double($0 % 5 + 1) }
    let a = try Tensor(shape: [3, 4, 5], elements: values)
    let train = try TensorTrain(decomposing: a)
    #expect(train.ranks == [1, 1, 1, 1])
    #expect(try relativeError(train.dense(), a) < 64 * Double.eps)
  }

  @Test(arguments: [[], [3, 0], [0]])
  func emptyShapes_areRefused(shape: [Int]) throws {
    let count = shape.isEmpty ? 1 : 0
    let a = try Tensor(shape: shape, elements: [Double](repeating: 1, count: count))
    #expect(throws: TTKitError.self) { try TensorTrain(decomposing: a) }
  }

  /// The peeling of merged modes, the cut in the middle and the plain sweep each take some of these.
  @Test(arguments: [[4096, 3], [3, 4096], [64, 64], [2, 4096], [200, 2, 3], [16, 16, 16]])
  func anyAspectRatio_isExact(shape: [Int]) throws {
    var random = TrainRandom(seed: 17)
    for rank in [1, 2] {
      let ranks = shape.dropLast().map { _ in rank }
      let a = try random.train(shape, ranks: ranks, Float.self).dense()
      let train = try TensorTrain(decomposing: a)
      #expect(train.ranks == [1] + ranks + [1])
      #expect(try relativeError(train.dense(), a) < 64 * Float.eps)
    }
  }

  /// Large enough for the sampled basis, whose measured loss must be the true one.
  @Test func sampledBasis_measuresItsError() throws {
    for type in [Float.self, Double.self] as [any TestScalar.Type] { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 19)
      let shape = [Int](repeating: 2, count: 17)
      let exact = try random.train(shape, ranks: [Int](repeating: 3, count: 16), type).dense()
      let noise = try random.tensor(shape, type)
      let rtol = T.Real.dtype == .float32 ? 1e-2 : 1e-6
      let level = T(1e-2 * rtol * exact.norm / noise.norm, imaginary: 0)
      let a = try Tensor(
        shape: shape, elements: zip(exact.elements, noise.elements).map { $0 + level * $1 })
      let train = try TensorTrain(decomposing: a, Truncation(relative: rtol))
      #expect(train.ranks.max() == 3)
      let error = try relativeError(train.dense(), a)
      let rounding = 64 * T.eps
      #expect(error <= rtol && train.error <= rtol + rounding)
      #expect(train.error >= error - rounding && train.error <= 2 * error + rounding)
      // A spike no sample sees: the measurement must, and the exact way take over.
      var spiked = a.elements
      spiked[12_345] = spiked[12_345] + T(0.1 * a.norm, imaginary: 0)
      let b = try Tensor(shape: shape, elements: spiked)
      let found = try TensorTrain(decomposing: b, Truncation(relative: rtol))
      #expect(try relativeError(found.dense(), b) <= rtol)
    }
  }

  @Test func aCallbackThatSaysStop_cancels() throws {
    var random = TrainRandom(seed: 18)
    let a = try random.tensor([6, 7, 8], Double.self)
    var calls = 0
    #expect(throws: TTKitError.self) {
      let progress = ProgressReporter { _, _, _ in
        calls += 1
        return false
      }
      _ = try TensorTrain(decomposing: a, progress: progress)
    }
    #expect(calls == 1)
  }
}
