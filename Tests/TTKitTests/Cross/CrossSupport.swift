/// Functions on grids for tests of cross approximation, counted and checked while they are asked.
import Testing

@testable import TTKit

/// A function that remembers what it was asked.
final class Asked<T: Scalar> {
  private(set) var count = 0
  private(set) var repeated = 0
  private var seen = Set<[Int64]>()
  private let value: ([Int]) -> T
  /// Stop once this many indices were asked for.
  var stopsAfter = Int.max

  init(_ value: @escaping ([Int]) -> T) { self.value = value }

  func function(order d: Int) -> CrossFunction<T> {
    { (indices, values) throws(TTKitError) in
      for j in 0..<values.count {
        let index = (0..<d).map { indices[j * d + $0] }
        if !self.seen.insert(index).inserted { self.repeated += 1 }
        values[j] = self.value(index.map(Int.init))
      }
      self.count += values.count
      return self.count < self.stopsAfter
    }
  }
}

/// Runs a cross approximation and checks what every run promises.
func runCross<T: Scalar>(
  _ shape: [Int], _ options: CrossOptions = CrossOptions(), condition: PivotCondition? = nil,
  watch: SweepWatch? = nil, _ value: @escaping ([Int]) -> T
) throws -> CrossResult<T> {
  let asked = Asked(value)
  let result = try crossApproximation(
    shape: shape, options, condition: condition, watch: watch,
    function: asked.function(order: shape.count))
  #expect(asked.repeated == 0, "indices were asked twice")
  #expect(asked.count == result.report.evaluations)
  if let most = options.maxEvaluations { #expect(asked.count <= most) }
  if let cap = options.maxRank { #expect(result.report.maxRank <= cap) }
  #expect(result.train.shape == shape)
  return result
}

extension CrossResult {
  func values(at points: [[Int]]) -> [T] {
    let coder = IndexCoder(shape: train.shape)
    var keys = KeyList(width: coder.width)
    for point in points { keys.append(coder.pack(point)) }
    return trainValues(train.cores.map(\.elements), keys, coder)
  }

  /// Root-mean-square error relative to f's, at seeded random points of the grid.
  func relativeError(_ value: ([Int]) -> T, count: Int = 2000, seed: UInt64 = 77) -> Double {
    var random = TestRandom(seed: seed)
    let points = (0..<count).map { _ in train.shape.map { random.below($0) } }
    let (found, exact) = (values(at: points), points.map(value))
    let errors = zip(found, exact).map { $0 - $1 }
    return rootMeanSquare(errors) / rootMeanSquare(exact)
  }

  /// Sum over the grid with one list of weights for all modes.
  func integral(_ weights: [T]) -> T {
    var row: [T] = [.one]
    for core in train.cores {
      let (a, n, b) = (core.shape[0], core.shape[1], core.shape[2])
      let elements = core.elements
      var next = [T](repeating: .zero, count: b)
      for x in 0..<a {
        for i in 0..<n {
          for y in 0..<b {
            next[y] = next[y] + row[x] * weights[i] * elements[(x * n + i) * b + y]
          }
        }
      }
      row = next
    }
    return row[0]
  }
}

/// `count` equally spaced numbers from `a` to `b`.
func grid(_ a: Double, _ b: Double, _ count: Int) -> [Double] {
  (0..<count).map { a + (b - a) * Double($0) / Double(count - 1) }
}

/// The number in [0, 1) whose binary digits are given, most significant first.
func binary(_ digits: [Int]) -> Double {
  digits.reversed().reduce(0) { ($0 + Double($1)) / 2 }
}
