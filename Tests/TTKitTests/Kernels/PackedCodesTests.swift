import CTTKKernels
import Testing

@testable import TTKit

@Suite struct PackedCodesKernelTests {
  private func rows(_ count: Int, of k: Int, _ value: (Int) -> Int8) -> [Int8] {
    (0..<(count * k)).map { $0 % k == 0 ? 127 : value($0) }
  }

  /// Every k to 70 and around the spans of 512, all heights of tiles, groups of 16 and 32 and whole rows.
  @Test(arguments: levels, [2, 3, 4, 8])
  func sums_agreeWithTheReference(level: String, bits: Int) {
    let table = kernels(level)
    let width = table.width_f32
    var random = TestRandom(seed: UInt64(bits))
    for k in Array(1...70) + [511, 512, 513, 1100] {
      for kind in kinds(of: bits) {
        let group = [16, 32, 4096, 96, 640][(k + kind.hashIndex) % 5]
        let count = 1 + k % table.height_codes
        let top = bits == 8 ? [63, 127, 255][k % 3] : 1 << bits - 1
        let panel = CodePanel(width: width, k: k, group: group, bits: bits, top: top, kind: kind) {
          _, _ in UInt8(random.below(top + 1))
        }
        let x = rows(count, of: k) { _ in Int8(random.below(255) - 127) }
        let columns = k % 5 == 0 ? width : 1 + random.below(width)
        let (y, exact, bound) = dotCodes(table, panel, rows: count, x: x, columns: columns)
        let right = y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }
        #expect(right, "k \(k), rows \(count), group \(group), columns \(columns), \(kind)")
      }
    }
  }

  @Test(arguments: levels)
  func roundedRows_keepToTheirScale(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 8)
    for k in 1...70 {
      let panel = CodePanel(width: table.width_f32, k: k, group: 16, bits: 4, kind: .zeros) {
        _, _ in 0
      }
      let x = (0..<(2 * k)).map { _ in Float(random.uniform()) }
      let found = RoundedRows(table, panel, rows: 2, x)
      for r in 0..<2 {
        let codes = (0..<panel.padded).map { found.codes[$0 / 4 * 8 + 4 * r + $0 % 4] }
        let row = x[(r * k)..<((r + 1) * k)]
        let scale = found.scales[r]
        #expect(scale == row.map(\.magnitude).max()! / 127)
        #expect(zip(row, codes).allSatisfy { abs($0 - Float($1) * scale) <= scale * 0.50001 })
        #expect(codes[k...].allSatisfy { $0 == 0 })
        for g in 0..<panel.groups {
          let group = codes[(16 * g)..<min(16 * g + 16, panel.padded)]
          #expect(found.sums[2 * g + r] == -group.reduce(0) { $0 + Int32($1) })
        }
      }
    }
    for bad: Float in [.nan, .infinity, -.infinity] {
      let panel = CodePanel(width: table.width_f32, k: 3, group: 16, bits: 4, kind: .grid) { _, _ in
        0
      }
      let found = RoundedRows(table, panel, rows: 2, [1, bad, 2, 1, 1, 1])
      #expect(found.scales[0].isNaN && found.scales[1].isFinite)
      #expect((0..<4).allSatisfy { found.codes[$0] == 0 } && found.sums[0] == 0)
    }
  }
}

extension CodeKind {
  fileprivate var hashIndex: Int { CodeKind.allCases.firstIndex(of: self)! }
}
