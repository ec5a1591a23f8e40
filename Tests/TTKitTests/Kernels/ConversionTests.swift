import CTTKKernels
import Testing

/// All 65536 bit patterns of 16 bits.
private let patterns = (0..<65536).map { UInt16($0) }

@Suite struct ConversionTests {
  @Test(arguments: levels)
  func everyHalf_decodesToItsValue(level: String) {
    var floats = [Float](repeating: 0, count: patterns.count)
    kernels(level).decode_f16(patterns.count, patterns, &floats)
    let wrong = patterns.first { half in
      let (expected, found) = (Float(Float16(bitPattern: half)), floats[Int(half)])
      return expected.isNaN ? !found.isNaN : expected.bitPattern != found.bitPattern
    }
    #expect(wrong == nil)
  }

  @Test(arguments: levels)
  func everyHalf_survivesARoundTrip(level: String) {
    var floats = [Float](repeating: 0, count: patterns.count)
    var halves = [UInt16](repeating: 0, count: patterns.count)
    kernels(level).decode_f16(patterns.count, patterns, &floats)
    kernels(level).encode_f16(patterns.count, floats, &halves)
    let wrong = patterns.first { half in
      let back = halves[Int(half)]
      return Float16(bitPattern: half).isNaN ? !Float16(bitPattern: back).isNaN : back != half
    }
    #expect(wrong == nil)
  }

  /// Each value half way between neighbours, and the floats just beside it.
  @Test(arguments: levels)
  func encodingHalves_roundsToNearestEven(level: String) {
    var floats: [Float] = [
      0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      .leastNonzeroMagnitude, .leastNormalMagnitude, 65519.996, 65520, 65504, 1e-8, 2.9802322e-08,
      2.9802326e-08,
    ]
    for bits in UInt16(0)..<0x7c00 {
      let low = Float(Float16(bitPattern: bits))
      let high = bits == 0x7bff ? 65536 : Float(Float16(bitPattern: bits + 1))
      let middle = low + (high - low) / 2
      floats += [middle, middle.nextUp, middle.nextDown, -middle]
    }
    var halves = [UInt16](repeating: 0, count: floats.count)
    kernels(level).encode_f16(floats.count, floats, &halves)
    let wrong = floats.indices.first { Float16(floats[$0]).bitPattern != halves[$0] }
    #expect(wrong == nil, "\(wrong.map { floats[$0] } ?? 0)")
  }

  @Test(arguments: levels)
  func aNaN_staysOneAsAHalf(level: String) {
    let nans = [0x7fc0_0000, 0x7f80_0001, 0xff80_0001, 0x7fff_ffff].map {
      Float(bitPattern: UInt32($0))
    }
    var halves = [UInt16](repeating: 0, count: nans.count)
    kernels(level).encode_f16(nans.count, nans, &halves)
    #expect(halves.allSatisfy { Float16(bitPattern: $0).isNaN })
    ttkk_encode_bf16(nans.count, nans, &halves)
    #expect(halves.allSatisfy { Float(bitPattern: UInt32($0) << 16).isNaN })
  }

  @Test func bfloat16_decodesExactlyAndRoundsToNearestEven() {
    var floats = [Float](repeating: 0, count: patterns.count)
    var back = [UInt16](repeating: 0, count: patterns.count)
    ttkk_decode_bf16(patterns.count, patterns, &floats)
    ttkk_encode_bf16(patterns.count, floats, &back)
    #expect(patterns.allSatisfy { floats[Int($0)].bitPattern == UInt32($0) << 16 })
    #expect(patterns.allSatisfy { floats[Int($0)].isNaN || back[Int($0)] == $0 })
    // Half way between neighbours goes to the even one, anything beside it to the nearer one.
    let middles: [(UInt32, UInt16)] = [
      (0x3f80_8000, 0x3f80), (0x3f81_8000, 0x3f82), (0x3f80_8001, 0x3f81), (0x3f80_7fff, 0x3f80),
      (0x7f7f_8000, 0x7f80), (0x7f7f_7fff, 0x7f7f), (0x0000_8000, 0), (0x0000_8001, 1),
      (0xbf81_8000, 0xbf82),
    ]
    let values = middles.map { Float(bitPattern: $0.0) }
    ttkk_encode_bf16(values.count, values, &back)
    #expect(Array(back.prefix(values.count)) == middles.map { $0.1 })
  }

  @Test(arguments: levels)
  func codes_decodeExactly(level: String) {
    let codes = (-128...127).map { Int8($0) }
    for scale in [Float(1), 0.1, -3e-5, 0, 1e30] {
      for count in [0, 1, 7, 15, 16, 17, 33, 256] {
        var out = [Float](repeating: 7, count: 257)
        kernels(level).decode_i8(count, codes, scale, &out)
        #expect((0..<count).allSatisfy { out[$0] == Float(codes[$0]) * scale })
        #expect(out[count] == 7)
      }
    }
  }

  /// Lengths around the 32 values that a step takes, with each bad value at each position.
  @Test(arguments: levels)
  func maxAbs_isTheLargestMagnitude_orNotFinite(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 3)
    for count in [0, 1, 2, 31, 32, 33, 63, 64, 65, 100] {
      var values = (0..<count).map { _ in random.uniform() }
      var floats = values.map { Float($0) }
      #expect(table.max_abs_f64(count, values) == values.map(abs).max() ?? 0)
      #expect(table.max_abs_f32(count, floats) == floats.map(abs).max() ?? 0)
      for i in 0..<count {
        let (value, float) = (values[i], floats[i])
        for bad in [Double.nan, .infinity, -.infinity] {
          (values[i], floats[i]) = (bad, Float(bad))
          #expect(!table.max_abs_f64(count, values).isFinite, "\(bad) at \(i) of \(count)")
          #expect(!table.max_abs_f32(count, floats).isFinite, "\(bad) at \(i) of \(count)")
        }
        (values[i], floats[i]) = (-9, -9)
        #expect(table.max_abs_f64(count, values) == 9)
        #expect(table.max_abs_f32(count, floats) == 9)
        (values[i], floats[i]) = (value, float)
      }
    }
  }

  @Test(arguments: levels)
  func maxAbs_holdsAtTheEndsOfTheRange(level: String) {
    let table = kernels(level)
    for value in [Float.leastNonzeroMagnitude, -Float.greatestFiniteMagnitude, -0.0] {
      #expect(table.max_abs_f32(1, [value]) == abs(value))
    }
    for value in [Double.leastNonzeroMagnitude, -Double.greatestFiniteMagnitude, -0.0] {
      #expect(table.max_abs_f64(1, [value]) == abs(value))
    }
  }
}
