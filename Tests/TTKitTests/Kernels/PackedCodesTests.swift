import CTTKKernels
import Testing

@testable import TTKit

/// What codes stand for.
enum CodeKind: CaseIterable {
  case grid, zeros, halves, shared, byRow, own
}

/// A panel of random codes with scales, zero points or codebooks.
final class CodePanel {
  let width, k, group, groups, padded, bits, top: Int
  let kind: CodeKind
  var words: [UInt32]
  var scales: [Float]
  var halves: [UInt16]
  var zeros: [UInt8]
  var values: [Float]
  var levels: [UInt8]
  /// Codebooks of outputs and groups: levels, and bytes of values.
  var own: [UInt8] = []
  var ownValues: [UInt8] = []

  /// - Parameter code: a code for output j and input i.
  init(
    width: Int, k: Int, group: Int, bits: Int, top: Int? = nil, kind: CodeKind,
    code: (Int, Int) -> UInt8
  ) {
    (self.width, self.k, self.bits, self.kind) = (width, k, bits, kind)
    let unit = bits == 3 || kind == .own ? 32 : 16
    padded = (k + unit - 1) / unit * unit
    let isBook = kind == .shared || kind == .byRow
    // Two bits by row also come with groups of at least a span.
    self.group =
      kind == .shared || (kind == .byRow && group < 512)
      ? padded : min((group + unit - 1) / unit * unit, padded)
    groups = (k + self.group - 1) / self.group
    let most = top ?? 1 << bits - 1
    // Codebooks of groups hold levels of 6 bits or of 8.
    self.top = kind == .own ? (k % 2 == 0 ? 63 : 255) : !isBook ? most : bits == 2 ? 63 : 255
    let codes = (0..<width).flatMap { j in (0..<k).map { i in code(j, i) } }
    words = [UInt32](repeating: 0xeeee_eeee, count: padded * bits / 32 * width)
    if kind == .own {
      ttkk_pack_own(width, width, k, codes, &words)
    } else {
      ttkk_pack_panel(width, width, k, Int32(bits), codes, &words)
    }
    let numbers = (0..<(groups * width)).map { 0.25 + Float($0 % 7) }
    scales = numbers
    halves = kind == .halves ? numbers.map { Float16($0).bitPattern } : []
    zeros = kind == .zeros ? (0..<(groups * width)).map { UInt8($0 % (most + 1)) } : []
    var random = TestRandom(seed: UInt64(bits))
    let count = max(4 * width * groups, 16)
    values = isBook ? (0..<count).map { _ in Float(random.uniform()) } : []
    levels = []
    let levelCount = self.top + 1
    if kind == .byRow {
      levels = (0..<(4 * width * groups)).map { _ in UInt8(random.below(levelCount)) }
    }
    if kind == .shared {
      let book = (0..<16).map { _ in UInt8(random.below(levelCount)) }
      levels = (0..<(4 * width)).map { book[$0 % 16] }
    }
    guard kind == .own else { return }
    own = (0..<(groups * width * 16)).map { _ in UInt8(random.below(levelCount)) }
    ownValues = [UInt8](repeating: 0, count: groups * width * 64)
    for g in 0..<groups {
      for j in 0..<width {
        for c in 0..<16 {
          let bits = Float(random.uniform()).bitPattern
          for b in 0..<4 {
            let at = ttkk_own_byte(width, ttkk_own_place(width, j), c, b)
            ownValues[g * width * 64 + at] = UInt8(truncatingIfNeeded: bits >> (8 * UInt32(b)))
          }
        }
      }
    }
  }

  /// - Parameter isRounded: codebooks as levels, for rounded activations.
  func with<R>(isRounded: Bool, _ body: (UnsafePointer<ttkk_codes>) -> R) -> R {
    words.withUnsafeBufferPointer { words in
      scales.withUnsafeBufferPointer { scales in
        halves.withUnsafeBufferPointer { halves in
          zeros.withUnsafeBufferPointer { zeros in
            values.withUnsafeBufferPointer { values in
              levels.withUnsafeBufferPointer { levels in
                (isRounded ? own : ownValues).withUnsafeBufferPointer { own in
                  let isBook = !values.isEmpty
                  var codes = ttkk_codes(
                    words: words.baseAddress, scales: halves.isEmpty ? scales.baseAddress : nil,
                    halves: halves.isEmpty ? nil : halves.baseAddress,
                    zeros: zeros.isEmpty ? nil : zeros.baseAddress,
                    levels: isBook && isRounded ? levels.baseAddress : nil,
                    values: isBook && !isRounded ? values.baseAddress : nil,
                    own: own.isEmpty ? nil : own.baseAddress, k: k, group: group,
                    bits: Int32(bits),
                    zero: isBook || kind == .own ? Int32(top + 1) / 2 : Int32(1 << (bits - 1)),
                    by_row: kind == .byRow ? 1 : 0, top: Int32(top))
                  return body(&codes)
                }
              }
            }
          }
        }
      }
    }
  }
}

