import CTTKKernels
import Testing

@testable import TTKit

@Suite struct ExpandedCodesTests {
  @Test(arguments: levels, [2, 3, 4, 8])
  func expandedCodes_areThoseOfTheReference(level: String, bits: Int) {
    let table = kernels(level)
    let width = table.width_f32
    var random = TestRandom(seed: UInt64(bits))
    for k in 1...70 {
      for kind in kinds(of: bits) {
        let panel = CodePanel(
          width: width, k: k, group: [16, 48, 80][k % 3], bits: bits, kind: kind
        ) {
          _, _ in UInt8(random.below(1 << bits))
        }
        let first = k > 32 ? 32 : 0
        let count = k - first
        var found = [Float](repeating: -1, count: (count + 31) / 32 * 32 * width)
        var expected = [Float](repeating: -1, count: count * width)
        panel.with(isRounded: false) {
          table.expand_codes($0, first, count, &found)
          ttkk_reference_expand_codes($0, width, first, count, &expected)
        }
        #expect(Array(found.prefix(count * width)) == expected, "k \(k), \(kind)")
      }
    }
  }

  /// One row takes codes straight from their words and yet adds up as the tile of floats does.
  @Test(arguments: levels, [2, 3, 4, 8])
  func oneRow_hasTheBitsOfTheTile(level: String, bits: Int) {
    let table = kernels(level)
    let width = table.width_f32
    let depth = 24576 / (4 * width)
    var random = TestRandom(seed: UInt64(bits))
    for k in Array(1...70) + [depth - 1, depth, depth + 1, 2 * depth + 33] {
      for kind in kinds(of: bits) {
        let panel = CodePanel(
          width: width, k: k, group: [16, 32, 96][k % 3], bits: bits, kind: kind
        ) {
          _, _ in UInt8(random.below(1 << bits))
        }
        let x = (0..<k).map { _ in Float(random.uniform()) }
        let columns = k % 2 == 0 ? width : 1 + random.below(width)
        let bias = (0..<columns).map { Float($0) }
        var (y, expected) = (
          [Float](repeating: 3, count: width), [Float](repeating: 3, count: width)
        )
        var floats = [Float](repeating: 0, count: k * width)
        panel.with(isRounded: false) {
          table.multiply_codes(
            $0, 1, 1, 0, 1, x, &y, width, columns, bias, Int32(k % 3 == 0 ? 1 : 0))
          ttkk_reference_expand_codes($0, width, 0, k, &floats)
        }
        for start in stride(from: 0, to: k, by: depth) {
          table.tile_f32(
            1, min(depth, k - start), Array(x[start...]), 1, 1, Array(floats[(start * width)...]),
            &expected, width, columns, start == 0 ? bias : nil, start > 0 || k % 3 == 0 ? 1 : 0)
        }
        #expect(y == expected, "k \(k), \(kind), columns \(columns)")
      }
    }
  }
}
