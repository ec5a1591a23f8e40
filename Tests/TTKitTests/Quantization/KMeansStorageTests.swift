import Testing

@testable import TTKit

@Suite struct KMeansStorageTests {
  @Test func specs_areReadAndWrittenBack() throws {
    for text in ["kmeans1", "kmeans4", "kmeans4(group=row)", "kmeans8(group=128)"] {
      #expect(try storage(text).call.description == text)
    }
    for wrong in ["kmeans0", "kmeans9", "kmeans4(symmetric=true)"] {
      #expect(throws: TTKitError.self) { try storage(wrong) }
    }
  }

  /// A group's stored error is next to the optimum: 2^-10 for codebooks rounded to float16.
  @Test(arguments: 1...8, ["tensor", "row", "17"])
  func errors_areThoseOfTheOptimum(bits: Int, grouping: String) throws {
    let (rows, width) = (3, 53)
    let values = gaussian(rows * width, seed: UInt64(bits))
    let found = try stored(values, [rows, width], "kmeans\(bits)(group=\(grouping))")
    let grid = try GroupGrid(shape: [rows, width], Sharing.named(grouping))
    for index in 0..<grid.count {
      let range = grid.elements(index)
      let x = Array(values[range])
      let best = squaredError(x, clusterCentres(x, 1 << bits)).squareRoot()
      let norm = squaredError(x, [0]).squareRoot()
      #expect(relativeError(x, Array(found[range])) * norm <= 1.001 * best + 0x1p-10 * norm)
    }
  }

  /// The best sixteen values for a Gaussian leave 0.0975 of it.
  @Test func aGaussianMatrix_hasTheErrorOfLloydAndMax() throws {
    let values = gaussian(40000, seed: 1)
    #expect(relativeError(values, try stored(values, [100, 400], "kmeans4")) < 0.099)
    #expect(relativeError(values, try stored(values, [100, 400], "kmeans2")) < 0.345)
  }

  @Test func fewDistinctValues_areKept() throws {
    let values: [Float] = [0.3, -1.7, 0.3, 5.123, -1.7, 0.3]
    #expect(try stored(values, [2, 3], "kmeans2") == values)
    #expect(try stored([0, 0], [2, 1], "kmeans4(group=1)") == [0, 0])
    let extremes: [Float] = [1e-45, -.greatestFiniteMagnitude, .greatestFiniteMagnitude, 1e30]
    #expect(try stored(extremes, [1, 4], "kmeans2(group=row)") == extremes)
  }
}
