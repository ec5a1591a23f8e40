import CTTKKernels

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
    self.top = kind == .own ? (k % 4 == 0 ? 255 : 63) : !isBook ? most : bits == 2 ? 63 : 255
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

  /// Scales of 1, and zero points and levels of codebooks from a function of group, output and code.
  func setLevels(_ level: (Int, Int, Int) -> UInt8) {
    scales = scales.map { _ in 1 }
    halves = halves.map { _ in Float16(1).bitPattern }
    let tables = (0..<groups).flatMap { g in (0..<width).map { j in (g, j) } }
    if kind == .zeros { zeros = tables.map { min(level($0, $1, 0), UInt8(top)) } }
    if kind == .shared { levels = levels.indices.map { level(0, 0, $0 % 16) } }
    if kind == .byRow { levels = tables.flatMap { g, j in (0..<4).map { level(g, j, $0) } } }
    guard kind == .own else { return }
    for (g, j) in tables {
      let start = (g * width + ttkk_own_place(width, j)) * 16
      for c in 0..<16 { own[start + c] = level(g, j, c) }
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
struct RoundedRows {
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
