import CTTKKernels
import Testing

@testable import TTKit

@Suite struct ExtremeCodesTests {
  /// Ends of codes and of levels, against activations of ±127, long enough for every 16-bit sum to overflow
  /// if it could.
  @Test(arguments: levels, [3, 7, 15, 63, 127, 255])
  func extremeValues_neverSaturate(level: String, top: Int) {
    let table = kernels(level)
    let bits = [3: 2, 7: 3, 15: 4][top] ?? 8
    let signs: [(Int) -> Int8] = [
      { _ in 127 }, { _ in -127 }, { $0 % 2 == 0 ? 127 : -127 }, { $0 % 8 < 4 ? 127 : -127 },
    ]
    for kind in kinds(of: bits) where kind != .halves {
      for k in [32, 70, 512, 2000] {
        for (index, sign) in signs.enumerated() {
          for group in [16, 1 << 16] {
            let panel = CodePanel(
              width: table.width_f32, k: k, group: group, bits: bits, top: top, kind: kind
            ) { j, i in j % 3 == 0 ? UInt8(top) : j % 3 == 1 ? 0 : sign(i) > 0 ? UInt8(top) : 0 }
            // Zero points at either end; codebooks of the two ends, in both orders.
            panel.setLevels { _, j, c in (c > 0) == (j % 2 == 0) ? UInt8(panel.top) : 0 }
            let count = table.height_codes
            let x = (0..<(count * k)).map { sign($0 % k) }
            let (y, exact, bound) = dotCodes(table, panel, rows: count, x: x, columns: panel.width)
            let right = y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }
            #expect(right, "\(kind), k \(k), signs \(index), group \(group)")
          }
        }
      }
    }
  }

  /// With scales of 1 and sums below 2^24 the results are the integers themselves, at every level, in
  /// whichever tiles the rows come.
  @Test(arguments: [2, 3, 4, 8])
  func integers_areTheSameAtEveryLevel(bits: Int) {
    let (k, outputs) = (70, 64)
    let code: (Int, Int) -> UInt8 = { j, i in UInt8((i * 37 + j * 101 + i * j) % (1 << bits)) }
    for (kind, group) in kinds(of: bits).flatMap({ kind in [16, 96].map { (kind, $0) } }) {
      for count in 1...4 {
        let x = (0..<(count * k)).map { $0 % k == 0 ? 127 : Float($0 * 53 % 255 - 127) }
        let results = levels.map { level in
          let table = kernels(level)
          var y = [Float](repeating: 0, count: count * outputs)
          for first in stride(from: 0, to: outputs, by: table.width_f32) {
            let panel = CodePanel(
              width: table.width_f32, k: k, group: group, bits: bits, kind: kind
            ) { code(first + $0, $1) }
            // One codebook for all outputs where it is shared.
            panel.setLevels { g, j, c in
              UInt8((g * 59 + (kind == .shared ? 0 : first + j) * 31 + c * 17) % (panel.top + 1))
            }
            multiply(table, panel, x, count, into: &y, first, outputs)
          }
          return y
        }
        #expect(results.allSatisfy { $0 == results[0] }, "\(kind), group \(group), rows \(count)")
      }
    }
  }

  /// y[:, first...] for the outputs of one panel.
  private func multiply(
    _ table: ttkk_kernels, _ panel: CodePanel, _ x: [Float], _ count: Int, into y: inout [Float],
    _ first: Int, _ outputs: Int
  ) {
    var rounded = RoundedRows(table, panel, rows: count, x)
    y.withUnsafeMutableBufferPointer { y in
      rounded.with { rounded in
        panel.with(isRounded: true) {
          table.dot_codes(
            $0, count, 1, 0, 1, rounded, y.baseAddress! + first, outputs, panel.width, nil, 0)
        }
      }
    }
  }
}