/// Kinds that codes of so many bits come in.
func kinds(of bits: Int) -> [CodeKind] {
  CodeKind.allCases.filter { $0 != .byRow || bits == 2 }.filter { $0 != .shared || bits < 8 }
    .filter { $0 != .own || bits == 4 }
}

/// Rounded rows, for one tile of them.
private struct Rounded {
  var codes: [Int8]
  var sums: [Int32]
  var scales: [Float]

  init(_ table: ttkk_kernels, _ panel: CodePanel, rows: Int, _ x: [Float]) {
    let pieces = panel.with(isRounded: true) { ttkk_pieces($0) }
    codes = [Int8](repeating: 77, count: rows * panel.padded)
    sums = [Int32](repeating: 77, count: rows * pieces)
    scales = [Float](repeating: 77, count: rows)
    with { rounded in
      panel.with(isRounded: true) { table.round_rows(rows, $0, x, panel.k, rounded) }
    }
  }

  mutating func with(_ body: (UnsafeMutablePointer<ttkk_rounded>) -> Void) {
    codes.withUnsafeMutableBufferPointer { codes in
      sums.withUnsafeMutableBufferPointer { sums in
        scales.withUnsafeMutableBufferPointer { scales in
          var all = ttkk_rounded(
            codes: codes.baseAddress, sums: sums.baseAddress, scales: scales.baseAddress)
          body(&all)
        }
      }
    }
  }
}

