/// The laws of cross approximation, on seeded random trains, for every dtype.
import Testing

@testable import TTKit

@Suite struct CrossLaws {
  // Law 18.
  @Test func exactOnRandomTensorsOfSmallRank() throws {
    try check(Double.self, 1e-9) { random in random.uniform() }
    try check(Float.self, 1e-4) { random in Float(random.uniform()) }
    try check(Complex<Double>.self, 1e-9) { Complex($0.uniform(), $0.uniform()) }
    try check(Complex<Float>.self, 1e-4) { Complex(Float($0.uniform()), Float($0.uniform())) }
    func check<T: Scalar>(
      _ type: T.Type, _ bound: Double, _ number: (inout TestRandom) -> T
    ) throws {
      for seed in 1...4 as ClosedRange<UInt64> {
        var random = TestRandom(seed: seed)
        let shape = (0..<(2 + random.below(4))).map { _ in 1 + random.below(9) }
        let ranks = [1] + shape.dropLast().map { _ in 1 + random.below(4) } + [1]
        let cores = shape.indices.map { k in
          (0..<ranks[k] * shape[k] * ranks[k + 1]).map { _ in number(&random) }
        }
        let coder = IndexCoder(shape: shape)
        let f = { (i: [Int]) -> T in
          var keys = KeyList(width: coder.width)
          keys.append(coder.pack(i))
          return trainValues(cores, keys, coder)[0]
        }
        for method in CrossMethod.allCases {
          let options = CrossOptions(
            relative: bound, maxRank: ranks.max(), seed: seed, method: method)
          let result = try runCross(shape, options, f)
          #expect(
            result.relativeError(f, count: 300) <= bound,
            "\(type) seed \(seed) shape \(shape) ranks \(ranks) \(method) \(result.report)")
          guard method == .interpolation else { continue }
          // Interpolates at its pivots.
          let there = result.values(at: result.pivots)
          for (pivot, value) in zip(result.pivots, there) {
            let error = Double((value - f(pivot)).magnitude)
            #expect(error <= bound * Double(f(pivot).magnitude) + 1e-30, "\(type) \(seed)")
          }
        }
      }
    }
  }

  // Law 22.
  @Test func sameSeedSameBytes() throws {
    let f = { (i: [Int]) in 1 / (1 + i.reduce(0.0) { $0 + Double($1 * $1) / 9 }) }
    let shape = [9, 8, 7, 6, 5]
    for method in CrossMethod.allCases {
      for seed in [0, 1, UInt64.max] {
        let options = CrossOptions(relative: 1e-5, seed: seed, method: method)
        let (a, b) = (try runCross(shape, options, f), try runCross(shape, options, f))
        #expect(a.report.evaluations == b.report.evaluations)
        #expect(a.train.cores.map(\.elements) == b.train.cores.map(\.elements))
        #expect(a.pivots == b.pivots)
      }
    }
  }

  // Law 22: 0 is a seed like any other.
  @Test func seedsDiffer() {
    var (zero, one) = (SeededGenerator(seed: 0), SeededGenerator(seed: 1))
    #expect((0..<8).map { _ in zero.next() } != (0..<8).map { _ in one.next() })
  }
}
