import CTTKKernels
import Testing

@Suite struct CodesTests {
  /// Widths 1 to 70 and every start within the first three blocks of eight.
  @Test(arguments: 1...8)
  func packedCodes_unpackFromAnyPlace(bits: Int) {
    var random = TestRandom(seed: UInt64(bits))
    for width in 1...70 {
      let codes = (0..<width).map { _ in UInt8(random.below(1 << bits)) }
      let stride = (width * bits + 7) / 8
      var packed = [UInt8](repeating: 0xee, count: stride + 1)
      ttkk_pack_codes(width, Int32(bits), codes, &packed)
      #expect(packed[stride] == 0xee, "one byte too many at width \(width)")
      for first in 0..<min(width, 24) {
        var found = [UInt8](repeating: 0xee, count: width - first + 1)
        ttkk_unpack_codes(width - first, Int32(bits), packed, first, &found)
        #expect(found.dropLast() == codes[first...], "width \(width), first \(first)")
        #expect(found.last == 0xee)
      }
    }
  }

  /// What docs/format.md promises: least significant bit first, so the low nibble is the first code.
  @Test func packedCodes_haveTheirPlaceInTheFile() {
    var packed: [UInt8] = [0, 0, 0]
    ttkk_pack_codes(3, 4, [0x1, 0x2, 0x3], &packed)
    #expect(packed == [0x21, 0x03, 0])
    ttkk_pack_codes(3, 3, [0b101, 0b011, 0b110], &packed)
    #expect(packed == [0b1001_1101, 0b1, 0])
  }

  /// Every count around the blocks, all kinds of values, against the plainest loop.
  @Test(arguments: levels)
  func fitsAndCodes_agreeWithPlainLoops(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 5)
    for n in Array(0...70) + [4095, 4096, 4097, 4113] {
      let x = (0..<n).map { i in i % 13 == 0 ? 0 : Float(random.uniform()) }
      for (scale, zero, top) in [(0.03, 8, 15), (-0.2, 2, 3), (0, 8, 15), (1e-30, 0, 7)] {
        let scale = Float(scale)
        var (xq, qq) = (Double.nan, Double.nan)
        table.fit_codes(n, x, scale, Int32(-zero), Int32(top - zero), &xq, &qq)
        var codes = [UInt8](repeating: 0xee, count: n + 1)
        table.encode_codes(n, x, scale, Int32(zero), Int32(top), &codes)
        let q = x.map { value in
          scale == 0
            ? 0
            : max(min((value / scale), Float(top - zero)), Float(-zero)).rounded(.toNearestOrEven)
        }
        #expect(codes.dropLast().map { Float($0) - Float(zero) } == q)
        #expect(codes.last == 0xee)
        let exact = zip(x, q).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(xq - exact) <= 1e-12 * Double(n * (top + 1)))
        #expect(qq == q.reduce(0.0) { $0 + Double($1 * $1) })
        var values = [Float](repeating: 0, count: n)
        table.decode_codes(n, codes, scale, Int32(zero), &values)
        #expect(values == q.map { $0 * scale })
      }
    }
  }

  /// Files must not depend on the machine.
  @Test func fits_areTheSameBitsAtEveryLevel() {
    var random = TestRandom(seed: 6)
    let x = (0..<5003).map { _ in Float(random.uniform()) }
    let sums = levels.map { level in
      var (xq, qq) = (0.0, 0.0)
      kernels(level).fit_codes(x.count, x, 0.0371, -8, 7, &xq, &qq)
      return [xq, qq]
    }
    #expect(sums.allSatisfy { $0 == sums[0] })
  }
}
