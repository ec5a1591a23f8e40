import CTTKKernels
import Testing

/// The centres that the kernel finds.
func clusterCentres(_ values: [Float], _ k: Int) -> [Double] {
  var sorted = values.sorted()
  var centres = [Double](repeating: .nan, count: k)
  var scratch = [UInt64](repeating: 0, count: ttkk_cluster_scratch(Int32(k)) / 8 + 1)
  let found = ttkk_cluster(sorted.count, &sorted, Int32(k), &centres, &scratch)
  return Array(centres.prefix(Int(found)))
}

/// Squared error when every value goes to its nearest centre.
func squaredError(_ values: [Float], _ centres: [Double]) -> Double {
  values.reduce(0) { sum, value in
    let nearest = centres.map { abs($0 - Double(value)) }.min()!
    return sum + nearest * nearest
  }
}

/// The least squared error of k intervals, by the plain recurrence.
private func optimum(_ values: [Float], _ k: Int) -> Double {
  let x = values.sorted().map(Double.init)
  func error(_ i: Int, _ j: Int) -> Double {
    let mean = x[i..<j].reduce(0, +) / Double(j - i)
    return x[i..<j].reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  }
  var least = (0...x.count).map { $0 == 0 ? 0 : error(0, $0) }
  for _ in 1..<max(k, 2) where k > 1 {
    let before = least
    for j in 1...x.count {
      for i in 1..<max(j, 1) where i < j { least[j] = min(least[j], before[i] + error(i, j)) }
    }
  }
  return least[x.count]
}

@Suite struct ClustersTests {
  @Test(arguments: [1, 2, 3, 4, 8, 16])
  func fewValues_reachTheOptimum(k: Int) {
    var random = TestRandom(seed: UInt64(k))
    for n in [1, 2, 3, 5, 16, 17, 40] {
      let shapes: [(Double) -> Double] = [
        { $0 }, { $0 * $0 * $0 }, { ($0 * 6).rounded() }, { 1000 + $0 * 1e-3 },
        { $0 > 0.45 ? 1e6 : $0 },
      ]
      for (index, shape) in shapes.enumerated() {
        let values = (0..<n).map { _ in Float(shape(random.uniform())) }
        let found = squaredError(values, clusterCentres(values, k))
        let best = optimum(values, k)
        // 1e-14: sums of squares of the largest value in double.
        let floor = 1e-14 * Double(n) * Double(values.map { $0 * $0 }.max()!)
        #expect(found <= best * 1.000001 + floor, "n \(n), shape \(index): \(found) for \(best)")
      }
    }
  }

  /// Beyond 2048 values bins stand for values: still next to the optimum, known for a uniform line.
  @Test func manyValues_comeWithinAThousandth() {
    let n = 30000
    let line = (0..<n).map { Float($0) / Float(n) }
    let best = Double(n) / (12 * 16 * 16)
    #expect(squaredError(line, clusterCentres(line, 16)) <= 1.001 * best)
  }

  /// An outlier takes a centre and leaves the others their places.
  @Test func anOutlier_spoilsNothingElse() {
    var random = TestRandom(seed: 3)
    let plain = (0..<5000).map { _ in Float(random.uniform()) }
    for outlier: Float in [40, -40, 1e30, -1e30] {
      let centres = clusterCentres(plain + [outlier], 9)
      let others = centres.filter { abs($0) < 1 }
      #expect(others.count == 8)
      let best = squaredError(plain, clusterCentres(plain, 8))
      #expect(squaredError(plain, others) <= 1.002 * best, "outlier \(outlier)")
    }
  }

  @Test func fewDistinctValues_areKept() {
    #expect(clusterCentres([3, 1, 3, 1, 1, 2], 8) == [1, 2, 3])
    #expect(clusterCentres([-7], 1) == [-7])
    #expect(clusterCentres([Float](repeating: 0, count: 9), 4) == [0])
  }

  @Test func sorting_isSorting() {
    var random = TestRandom(seed: 9)
    for n in [0, 1, 2, 3, 127, 128, 129, 130, 2047, 5000] {
      let exponents: [Float] = [1e-44, 1e-20, 1, 1e20, 1e38]
      let values = (0..<n).map { _ in Float(random.uniform()) * exponents[random.below(5)] }
      var (found, scratch) = (values, values)
      ttkk_sort_f32(n, &found, &scratch)
      #expect(found == values.sorted())
    }
  }
}
