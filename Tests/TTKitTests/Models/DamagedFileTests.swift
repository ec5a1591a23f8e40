import Testing

@testable import TTKit

@Suite struct DamagedFileTests {
  let folder = TemporaryFolder()

  /// Everything a file says, or nil when it is refused.
  private func contents(_ path: String) throws -> [String]? {
    do {
      let file = try SafetensorsFile(path: path)
      let fields = try file.manifest(of: .layer)
      let tensors = try file.entries.map { entry in
        "\(entry.name) \(entry.dtype) \(entry.shape) \(try file.bytes(of: entry).elements)"
      }
      return [try JSONValue.object(fields).serialized()] + tensors.sorted()
    } catch is TTKitError {
      return nil
    }
  }

  @Test func everyTruncation_isRefused() throws {
    try writeSample(folder("x"))
    let whole = try readAll(folder("x"))
    for count in whole.indices {
      try writeAll(folder("y"), Array(whole.prefix(count)))
      #expect(try contents(folder("y")) == nil, "cut at \(count)")
    }
    try writeAll(folder("y"), whole + [0])
    #expect(try contents(folder("y")) == nil, "one byte more")
  }

  @Test func everyFlippedBit_isRefused_orChangesNothing() throws {
    try writeSample(folder("x"))
    let whole = try readAll(folder("x"))
    let expected = try contents(folder("x"))
    var accepted = 0
    for i in whole.indices {
      for bit in 0..<8 {
        var bytes = whole
        bytes[i] ^= 1 << UInt8(bit)
        try writeAll(folder("y"), bytes)
        if let found = try contents(folder("y")) {
          accepted += 1
          #expect(found == expected, "byte \(i) bit \(bit)")
        }
      }
    }
    #expect(accepted < 64, "only padding and unknown keys may change")
  }

  @Test func skippedChecksums_letDataThrough_butNotBadHeaders() throws {
    try writeSample(folder("x"))
    var bytes = try readAll(folder("x"))
    bytes[bytes.count - 1] ^= 1
    try writeAll(folder("x"), bytes)
    let file = try SafetensorsFile(path: folder("x"))
    #expect(failure { () throws(TTKitError) in _ = try file.manifest() }?.isFormat == true)
    #expect(try file.manifest(verifying: false) != nil)
  }

  /// Two tensors in the same bytes, and a hole of as many: the sum of sizes alone would fit.
  @Test(arguments: [["0,8", "0,8"], ["8,16", "8,16"], ["0,8", "4,12"], ["0,8", "12,20"]])
  func overlapsAndHoles_areRefused(ranges: [String]) throws {
    let entries = zip(["a", "b"], ranges).map { name, range in
      "\"\(name)\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [\(range)]}"
    }
    let header = [UInt8]("{\(entries.joined(separator: ", "))}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try writeAll(folder("x"), length + header + [UInt8](repeating: 0, count: 16))
    #expect(
      failure { () throws(TTKitError) in _ = try SafetensorsFile(path: folder("x")) }?.isFormat
        == true)
  }
}
