/// The laws of sums, products and norms of trains, on seeded random shapes, for every dtype.
import Testing

@testable import TTKit

@Suite struct TrainAlgebraLaws {
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
