import Testing

@testable import TTKit

@Suite struct TensorTrainRoundingTests {
  @Test func onesStoredWithRankThree_haveRankOne() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let third = T(1.0 / 3, imaginary: 0)
      var cores: [Tensor<T>] = []
      for (k, n) in [4, 5, 6].enumerated() {
        let shape = [k == 0 ? 1 : 3, n, k == 2 ? 1 : 3]
        let value = k == 0 ? T.one : third
        cores.append(
          try Tensor(shape: shape, elements: [T](repeating: value, count: shape.reduce(1, *))))
      }
      let rounded = try TensorTrain(cores: cores).rounded()
      #expect(rounded.ranks == [1, 1, 1, 1])
      #expect(abs(try rounded.norm() - 120.0.squareRoot()) <= 64 * T.eps * 11)
    }
  }

  @Test func twiceATrain_hasItsRanks() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 7)
      let x = try random.train([4, 5, 6, 4], ranks: [3, 4, 3], type)
      let sum = try x.adding(x).rounded(Truncation(relative: max(1e-10, 8 * T.eps)))
      #expect(sum.ranks == x.ranks)
      let twice = try x.scaled(by: T(2, imaginary: 0))
      #expect(try relativeError(sum.dense(), twice.dense()) <= 128 * T.eps)
      let half = try x.adding(x.scaled(by: T(0.5, imaginary: 0))).rounded()
      let more = try x.scaled(by: T(1.5, imaginary: 0))
      #expect(try relativeError(half.dense(), more.dense()) <= 128 * T.eps)
    }
  }

  @Test func aSweepOfTolerances_isKept() throws {
    var random = TrainRandom(seed: 4)
    let two = try random.train([40, 50], ranks: [30], Double.self)
    let ten = try random.train(
      [Int](repeating: 3, count: 9), ranks: [Int](repeating: 8, count: 8), Double.self)
    for train in [two, ten] {
      for exponent in 0...12 {
        let tolerance = 1 / Double(1 << (3 * exponent))
        let rounded = try train.rounded(Truncation(relative: tolerance))
        let error = try rounded.subtracting(train).norm() / train.norm()
        #expect(error <= tolerance + 64 * Double.eps)
        #expect(abs(rounded.error - error) <= 256 * Double.eps)
      }
    }
  }

  @Test func keepingTheRanks_changesNothing() throws {
    var random = TrainRandom(seed: 8)
    let x = try random.train([5, 6, 7], ranks: [3, 3], Double.self)
    let rounded = try x.rounded(Truncation(maxRank: 3))
    #expect(rounded.ranks == x.ranks)
    #expect(try relativeError(rounded.dense(), x.dense()) < 1e-14)
    #expect(try relativeError(rounded.rounded().dense(), rounded.dense()) < 1e-14)
  }

  @Test func fiveHundredModes_neitherOverflowNorUnderflow() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      // Products of the first half overflow any float, those of the second bring them back.
      let extreme = T.Real.dtype == .float32 ? 1e30 : 1e300
      var cores: [Tensor<T>] = []
      for k in 0..<500 {
        let value = T(k < 250 ? extreme : 1 / extreme, imaginary: 0)
        cores.append(try Tensor(shape: [1, 1, 1], elements: [value]))
      }
      cores[7] = try Tensor(shape: [1, 2, 1], elements: [cores[7].elements[0], .zero])
      let train = try TensorTrain(cores: cores)
      let tolerance = 2000 * T.eps
      #expect(abs(try train.norm() - 1) < tolerance)
      #expect(abs(Double(try train.dot(train).realPart) - 1) < tolerance)
      #expect(abs(try train.rounded().norm() - 1) < tolerance)
      #expect(abs(try train.adding(train).rounded().norm() - 2) < tolerance)
      let sum = try train.summed(over: Array(0..<500))
      #expect(abs(Double(sum.cores[0].elements[0].realPart) - 1) < tolerance)
      let point = [Int](repeating: 0, count: 500)
      #expect(abs(Double(try evaluate(train, [point])[0].realPart) - 1) < tolerance)
    }
  }

  @Test func ofATrainOfOneMode_isItself() throws {
    let x = try TensorTrain(cores: [Tensor<Double>(shape: [1, 3, 1], elements: [1, 2, 3])])
    #expect(try x.rounded(Truncation(relative: 0.5)).cores[0].elements == [1, 2, 3])
  }
}
