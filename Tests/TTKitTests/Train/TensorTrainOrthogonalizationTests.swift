import Testing

@testable import TTKit

@Suite struct TensorTrainOrthogonalizationTests {
  @Test func everyCenter_isOrthonormalOnBothSides() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 2)
      let train = try random.train([4, 3, 5, 4], ranks: [3, 9, 4], type)
      for center in 0..<4 {
        let moved = try train.orthogonalized(first: 0, center: center, last: 3)
        for core in moved.cores[..<center] {
          #expect(try orthogonalityError(core.matrix(lastAxes: 1)) < 32 * T.eps)
        }
        for core in moved.cores[(center + 1)...] {
          // QQᴴ = I: the columns of Qᵀ are orthonormal.
          let rows = try core.matrix(lastAxes: 2).transposed([1, 0])
          #expect(try orthogonalityError(rows) < 32 * T.eps)
        }
        #expect(try relativeError(moved.dense(), train.dense()) < 128 * T.eps)
      }
    }
  }

  @Test func coresOutsideTheRange_keepTheirBits() throws {
    var random = TrainRandom(seed: 6)
    let train = try random.train([3, 4, 5, 4, 3], ranks: [3, 5, 5, 3], Double.self)
    let moved = try train.orthogonalized(first: 1, center: 2, last: 3)
    #expect(moved.cores[0].elements == train.cores[0].elements)
    #expect(moved.cores[4].elements == train.cores[4].elements)
    #expect(try orthogonalityError(moved.cores[1].matrix(lastAxes: 1)) < 32 * Double.eps)
    #expect(try relativeError(moved.dense(), train.dense()) < 64 * Double.eps)
    let untouched = try train.orthogonalized(first: 2, center: 2, last: 2)
    #expect(zip(untouched.cores, train.cores).allSatisfy { $0.elements == $1.elements })
  }

  @Test func mirrorImages_meet() throws {
    var random = TrainRandom(seed: 5)
    let train = try random.train([3, 4, 5], ranks: [2, 3], Double.self)
    let left = try train.orthogonalized(first: 0, center: 2, last: 2)
    let right = try train.reversed().orthogonalized(first: 0, center: 0, last: 2)
    #expect(left.ranks == right.ranks.reversed())
    let mirrored = try right.reversed()
    #expect(try relativeError(mirrored.dense(), left.dense()) < 64 * Double.eps)
    #expect(abs(left.cores[2].norm - right.cores[0].norm) < 64 * Double.eps * left.cores[2].norm)
  }

  @Test(arguments: [[-1, 0, 1], [1, 0, 2], [0, 2, 1], [0, 1, 3]])
  func positionsOutOfOrder_areRefused(range: [Int]) throws {
    var random = TrainRandom(seed: 3)
    let train = try random.train([2, 2, 2], Double.self)
    #expect(throws: TTKitError.self) {
      try train.orthogonalized(first: range[0], center: range[1], last: range[2])
    }
  }
}
