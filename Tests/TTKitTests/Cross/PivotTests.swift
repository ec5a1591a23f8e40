import Testing

@testable import TTKit

@Suite struct PivotTests {
  // D18
  @Test(arguments: PivotSearch.allCases)
  func everyPivot_meetsTheCondition(search: PivotSearch) throws {
    // x = i/9, pivots only where x₀ + x₁ + x₂ <= 1.
    let shape = [10, 10, 10]
    let holds: PivotCondition = { (indices, allowed) throws(TTKitError) in
      for j in 0..<allowed.count {
        allowed[j] = indices[3 * j] + indices[3 * j + 1] + indices[3 * j + 2] <= 9
      }
      return true
    }
    let f = { (i: [Int]) in 1 / (1 + Double(i[0] + 2 * i[1] + 3 * i[2]) / 9) }
    let result = try runCross(
      shape, CrossOptions(relative: 1e-6, search: search), condition: holds, f)
    #expect(!result.pivots.isEmpty)
    #expect(result.pivots.allSatisfy { $0.reduce(0, +) <= 9 })
    #expect(result.report.maxRank > 2)
  }

  @Test func conditionThatExcludesEverything_isAnError() {
    let never: PivotCondition = { (_, allowed) throws(TTKitError) in
      for j in 0..<allowed.count { allowed[j] = false }
      return true
    }
    #expect(throws: TTKitError.self) {
      try runCross([9, 9, 9, 9], condition: never) { _ in 1.0 }
    }
    #expect(throws: TTKitError.self) {
      try runCross([9, 9], CrossOptions(pivots: [[1, 1]]), condition: never) { _ in 1.0 }
    }
    #expect(throws: TTKitError.self) {
      try runCross([9, 9], CrossOptions(method: .twoSite), condition: never) { _ in 1.0 }
    }
  }

  @Test func conditionTooRareToSample_neverConverges() throws {
    let only: PivotCondition = { (indices, allowed) throws(TTKitError) in
      for j in 0..<allowed.count {
        allowed[j] = (0..<6).allSatisfy { indices[6 * j + $0] == 7 }
      }
      return true
    }
    let pivot = [Int](repeating: 7, count: 6)
    let options = CrossOptions(relative: 1e-6, maxSweeps: 5, pivots: [pivot])
    let result = try runCross([Int](repeating: 20, count: 6), options, condition: only) { i in
      Double(1 + i[0] + i[1] * i[2])
    }
    #expect(result.report.reason == .sweeps)
    #expect(result.pivots == [pivot])
  }

  @Test func coder_packsAndUnpacks() {
    for shape in [
      [1], [2, 1, 3], [Int](repeating: 2, count: 64), [Int](repeating: 2, count: 65),
      [
        1 << 24, 1 << 24, 1 << 24, 5,
      ],
    ] {
      let coder = IndexCoder(shape: shape)
      var random = TestRandom(seed: 5)
      for _ in 0..<20 {
        let index = shape.map { random.below($0) }
        #expect(coder.unpack(coder.pack(index)) == index)
      }
      let last = shape.map { $0 - 1 }
      #expect(coder.unpack(coder.pack(last)) == last)
    }
    #expect(IndexCoder(shape: [Int](repeating: 2, count: 64)).width == 1)
    #expect(IndexCoder(shape: [Int](repeating: 2, count: 65)).width == 2)
  }

  @Test func cache_knowsEveryKey() throws {
    let coder = IndexCoder(shape: [100, 100])
    var cache = try SampleCache<Double>(width: 1)
    var keys = KeyList(width: 1)
    for i in 0..<100 { for j in 0..<100 { keys.append(coder.pack([i, j])) } }
    #expect(try cache.positions(of: keys) == (0..<10000).map { UInt32($0) })
    #expect(try cache.positions(of: keys) == (0..<10000).map { UInt32($0) })
    cache.truncate(to: 10)
    #expect(try cache.positions(of: keys.picked([3, 9, 77, 3, 77])) == [3, 9, 10, 3, 10])
  }

  @Test func randomPoints_areStratified() {
    let coder = IndexCoder(shape: [Int](repeating: 2, count: 30))
    var random = SeededGenerator(seed: 0)
    let points = coder.randomPoints(128, &random)
    let forward = points.indices.filter { $0 % 2 == 0 }
    let slices = Set(forward.map { Int(64 * binary(coder.unpack(points.key($0)))) })
    #expect(slices.count == 64)
    let backward = points.indices.filter { $0 % 2 == 1 }
    let others = Set(backward.map { Int(64 * binary(coder.unpack(points.key($0)).reversed())) })
    #expect(others.count == 64)
  }

  @Test func partialLU_isExactAtItsPivots() throws {
    var random = TestRandom(seed: 9)
    let (m, n, r) = (12, 9, 4)
    let (u, v) = (try random.tensor([m, r]), try random.tensor([r, n]))
    let a = try product(u, v).elements
    var lu = PartialLU<Double>(rowCount: m, columnCount: n)
    for _ in 0..<r {
      var best = (0, 0, 0.0)
      for i in 0..<m {
        for j in 0..<n where abs(lu.residual(i, j, a[i * n + j])) > abs(best.2) {
          best = (i, j, lu.residual(i, j, a[i * n + j]))
        }
      }
      let (i, j, _) = best
      lu.append(
        i, j, column: lu.residual(column: j, (0..<m).map { a[$0 * n + j] }),
        row: lu.residual(row: i, Array(a[i * n..<(i + 1) * n])))
    }
    for i in 0..<m {
      for j in 0..<n { #expect(abs(lu.residual(i, j, a[i * n + j])) < 1e-14) }
    }
    // A = interpolation · A[pivot rows].
    let x = lu.interpolation()
    for i in 0..<m {
      for j in 0..<n {
        let value = (0..<r).reduce(0.0) { $0 + x[i * r + $1] * a[lu.rows[$1] * n + j] }
        #expect(abs(value - a[i * n + j]) < 1e-13)
      }
    }
  }
}
