/// The laws of decomposing tensors into trains, on seeded random shapes, for every dtype.
import Testing

@testable import TTKit

@Suite struct TrainLaws {
  // Laws 1 and 2.
  @Test func decomposingKeepsItsToleranceAndItsRankBounds() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      for rtol in [0, 1e-4, 1e-2, 0.3] {
        try each { random, seed in
          let a = try random.tensor(random.shape(), type)
          let train = try TensorTrain(decomposing: a, Truncation(relative: rtol))
          let difference = try relativeError(train.dense(), a)
          let d = Double(a.shape.count)
          // Each of d factorisations and products adds rounding errors of about 8 eps √(length).
          let rounding = 8 * d * T.eps * Double(a.count).squareRoot()
          #expect(difference <= rtol + rounding, "\(type) seed \(seed) shape \(a.shape)")
          #expect(abs(train.error - difference) <= rounding, "\(type) seed \(seed) \(a.shape)")
          for k in 0...a.shape.count {
            let left = a.shape.prefix(k).reduce(1, *)
            let right = a.shape.dropFirst(k).reduce(1, *)
            #expect(train.ranks[k] <= min(left, right), "\(type) seed \(seed) \(a.shape)")
          }
          #expect(train.ranks.first == 1 && train.ranks.last == 1)
        }
      }
    }
  }

  // Law 3.
  @Test func decomposingFindsExactRanks() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      func ranks(_ shape: [Int], _ value: ([Int]) -> Double) throws -> [Int] {
        let values = indices(of: shape).map { T(value($0), imaginary: 0) }
        return try TensorTrain(decomposing: Tensor(shape: shape, elements: values)).ranks
      }
      #expect(try ranks([2, 3, 4, 2, 3]) { $0 == [1, 2, 0, 1, 1] ? 1 : 0 } == [1, 1, 1, 1, 1, 1])
      #expect(try ranks([4, 5, 6]) { _ in 7 } == [1, 1, 1, 1])
      #expect(try ranks([5, 5, 5]) { $0[0] == $0[1] && $0[1] == $0[2] ? 1 : 0 } == [1, 5, 5, 1])
      let bits = [Int](repeating: 2, count: 11)
      let wave = try ranks(bits) { digits in
        cosine(3 * Double(digits.reduce(0) { 2 * $0 + $1 }) / 2048)
      }
      #expect(wave == [1] + [Int](repeating: 2, count: 10) + [1])
    }
  }

  @Test func sumsOfProductsHaveAtMostTheirNumberAsRank() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = [4, 3, 5, 4, 2]
        let count = random.integer(1...3)
        var sum = try random.train(shape, ranks: [1, 1, 1, 1], type)
        for _ in 1..<count {
          sum = try sum.adding(random.train(shape, ranks: [1, 1, 1, 1], type))
        }
        let found = try TensorTrain(decomposing: sum.dense())
        #expect(found.ranks.allSatisfy { $0 <= count }, "\(type) seed \(seed)")
        #expect(try relativeError(found.dense(), sum.dense()) <= 400 * T.eps)
      }
    }
  }

  // Law 4.
  @Test func leftCoresAreOrthonormal() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = random.shape()
        let train = try TensorTrain(decomposing: random.tensor(shape, type))
        for core in train.cores.dropLast() {
          let error = try orthogonalityError(core.matrix(lastAxes: 1))
          #expect(error <= 8 * T.eps * Double(core.count).squareRoot() + 8 * T.eps, "seed \(seed)")
        }
      }
    }
  }

  // Law 22.
  @Test func threadsNeverChangeBits() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 22)
      let a = try random.train([16, 8, 8, 16], ranks: [3, 4, 3], type).dense()
      let truncation = Truncation(relative: 1e-4)
      let one = try TensorTrain(decomposing: a, truncation, executor: Executor(threads: 1))
      for threads in [2, 3, 8] {
        let many = try TensorTrain(decomposing: a, truncation, executor: Executor(threads: threads))
        #expect(zip(one.cores, many.cores).allSatisfy { $0.elements == $1.elements }, "\(type)")
      }
    }
  }
}
