/// The laws of rounding, reshaping and evaluating trains, on seeded random shapes, for every dtype.
import Testing

@testable import TTKit

@Suite struct TrainShapeLaws {
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

  // Law 8 at its edges: what rounding errors made goes, what is above them stays.
  @Test func roundingKeepsWhatIsSmallAndReal() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 8)
      let large = try random.train([6, 5, 6, 5], ranks: [5, 8, 4], type)
      let small = try random.train([6, 5, 6, 5], ranks: [2, 2, 2], type)
      for exponent in [4, 8, 16, 20, 30] where 65536 * T.eps < 1 / Double(1 << exponent) {
        let factor = T(1 / Double(1 << exponent), imaginary: 0)
        let sum = try large.adding(small.scaled(by: factor))
        let rounded = try sum.adding(sum).rounded()
        // The whole of a bond's space may be less than the ranks' sum.
        #expect(rounded.ranks == [1, 6, 10, 5, 1], "\(type) 2^-\(exponent)")
        let error = try rounded.subtracting(sum.scaled(by: T(2, imaginary: 0))).norm()
        #expect(try error <= 64 * T.eps * sum.norm(), "\(type) 2^-\(exponent)")
      }
    }
  }

  // Law 12: slicing, concatenating and reshaping commute with dense.
  @Test func slicingAgreesWithDense() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let shape = random.shape()
        let a = try random.train(shape, type)
        var selections: [ModeSelection] = []
        var chosen: [[Int]] = []
        for n in shape {
          let (first, count) = (random.integer(0...(n - 1)), random.integer(0...2))
          if count == 0 {
            selections.append(.element(first))
            chosen.append([first])
          } else {
            let last = random.integer(0...(n - 1))
            let step = last < first ? -1 : 1
            selections.append(.slice(first: first, step: step, count: abs(last - first) + 1))
            chosen.append(Array(stride(from: first, through: last, by: step)))
          }
        }
        let found = try a.sliced(selections).dense().elements
        let places = chosen.reduce([[]]) { rows, list in
          rows.flatMap { row in list.map { row + [$0] } }
        }
        let expected = try evaluate(a, places)
        let bound = a.cores.reduce(8 * Double(shape.count) * T.eps) { $0 * $1.norm }
        #expect(found.count == expected.count)
        for (x, y) in zip(found, expected) {
          #expect(Double((x - y).magnitude) <= bound, "\(type) seed \(seed) \(shape) \(chosen)")
        }
      }
    }
  }

  @Test func reshapingAgreesWithDense() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      try each { random, seed in
        let factors = (0..<random.integer(1...4)).map { _ in random.integer(1...4) }
        func grouped() -> [Int] {
          factors.reduce(into: [1]) { shape, n in
            if random.integer(0...1) == 0 { shape.append(n) } else { shape[shape.count - 1] *= n }
          }
        }
        let (old, new) = (grouped(), grouped())
        let a = try random.train(old, type)
        let b = try a.reshaped(modes: new)
        #expect(b.shape == new)
        let rounding = 64 * T.eps * Double(old.count + new.count)
        let expected = try a.dense().reshaped(new)
        #expect(try relativeError(b.dense(), expected) <= rounding, "\(type) \(seed) \(old) \(new)")
      }
    }
  }
}
