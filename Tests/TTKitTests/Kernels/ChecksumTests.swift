import CTTKKernels
import Testing

private let implementations: [@Sendable (UInt32, UnsafeRawPointer?, Int) -> UInt32] = [
  { ttkk_crc32c($0, $1, $2) }, { ttkk_reference_crc32c($0, $1, $2) },
]

@Suite struct ChecksumTests {
  /// The vectors of RFC 3720, B.4, and the customary one.
  @Test func publishedVectors_areReproduced() {
    let vectors: [([UInt8], UInt32)] = [
      (Array("123456789".utf8), 0xe306_9283),
      ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
      ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
      ((0..<32).map { UInt8($0) }, 0x46dd_794e),
      ((0..<32).reversed().map { UInt8($0) }, 0x113f_db5c),
      ([], 0),
    ]
    for crc in implementations {
      for (bytes, expected) in vectors { #expect(crc(0, bytes, bytes.count) == expected) }
    }
  }

  @Test func tablesAndInstructions_agreeAtEveryLengthAndAlignment() {
    let bytes = (0..<256).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
    bytes.withUnsafeBytes { bytes in
      for offset in 0..<9 {
        for count in 0..<100 {
          let start = bytes.baseAddress! + offset
          #expect(ttkk_crc32c(7, start, count) == ttkk_reference_crc32c(7, start, count))
        }
      }
    }
  }

  @Test func pieces_giveTheChecksumOfTheWhole() {
    let bytes = (0..<100).map { UInt8($0) }
    for crc in implementations {
      let whole = crc(0, bytes, bytes.count)
      for cut in 0...bytes.count {
        let head = crc(0, bytes, cut)
        #expect(crc(head, Array(bytes[cut...]), bytes.count - cut) == whole)
      }
    }
  }
}
