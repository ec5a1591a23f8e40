import Testing

@testable import TTKit

@Suite struct MaximumVolumeTests {
  // F3
  @Test(arguments: [[1, 1], [5, 1], [5, 5], [40, 7], [70, 12]])
  func coefficients_areBoundedAndReproduceTheMatrix(shape: [Int]) throws {
    var random = TestRandom(seed: 3)
    let a = try random.tensor(shape)
    let found = try maximumVolume(a, tolerance: 1.05)
    try check(found, a, bound: 1.05)
    #expect(found.rows.count == shape[1])
    let most = shape[0] - shape[1]
    for extra in Set([0, min(1, most), min(5, most), most]) {
      let wide = try rectangularMaximumVolume(a, maxExtra: extra)
      #expect(wide.rows.count <= shape[1] + extra)
      try check(wide, a, bound: 1.05)
      let all = try rectangularMaximumVolume(a, minExtra: extra, maxExtra: extra)
      #expect(all.rows.count == shape[1] + extra)
      try check(all, a, bound: 1.05)
    }
    // Enough rows: the norms fall below the bound that was asked for.
    let free = try rectangularMaximumVolume(a, rowTolerance: 1.1, maxExtra: most)
    let b = free.coefficients.elements
    for i in 0..<shape[0] {
      let row = b[i * free.rows.count..<(i + 1) * free.rows.count]
      #expect(row.reduce(0) { $0 + $1 * $1 } <= 1.1 * 1.1 + 1e-12)
    }
  }

  private func check(
    _ found: DominantRows<Double>, _ a: Tensor<Double>, bound: Double
  ) throws {
    #expect(Set(found.rows).count == found.rows.count)
    let b = found.coefficients
    #expect(b.elements.allSatisfy { abs($0) <= bound + 1e-12 })
    let r = a.shape[1]
    let chosen = try Tensor<Double>(
      shape: [found.rows.count, r],
      elements: found.rows.flatMap { row in (0..<r).map { a.elements[row * r + $0] } })
    #expect(largestDifference(try product(b, chosen), a) < 1e-12)
  }

  @Test func complexMatrices_work() throws {
    var random = TestRandom(seed: 4)
    let a = try Tensor<Complex<Double>>(
      shape: [30, 4], elements: (0..<120).map { _ in Complex(random.uniform(), random.uniform()) })
    let found = try maximumVolume(a)
    #expect(found.coefficients.elements.allSatisfy { $0.magnitude <= 1.05 + 1e-12 })
    #expect(Set(found.rows).count == 4)
  }

  @Test func wrongMatrices_areRefused() throws {
    var random = TestRandom(seed: 5)
    func refused(_ a: Tensor<Double>, _ tolerance: Double = 1.05) {
      #expect(throws: TTKitError.self) { try maximumVolume(a, tolerance: tolerance) }
    }
    refused(try random.tensor([3, 4]))
    refused(try random.tensor([4]))
    refused(try random.tensor([4, 0]))
    refused(try random.tensor([4, 2]), 0.5)
    refused(try random.tensor([4, 2]), .nan)
    refused(try Tensor(shape: [3, 2], elements: [1, 2, 2, 4, 3, 6]))
    refused(try Tensor(shape: [3, 1], elements: [0, 0, 0]))
    refused(try Tensor(shape: [3, 1], elements: [1, .nan, 0]))
    let a = try random.tensor([6, 2])
    for (least, most) in [(-1, 2), (3, 2), (0, 5)] {
      #expect(throws: TTKitError.self) {
        try rectangularMaximumVolume(a, minExtra: least, maxExtra: most)
      }
    }
  }
}