@Suite struct PackedCodesKernelTests {
  /// y of the kernel for rows x of whole numbers of largest magnitude 127, and the exact sums of the
  /// reference, and the bound of their difference.
  private func dot(
    _ table: ttkk_kernels, _ panel: CodePanel, rows: Int, x: [Int8], columns: Int
  ) -> (y: [Float], exact: [Double], bound: [Double]) {
    var rounded = Rounded(table, panel, rows: rows, x.map { Float($0) })
    let bias = (0..<columns).map { Float($0) }
    let yStep = columns + 1
    var y = [Float](repeating: -1, count: rows * yStep)
    rounded.with { rounded in
      panel.with(isRounded: true) {
        table.dot_codes($0, rows, 1, 0, 1, rounded, &y, yStep, columns, bias, 0)
      }
    }
    var exact = [Double](repeating: -1, count: rows * yStep)
    var bound = exact.map { _ in 0.0 }
    for r in 0..<rows { for j in 0..<columns { exact[r * yStep + j] = Double(bias[j]) } }
    // One rounding a group, two for each 512 inputs, one for the scale of x and one for the bias.
    let roundings = Double(panel.groups + 2 * (panel.k / 512 + 1) + 2) * 0x1p-24
    for r in 0..<rows { for j in 0..<columns { bound[r * yStep + j] = Double(bias[j]) * 0x1p-24 } }
    var sums = [Int64](repeating: 0, count: rows * panel.width)
    var piece = 0
    while piece < panel.k {
      let limit = (piece / panel.group + 1) * panel.group
      let end = min(piece + 512, limit, panel.k)
      let g = piece / panel.group
      panel.with(isRounded: true) {
        ttkk_reference_dot(rows, $0, panel.width, piece, end, x, panel.k, &sums)
      }
      for r in 0..<rows {
        for j in 0..<columns {
          let term = Double(sums[r * panel.width + j]) * Double(panel.scales[g * panel.width + j])
          exact[r * yStep + j] += term
          bound[r * yStep + j] += abs(term) * roundings
        }
      }
      piece = end
    }
    return (y, exact, bound)
  }

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
        let (y, exact, bound) = dot(table, panel, rows: count, x: x, columns: columns)
        let right = y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }
        #expect(right, "k \(k), rows \(count), group \(group), columns \(columns), \(kind)")
      }
    }
  }

  /// Largest codes against activations of ±127, long enough for every 16-bit sum to overflow if it could.
  @Test(arguments: levels, [15, 63, 127, 255])
  func extremeValues_neverSaturate(level: String, top: Int) {
    let table = kernels(level)
    let bits = top == 15 ? 4 : 8
    let signs: [(Int) -> Int8] = [
      { _ in 127 }, { _ in -127 }, { $0 % 2 == 0 ? 127 : -127 }, { $0 % 8 < 4 ? 127 : -127 },
    ]
    for k in [32, 70, 512, 2000] {
      for (index, sign) in signs.enumerated() {
        for group in [16, 1 << 16] {
          let panel = CodePanel(
            width: table.width_f32, k: k, group: group, bits: bits, top: top, kind: .grid
          ) { j, i in j % 3 == 0 ? UInt8(top) : j % 3 == 1 ? 0 : sign(i) > 0 ? UInt8(top) : 0 }
          panel.scales = panel.scales.map { _ in 1 }
          let count = table.height_codes
          let x = (0..<(count * k)).map { sign($0 % k) }
          let (y, exact, bound) = dot(table, panel, rows: count, x: x, columns: panel.width)
          let right = y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }
          #expect(right, "k \(k), signs \(index), group \(group)")
        }
      }
    }
  }

  /// Levels of codebooks of four values are at most 63, which is as often as 16-bit sums allow.
  @Test(arguments: levels)
  func extremeLevels_neverSaturate(level: String) {
    let table = kernels(level)
    for (k, x) in [(48, Int8(127)), (70, -127), (2000, 127), (2000, -127)] {
      for count in [1, 2, table.height_codes] {
        let panel = CodePanel(width: table.width_f32, k: k, group: 4096, bits: 2, kind: .byRow) {
          UInt8(($0 + $1 * ($0 % 2)) % 4)
        }
        panel.levels = panel.levels.indices.map { $0 % 4 == 3 ? 63 : UInt8($0 % 4) * 31 }
        panel.scales = panel.scales.map { _ in 1 }
        let rows = [Int8](repeating: x, count: count * k)
        let (y, exact, bound) = dot(table, panel, rows: count, x: rows, columns: panel.width)
        let right = y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }
        #expect(right, "k \(k), x \(x), \(count) rows")
      }
    }
  }

  /// One row of 4 bits in groups of 32 with scales of float16 has a kernel of its own, which gives what the general
  /// one gives for the same scales in float32, to the bit; and with extreme values too.
  @Test(arguments: levels)
  func groupsOf32_areThoseOfTheGeneralKernel(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 32)
    for k in [1, 16, 31, 32, 33, 64, 80, 500, 512, 528, 544, 1024, 1100, 2000] {
      for extreme in [false, true] {
        let codes = (0..<(table.width_f32 * k)).map { _ in
          extreme ? UInt8(15) : UInt8(random.below(16))
        }
        let x = rows(1, of: k) { _ in extreme ? 127 : Int8(random.below(255) - 127) }
        let found = [CodeKind.halves, .grid].map { kind in
          let panel = CodePanel(width: table.width_f32, k: k, group: 32, bits: 4, kind: kind) {
            codes[$0 * k + $1]
          }
          return dot(table, panel, rows: 1, x: x, columns: panel.width)
        }
        #expect(found[0].y == found[1].y, "k \(k)")
        let (y, exact, bound) = found[0]
        #expect(y.indices.allSatisfy { abs(Double(y[$0]) - exact[$0]) <= bound[$0] }, "k \(k)")
      }
    }
  }

  /// With scales of 1 and sums below 2^24 the results are the integers themselves, at every level, in
  /// whichever tiles the rows come.
  @Test(arguments: [2, 3, 4, 8])
  func integers_areTheSameAtEveryLevel(bits: Int) {
    let (k, outputs) = (70, 64)
    let code: (Int, Int) -> UInt8 = { j, i in UInt8((i * 37 + j * 101 + i * j) % (1 << bits)) }
    for count in 1...4 {
      let x = (0..<(count * k)).map { $0 % k == 0 ? 127 : Float($0 * 53 % 255 - 127) }
      var results: [[Float]] = []
      for level in levels {
        let table = kernels(level)
        var y = [Float](repeating: 0, count: count * outputs)
        for first in stride(from: 0, to: outputs, by: table.width_f32) {
          let panel = CodePanel(width: table.width_f32, k: k, group: 96, bits: bits, kind: .grid) {
            code(first + $0, $1)
          }
          panel.scales = panel.scales.map { _ in 1 }
          var rounded = Rounded(table, panel, rows: count, x)
          y.withUnsafeMutableBufferPointer { y in
            rounded.with { rounded in
              panel.with(isRounded: true) {
                table.dot_codes(
                  $0, count, 1, 0, 1, rounded, y.baseAddress! + first, outputs, panel.width, nil, 0)
              }
            }
          }
        }
        results.append(y)
      }
      #expect(results.allSatisfy { $0 == results[0] })
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
      let found = Rounded(table, panel, rows: 2, x)
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
      let found = Rounded(table, panel, rows: 2, [1, bad, 2, 1, 1, 1])
      #expect(found.scales[0].isNaN && found.scales[1].isFinite)
      #expect((0..<4).allSatisfy { found.codes[$0] == 0 } && found.sums[0] == 0)
    }
  }
}

extension CodeKind {
  fileprivate var hashIndex: Int { CodeKind.allCases.firstIndex(of: self)! }
}
