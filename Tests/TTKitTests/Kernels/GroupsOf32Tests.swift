import CTTKKernels
import Testing

@testable import TTKit

/// One row of 4 bits in groups of 32 with scales of float16 has a kernel of its own.
@Suite struct GroupsOf32Tests {
  /// To the bit what the general kernel gives for the same scales in float32; with extreme values too.
  @Test(arguments: levels)
  func results_areThoseOfTheGeneralKernel(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 32)
    for k in [1, 16, 31, 32, 33, 64, 80, 500, 512, 528, 544, 1024, 1100, 2000] {
      for extreme in [false, true] {
        let codes = (0..<(table.width_f32 * k)).map { _ in
          extreme ? UInt8(15) : UInt8(random.below(16))
        }
        let x = (0..<k).map { extreme || $0 == 0 ? Int8(127) : Int8(random.below(255) - 127) }
        let found = [CodeKind.halves, .grid].map { kind in
          let panel = CodePanel(width: table.width_f32, k: k, group: 32, bits: 4, kind: kind) {
            codes[$0 * k + $1]
          }
          return dotCodes(table, panel, rows: 1, x: x, columns: panel.width)
        }
        #expect(found[0].y == found[1].y, "k \(k)")
        let (y, exact, bound) = found[0]
        #expect(y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }, "k \(k)")
      }
    }
  }
}
