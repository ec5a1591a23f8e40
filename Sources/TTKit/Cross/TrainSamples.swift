/// Points with known function values, and the error of a train there.

/// Points, f there, and how far a train is from it.
struct TrainSamples<T: Scalar> {
  private(set) var points: KeyList
  private(set) var values: [T] = []

  init(width: Int) { points = KeyList(width: width) }

  mutating func append(_ keys: KeyList, _ more: [T]) {
    points.append(keys)
    values += more
  }

  /// Root mean square of f.
  var size: Double { rootMeanSquare(values) }

  /// f − train at every point.
  func residuals(_ cores: [[T]], _ coder: IndexCoder) -> [T] {
    let train = trainValues(cores, points, coder)
    return values.indices.map { values[$0] - train[$0] }
  }
}

/// √(Σ|v|²/count), scaled so that nothing overflows; 0 for none.
func rootMeanSquare<T: Scalar>(_ values: [T]) -> Double {
  let largest = Double(largestElement(values)?.magnitude ?? 0)
  guard largest > 0, largest.isFinite else { return largest }
  var sum = 0.0
  for value in values {
    let share = Double(value.magnitude) / largest
    sum += share * share
  }
  return largest * (sum / Double(values.count)).squareRoot()
}

/// Values of the train with the given row-major cores at packed points.
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
func trainValues<T: Scalar>(_ cores: [[T]], _ points: KeyList, _ coder: IndexCoder) -> [T] {
  var ranks = [1]
  for k in cores.indices { ranks.append(cores[k].count / (ranks[k] * coder.shape[k])) }
  let widest = ranks.reduce(1, max)
  var result = [T](repeating: .zero, count: points.count)
  var row = [T](repeating: .zero, count: widest)
  var next = row
  for p in 0..<points.count {
    row[0] = .one
    for k in cores.indices {
      let (a, n, b) = (ranks[k], coder.shape[k], ranks[k + 1])
      let i = coder.index(mode: k, in: points.words, at: p * coder.width)
      multiply(row, cores[k], i, a, n, b, into: &next)
      swap(&row, &next)
    }
    result[p] = row[0]
  }
  return result
}

/// next = row · core[:, i, :] for a row-major core (a, n, b).
@inline(__always)
private func multiply<T: Scalar>(
  _ row: [T], _ core: [T], _ i: Int, _ a: Int, _ n: Int, _ b: Int, into next: inout [T]
) {
  let core = core.span
  var out = next.mutableSpan
  for y in 0..<b { out[y] = .zero }
  for x in 0..<a {
    let factor = row[x]
    let start = (x * n + i) * b
    for y in 0..<b { out[y] = out[y] + factor * core[start + y] }
  }
}
