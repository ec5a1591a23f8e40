import Testing

@testable import TTKit

/// Cases C of the field's own test suites: arithmetic, sums, elements.
@Suite struct TensorTrainAlgebraTests {
  @Test(arguments: [[1], [3], [2, 3], [4, 1, 5], [2, 2, 2, 2]])
  func ones_haveTheNormOfTheirCount(shape: [Int]) throws {
    let cores = try shape.map { n in
      try Tensor(shape: [1, n, 1], elements: [Double](repeating: 1, count: n))
    }
    let ones = try TensorTrain(cores: cores)
    let count = Double(shape.reduce(1, *))
    let norm = try ones.norm()
    #expect(abs(norm * norm - count) < 32 * Double.eps * count)
    let twice = try ones.scaled(by: 2).norm()
    #expect(abs(twice * twice - 4 * count) < 128 * Double.eps * count)
  }

  @Test func partialSums_agreeWithDenseOnes() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 3)
      let shape = [3, 4, 2, 5, 3]
      let train = try random.train(shape, type)
      let dense = try train.dense().elements
      for axes in [[0, 2, 3], [4], [0], [0, 1, 2, 3, 4], [3, 1], []] {
        let kept = shape.indices.filter { !axes.contains($0) }
        let target = kept.isEmpty ? [1] : kept.map { shape[$0] }
        var sums = [T](repeating: .zero, count: target.reduce(1, *))
        for (value, index) in zip(dense, indices(of: shape)) {
          let place = kept.reduce(0) { $0 * shape[$1] + index[$1] }
          sums[place] = sums[place] + value
        }
        let expected = try Tensor(shape: target, elements: sums)
        let found = try train.summed(over: axes).dense()
        let size = Double(dense.count).squareRoot() * (try train.norm())
        let difference = zip(found.elements, expected.elements).map { $0 - $1 }
        #expect(try Tensor(shape: target, elements: difference).norm <= 64 * T.eps * size)
      }
    }
  }

  @Test func weights_turnSumsIntoIntegrals() throws {
    let line = try Tensor<Double>(shape: [1, 3, 1], elements: [1, 2, 4])
    let train = try TensorTrain(cores: [line, line])
    let weight = try Tensor<Double>(shape: [3], elements: [0.5, 1, 0.25])
    let sum = try train.summed(over: [1], weights: [weight])
    #expect(sum.cores[0].elements == [3.5, 7, 14])
    let all = try train.summed(over: [1, 0], weights: [weight, nil])
    #expect(all.cores[0].shape == [1, 1, 1])
    #expect(all.cores[0].elements == [24.5])
  }

  @Test func axesThatRepeatOrLeaveTheTrain_areRefused() throws {
    var random = TrainRandom(seed: 3)
    let train = try random.train([2, 3], Double.self)
    for axes in [[0, 0], [2], [-1]] {
      #expect(throws: TTKitError.self) { try train.summed(over: axes) }
    }
    let short = try Tensor<Double>(shape: [2], elements: [1, 1])
    #expect(throws: TTKitError.self) { try train.summed(over: [1], weights: [short]) }
  }

  @Test func reversedTrain_atReversedIndices_isEqual() throws {
    var random = TrainRandom(seed: 4)
    let train = try random.train([3, 4, 5], ranks: [2, 3], Complex<Double>.self)
    let points = indices(of: [3, 4, 5])
    let mirrored = points.map { Array($0.reversed()) }
    let (a, b) = (try evaluate(train, points), try evaluate(train.reversed(), mirrored))
    #expect(zip(a, b).allSatisfy { ($0 - $1).magnitude <= 16 * Double.eps })
  }

  @Test func elements_singlyAndInBatches() throws {
    var random = TrainRandom(seed: 5)
    let shape = [Int](repeating: 6, count: 5)
    let train = try random.train(shape, ranks: [3, 3, 3, 3], Double.self)
    let dense = try train.dense().elements
    let points = indices(of: shape)
    let batch = try evaluate(train, points, threads: 2)
    #expect(zip(batch, dense).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(try evaluate(train, [points[4321]])[0] == batch[4321])
    #expect(try evaluate(train, []).isEmpty)
  }

  @Test func indexOutOfRange_isNamed() throws {
    var random = TrainRandom(seed: 5)
    let train = try random.train([2, 3], Double.self)
    let expected = TTKitError.invalidArgument(
      "index 3 of point 1, axis 1, is out of range; expected 0 to 2")
    #expect(throws: expected) { try evaluate(train, [[1, 2], [0, 3]]) }
    #expect(throws: TTKitError.self) { try evaluate(train, [[-1, 0]]) }
  }

  @Test func copies_areDeep() throws {
    var random = TrainRandom(seed: 7)
    let train = try random.train([2, 3], Double.self)
    var values = train.cores[0].elements
    let before = values
    let copy = try TensorTrain(cores: [
      Tensor(shape: train.cores[0].shape, elements: values), train.cores[1],
    ])
    values[0] = 99
    #expect(copy.cores[0].elements == before && train.cores[0].elements == before)
  }

  @Test func coresThatDoNotFit_areRefused() throws {
    func core(_ shape: [Int]) throws -> Tensor<Double> {
      try Tensor(shape: shape, elements: .init(repeating: 1, count: shape.reduce(1, *)))
    }
    for shapes in [
      [], [[2, 3, 1]], [[1, 3, 2]], [[1, 3, 2], [3, 3, 1]], [[1, 3]], [[1, 0, 1]],
    ] {
      #expect(throws: TTKitError.self) { try TensorTrain(cores: shapes.map { try core($0) }) }
    }
    let bad = try Tensor<Double>(shape: [1, 2, 1], elements: [1, .nan])
    #expect(throws: TTKitError.self) { try TensorTrain(cores: [bad]) }
  }

  @Test func scaling_sparesTheRangeOfTheDType() throws {
    let core = try Tensor<Double>(shape: [1, 1, 1], elements: [1e200])
    let small = try Tensor<Double>(shape: [1, 1, 1], elements: [1e-200])
    let train = try TensorTrain(cores: [small, core])
    let scaled = try train.scaled(by: 1e200)
    #expect(abs(try scaled.norm() / 1e200 - 1) < 16 * Double.eps)
    #expect(throws: TTKitError.self) { try train.scaled(by: .nan) }
  }

  @Test func exchangingModes_raisesRanksOnlyAsNeeded() throws {
    var random = TrainRandom(seed: 9)
    // Rank 1 between the pairs (0, 1) and (2, 3).
    let train = try random.train([3, 4, 5, 2], ranks: [2, 1, 2], Double.self)
    let back = try train.transposed([1, 0, 3, 2])
    #expect(back.ranks == [1, 2, 1, 2, 1])
    let capped = try train.transposed([2, 0, 3, 1], Truncation(maxRank: 2))
    #expect(capped.ranks.allSatisfy { $0 <= 2 })
    let difference = try relativeError(
      capped.dense(), train.dense().transposed([2, 0, 3, 1]))
    #expect(abs(difference - capped.error) < 64 * Double.eps)
    for axes in [[0, 1, 2], [0, 0, 1, 2], [0, 1, 2, 4]] {
      #expect(throws: TTKitError.self) { try train.transposed(axes) }
    }
  }
}
