/// The laws of the algebra of trains, on seeded random shapes, for every dtype.
import Testing

@testable import TTKit

/// Runs a law for several seeds; a failure prints the seed and the shape.
private func each(
  _ seeds: ClosedRange<UInt64> = 1...6, _ body: (inout TrainRandom, UInt64) throws -> Void
) rethrows {
  for seed in seeds {
    var random = TrainRandom(seed: seed)
    try body(&random, seed)
  }
}

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

  // Law 5.
  @Test func normIsTheRootOfDotAndTheNormOfTheCenter() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let a = try random.train(random.shape(), type)
        let norm = try a.norm()
        let dot = Double(try a.dot(a).realPart)
        let tolerance = 64 * T.eps * Double(a.order)
        #expect(abs(dot - norm * norm) <= tolerance * norm * norm, "\(type) seed \(seed)")
        #expect(abs(try a.dense().norm - norm) <= tolerance * norm, "\(type) seed \(seed)")
        let last = try a.orthogonalized(first: 0, center: a.order - 1, last: a.order - 1)
        #expect(abs(last.cores[a.order - 1].norm - norm) <= tolerance * norm, "seed \(seed)")
      }
    }
  }

  // Law 6.
  @Test func dotIsConjugateSymmetricAndLinear() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = random.shape()
        let a = try random.train(shape, type)
        let b = try random.train(shape, type)
        let c = try random.train(shape, type)
        let factor = random.scalar(type)
        let norms = try a.norm() * (b.norm() + c.norm())
        let tolerance = 64 * T.eps * Double(a.order) * norms
        let ab = try a.dot(b)
        #expect(Double((ab - (try b.dot(a)).conjugate).magnitude) <= tolerance, "seed \(seed)")
        let both = try a.dot(b.scaled(by: factor).adding(c))
        let apart = try factor * ab + a.dot(c)
        #expect(Double((both - apart).magnitude) <= tolerance, "\(type) seed \(seed)")
        #expect(try Double(ab.magnitude) <= a.norm() * b.norm() + tolerance, "Cauchy-Schwarz")
      }
    }
  }

  // Law 7.
  @Test func sumsAndProductsAgreeWithDenseOnes() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = random.shape()
        let a = try random.train(shape, type)
        let b = try random.train(shape, type)
        let (x, y) = try (a.dense().elements, b.dense().elements)
        func dense(_ f: (T, T) -> T) throws -> Tensor<T> {
          try Tensor(shape: shape, elements: zip(x, y).map(f))
        }
        let scale = try a.norm() + b.norm()
        func close(_ train: TensorTrain<T>, _ f: (T, T) -> T, _ size: Double) throws -> Bool {
          let expected = try dense(f)
          let difference = zip(try train.dense().elements, expected.elements).map { $0 - $1 }
          let norm = try Tensor(shape: shape, elements: difference).norm
          return norm <= 64 * T.eps * Double(shape.count) * size
        }
        #expect(try close(a.adding(b), { $0 + $1 }, scale), "\(type) seed \(seed) \(shape)")
        #expect(try close(a.subtracting(b), { $0 - $1 }, scale), "\(type) seed \(seed)")
        #expect(try close(a.hadamard(b), { $0 * $1 }, scale * scale), "\(type) seed \(seed)")
        let inner = 1..<shape.count
        for k in inner {
          #expect(try a.adding(b).ranks[k] == a.ranks[k] + b.ranks[k])
          #expect(try a.hadamard(b).ranks[k] == a.ranks[k] * b.ranks[k])
        }
      }
    }
  }

  // Law 8.
  @Test func roundingNeverRaisesRanksAndKeepsItsTolerance() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      for rtol in [0, 1e-3, 0.1, 0.5] {
        try each { random, seed in
          let shape = random.shape()
          let a = try random.train(shape, type).adding(random.train(shape, type))
          let rounded = try a.rounded(Truncation(relative: rtol))
          let difference = try relativeError(rounded.dense(), a.dense())
          let rounding = 64 * T.eps * Double(shape.count)
          #expect(difference <= rtol + rounding, "\(type) seed \(seed) shape \(shape)")
          #expect(abs(rounded.error - difference) <= rounding, "\(type) seed \(seed) \(shape)")
          #expect(zip(rounded.ranks, a.ranks).allSatisfy { $0 <= $1 }, "seed \(seed)")
          let again = try rounded.rounded()
          #expect(try relativeError(again.dense(), rounded.dense()) <= rounding)
        }
      }
    }
  }

  // Law 9.
  @Test func changingTheGaugeChangesNothing() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let shape = [3, 4, 5]
      var random = TrainRandom(seed: 9)
      let a = try random.train(shape, ranks: [3, 4], type)
      // G and its inverse, exact: 1 on the diagonal and one number beside it.
      let g = random.scalar(type)
      func gauge(_ value: T) throws -> Tensor<T> {
        var elements = try Tensor<T>.identity(3).elements
        elements[1] = value
        return try Tensor(shape: [3, 3], elements: elements)
      }
      var cores = a.cores
      cores[0] = try product(cores[0].matrix(lastAxes: 1), gauge(g)).reshaped([1, 3, 3])
      cores[1] = try product(gauge(T.zero - g), cores[1].matrix(lastAxes: 2)).reshaped([3, 4, 4])
      let b = try TensorTrain(cores: cores)
      #expect(try relativeError(b.dense(), a.dense()) <= 64 * T.eps)
      #expect(try abs(b.norm() - a.norm()) <= 64 * T.eps * a.norm())
      let (x, y) = try (a.rounded(), b.rounded())
      #expect(try relativeError(y.dense(), x.dense()) <= 256 * T.eps)
    }
  }

  // Laws 10 and 12.
  @Test func transposingAgreesWithDenseTransposition() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = random.shape()
        let a = try random.train(shape, type)
        var axes = Array(shape.indices)
        for k in axes.indices.dropLast() { axes.swapAt(k, random.integer(k...(axes.count - 1))) }
        let b = try a.transposed(axes)
        let expected = try a.dense().transposed(axes)
        let tolerance = 64 * T.eps * Double(shape.count * shape.count)
        #expect(try relativeError(b.dense(), expected) <= tolerance, "seed \(seed) \(axes)")
        let reversed = try a.transposed(Array(shape.indices.reversed()))
        #expect(reversed.ranks == a.ranks.reversed())
        let mirrored = try a.dense().transposed(shape.indices.reversed())
        #expect(try relativeError(reversed.dense(), mirrored) <= tolerance, "seed \(seed)")
      }
    }
  }

  // Law 11.
  @Test func evaluatingAgreesWithDenseAndWithItselfBitForBit() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = random.shape()
        let a = try random.train(shape, type)
        let points = indices(of: shape)
        let batch = try evaluate(a, points)
        let dense = try a.dense().elements
        let bound = a.cores.reduce(4 * Double(shape.count) * T.eps) { $0 * $1.norm }
        for (x, y) in zip(batch, dense) {
          #expect(Double((x - y).magnitude) <= bound, "\(type) seed \(seed) shape \(shape)")
        }
        #expect(try points.map { try evaluate(a, [$0])[0] } == batch)
        let many = [[[Int]]](repeating: points, count: 1 + 2000 / points.count).flatMap { $0 }
        #expect(try evaluate(a, many, threads: 2) == evaluate(a, many, threads: 1))
      }
    }
  }

  // Law 13.
  @Test func scalingByAPowerOfTwoIsExact() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, _ in
        let a = try random.train(random.shape(), type)
        let b = try a.scaled(by: T(0.125, imaginary: 0))
        let x = try evaluate(a, indices(of: a.shape))
        let y = try evaluate(b, indices(of: a.shape))
        #expect(zip(x, y).allSatisfy { $0 * T(0.125, imaginary: 0) == $1 })
      }
    }
  }

  @Test func normsAndDotsSurviveExtremeEntries() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 13)
      let single = T.Real.dtype == .float32
      // Near the square roots of the largest and the smallest number.
      for exponent in single ? [60, -60] : [500, -500] {
        let a = try random.train([3, 4, 2], ranks: [2, 2], type)
        var cores = a.cores
        cores[1] = try cores[1].scaled(byPowerOfTwo: exponent)
        let b = try TensorTrain(cores: cores)
        let expected = scaledByPowerOfTwo(try a.norm(), exponent)
        #expect(abs(try b.norm() - expected) <= 64 * T.eps * expected, "\(type) 2^\(exponent)")
        let dot = Double(try b.dot(b).realPart)
        #expect(abs(dot - expected * expected) <= 256 * T.eps * expected * expected)
        let found = try TensorTrain(decomposing: b.dense())
        #expect(try relativeError(found.dense(), b.dense()) <= 256 * T.eps, "\(type)")
      }
    }
  }

  // Law 14, with the transpose in the place of the adjoint: ⟨Ax, y⟩ = ⟨x̄, Aᵀȳ⟩ conjugated.
  @Test func transposedMatricesAreAdjoint() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 14)
      var cores: [Tensor<T>] = []
      for s in [[1, 2, 3, 2], [2, 3, 2, 3], [3, 2, 2, 1]] {
        try cores.append(random.tensor(s, type))
      }
      let matrix = try TrainMatrix(cores: cores)
      let x = try random.train([3, 2, 2], type)
      let y = try random.train([2, 3, 2], type)
      func conjugated(_ train: TensorTrain<T>) throws -> TensorTrain<T> {
        try TensorTrain(cores: train.cores.map { try $0.map { $0.conjugate } })
      }
      let left = try y.dot(matrix.multiplied(by: x))
      let right = try conjugated(x).dot(matrix.transposed().multiplied(by: conjugated(y)))
      let size = try y.norm() * matrix.multiplied(by: x).norm()
      #expect(Double((left - right).magnitude) <= 256 * T.eps * size, "\(type)")
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

  // Law 24.
  @Test func float32IsWithinItsErrorOfFloat64() throws {
    try each { random, seed in
      let shape = random.shape()
      let a = try random.train(shape, Double.self)
      let b = try TensorTrain(cores: a.cores.map { try $0.map { Float($0) } })
      let bound = a.cores.reduce(16 * Double(shape.count) * Float.eps) { $0 * $1.norm }
      #expect(abs(try a.norm() - b.norm()) <= bound, "seed \(seed)")
      let difference = zip(try a.dense().elements, try b.dense().elements).map { $0 - Double($1) }
      #expect(try Tensor(shape: shape, elements: difference).norm <= bound, "seed \(seed)")
    }
  }
}

/// cos by its series: the tests link no mathematics library. |x| <= 4.
func cosine(_ x: Double) -> Double {
  var (term, sum) = (1.0, 1.0)
  for k in 1...30 {
    term *= -x * x / Double((2 * k - 1) * (2 * k))
    sum += term
  }
  return sum
}
