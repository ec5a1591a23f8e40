import Testing

@testable import TTKit

@Suite struct VectorStorageTests {
  @Test func specs_areReadAndWrittenBack() throws {
    for text in ["lloyd1", "lloyd4(group=row)", "pairs4", "quads8", "pairs8(group=row)"] {
      #expect(try storage(text).call.description == text)
    }
    for wrong in ["lloyd0", "lloyd9", "pairs9", "quads0", "pairs4(group=32)", "quads", "triples4"] {
      #expect(throws: TTKitError.self) { try storage(wrong) }
    }
  }

  /// Whatever the width leaves of the last vectors: 2^-9 for a scale and a codebook of 11 bits each.
  @Test(arguments: ["lloyd1", "pairs1", "pairs3(group=row)", "quads2", "quads3(group=row)"])
  func constantRows_areKept(text: String) throws {
    for width in 1...70 {
      let values = [Float](repeating: 3, count: width) + [Float](repeating: -0.7, count: width)
      for row in [Array(values.prefix(width)), Array(values.suffix(width))] {
        let found = try stored(row, [1, width], text)
        #expect(relativeError(row, found) <= 0x1p-9, "width \(width)")
      }
    }
  }

  /// Of 512 rows of 128 Gaussian numbers, at two bits a number: Lloyd and Max .343, pairs .329, fours .315.
  @Test func aGaussianMatrix_hasTheKnownErrors() throws {
    let (values, shape) = (gaussian(512 * 128, seed: 3), [512, 128])
    for (text, most) in [("lloyd2", 0.346), ("pairs4", 0.333), ("quads8", 0.322)] {
      #expect(relativeError(values, try stored(values, shape, text)) < most, "\(text)")
    }
  }
}
