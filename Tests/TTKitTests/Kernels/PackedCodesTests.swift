import CTTKKernels
import Testing

@testable import TTKit

/// A panel of random codes with scales and, for some, zero points.
private final class Panel {
  let width, k, group, groups, bits: Int
  var words: [UInt32]
  var scales: [Float]
  var zeros: [UInt8]

  /// - Parameter code: a code for output j and input i.
  init(width: Int, k: Int, group: Int, bits: Int, zeros: Bool, code: (Int, Int) -> UInt8) {
    (self.width, self.k, self.bits) = (width, k, bits)
    let padded = (k + 15) / 16 * 16
    self.group = min(group, padded)
    groups = (k + self.group - 1) / self.group
    let codes = (0..<width).flatMap { j in (0..<k).map { i in code(j, i) } }
    words = [UInt32](repeating: 0xeeee_eeee, count: padded * bits / 32 * width)
    ttkk_pack_panel(width, width, k, Int32(bits), codes, &words)
    scales = (0..<(groups * width)).map { 0.25 + Float($0 % 7) }
    self.zeros = zeros ? (0..<(groups * width)).map { UInt8($0 % (1 << bits)) } : []
  }

  func with<R>(_ body: (UnsafePointer<ttkk_codes>) -> R) -> R {
    words.withUnsafeBufferPointer { words in
      scales.withUnsafeBufferPointer { scales in
        zeros.withUnsafeBufferPointer { zeros in
          var codes = ttkk_codes(
            words: words.baseAddress, scales: scales.baseAddress,
            zeros: self.zeros.isEmpty ? nil : zeros.baseAddress, k: k, group: group,
            bits: Int32(bits), zero: Int32(1 << (bits - 1)))
          return body(&codes)
        }
      }
    }
  }
}

@Suite struct PackedCodesKernelTests {
  /// y of the kernel for 8-bit rows x, and the exact sums of the reference.
  private func dot(
    _ table: ttkk_kernels, _ panel: Panel, rows: Int, x: [Int8], columns: Int
  ) -> (y: [Float], exact: [Double], bound: [Double]) {
    let step = (panel.k + 15) / 16 * 16
    var sums: [Int32] = []
    for r in 0..<rows {
      for g in 0..<panel.groups {
        let range = (g * panel.group)..<min((g + 1) * panel.group, panel.k)
        sums.append(range.reduce(0) { $0 + Int32(x[r * step + $1]) })
      }
    }
    let xScales = (0..<rows).map { 0.5 + Float($0) }
    let bias = (0..<columns).map { Float($0) }
    let yStep = columns + 1
    var y = [Float](repeating: -1, count: rows * yStep)
    panel.with {
      table.dot_codes(
        rows, $0, x, step, xScales, sums, panel.groups, &y, yStep, columns, bias, 0)
    }
    var exact = [Double](repeating: -1, count: rows * yStep)
    var bound = exact.map(abs)
    for r in 0..<rows { for j in 0..<columns { exact[r * yStep + j] = Double(bias[j]) } }
    for r in 0..<rows { for j in 0..<columns { bound[r * yStep + j] = Double(bias[j]) } }
    var group = [Int64](repeating: 0, count: rows * panel.width)
    for g in 0..<panel.groups {
      panel.with { ttkk_reference_dot_group(rows, $0, panel.width, g, x, step, &group) }
      for r in 0..<rows {
        for j in 0..<columns {
          let term =
            Double(group[r * panel.width + j]) * Double(panel.scales[g * panel.width + j])
            * Double(xScales[r])
          exact[r * yStep + j] += term
          bound[r * yStep + j] += abs(term)
        }
      }
    }
    return (y, exact, bound)
  }

  /// Every k to 70, all row tiles and column counts, groups of 16 and 32 and whole rows.
  @Test(arguments: levels, [2, 4, 8])
  func sums_agreeWithTheReference(level: String, bits: Int) {
    let table = kernels(level)
    let width = table.width_f32
    var random = TestRandom(seed: UInt64(bits))
    for k in 1...70 {
      for (rows, group) in [[(1, 16), (2, 32), (17, 4096)][k % 3], (1 + k % 9, 64)] {
        let panel = Panel(width: width, k: k, group: group, bits: bits, zeros: k % 2 == 0) { _, _ in
          UInt8(random.below(1 << bits))
        }
        let step = (k + 15) / 16 * 16
        let x = (0..<(rows * step)).map { i in
          i % step < k ? Int8(random.below(255) - 127) : 0
        }
        let columns = k % 5 == 0 ? width : 1 + random.below(width)
        let (y, exact, bound) = dot(table, panel, rows: rows, x: x, columns: columns)
        let right = y.indices.allSatisfy {
          // One rounding a group, one for the scale of x, one for the bias.
          abs(Double(y[$0]) - exact[$0]) <= Double(panel.groups + 3) * 0x1p-24 * bound[$0]
        }
        #expect(right, "k \(k), rows \(rows), group \(group), columns \(columns)")
      }
    }
  }

  /// Largest codes against activations of ±127, long enough for every 16-bit sum to overflow if it could.
  @Test(arguments: levels, [2, 4, 8])
  func extremeValues_neverSaturate(level: String, bits: Int) {
    let table = kernels(level)
    let top = UInt8((1 << bits) - 1)
    let signs: [(Int) -> Int8] = [
      { _ in 127 }, { _ in -127 }, { $0 % 2 == 0 ? 127 : -127 }, { $0 % 8 < 4 ? 127 : -127 },
    ]
    for k in [32, 70, 512, 4096] {
      for (index, sign) in signs.enumerated() where k < 4096 || index == 0 {
        for group in [16, 1 << 16] {
          let panel = Panel(width: table.width_f32, k: k, group: group, bits: bits, zeros: false) {
            j, i in j % 2 == 0 ? top : sign(i) > 0 ? top : 0
          }
          panel.scales = panel.scales.map { _ in 1 }
          let step = (k + 15) / 16 * 16
          let x = (0..<(3 * step)).map { $0 % step < k ? sign($0 % step) : 0 }
          let (y, exact, bound) = dot(table, panel, rows: 3, x: x, columns: panel.width)
          let right = y.indices.allSatisfy {
            abs(Double(y[$0]) - exact[$0]) <= Double(panel.groups + 3) * 0x1p-24 * bound[$0]
          }
          #expect(right, "k \(k), signs \(index), group \(group)")
        }
      }
    }
  }

  /// With scales of 1 and sums below 2^24 the results are the integers themselves, at every level.
  @Test(arguments: [2, 4, 8])
  func integers_areTheSameAtEveryLevel(bits: Int) {
    let (k, rows, outputs) = (70, 5, 64)
    let code: (Int, Int) -> UInt8 = { j, i in UInt8((i * 37 + j * 101 + i * j) % (1 << bits)) }
    let x = (0..<(rows * 80)).map { $0 % 80 < k ? Int8($0 * 53 % 255 - 127) : 0 }
    let sums = (0..<rows).map { r in (0..<k).reduce(Int32(0)) { $0 + Int32(x[r * 80 + $1]) } }
    var results: [[Float]] = []
    for level in levels {
      let table = kernels(level)
      var y = [Float](repeating: 0, count: rows * outputs)
      for first in stride(from: 0, to: outputs, by: table.width_f32) {
        let panel = Panel(width: table.width_f32, k: k, group: 80, bits: bits, zeros: false) {
          code(first + $0, $1)
        }
        panel.scales = panel.scales.map { _ in 1 }
        let ones = [Float](repeating: 1, count: rows)
        y.withUnsafeMutableBufferPointer { y in
          panel.with {
            table.dot_codes(
              rows, $0, x, 80, ones, sums, 1, y.baseAddress! + first, outputs, panel.width, nil, 0)
          }
        }
      }
      results.append(y)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test(arguments: levels, [2, 4, 8])
  func expandedCodes_areThoseOfTheReference(level: String, bits: Int) {
    let table = kernels(level)
    let width = table.width_f32
    var random = TestRandom(seed: UInt64(bits))
    for k in 1...70 {
      for (group, zeros) in [(16, true), (48, false), (80, true)] {
        let panel = Panel(width: width, k: k, group: group, bits: bits, zeros: zeros) { _, _ in
          UInt8(random.below(1 << bits))
        }
        let first = k > 16 ? 16 : 0
        let count = k - first
        var found = [Float](repeating: -1, count: (count + 15) / 16 * 16 * width)
        var expected = [Float](repeating: -1, count: count * width)
        panel.with {
          table.expand_codes($0, first, count, &found)
          ttkk_reference_expand_codes($0, width, first, count, &expected)
        }
        #expect(Array(found.prefix(count * width)) == expected, "k \(k), group \(group)")
      }
    }
  }

  @Test(arguments: levels)
  func roundedRows_keepToTheirScale(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 8)
    for k in 1...70 {
      let padded = (k + 15) / 16 * 16
      let x = (0..<k).map { _ in Float(random.uniform()) }
      var codes = [Int8](repeating: 77, count: padded)
      var sums = [Int32](repeating: 77, count: 5)
      let scale = table.quantize_row(k, padded, 16, x, &codes, &sums)
      #expect(zip(x, codes).allSatisfy { abs($0 - Float($1) * scale) <= scale * 0.50001 })
      #expect(codes[k...].allSatisfy { $0 == 0 })
      for g in 0..<(padded / 16) {
        #expect(sums[g] == codes[(g * 16)..<(g * 16 + 16)].reduce(0) { $0 + Int32($1) })
      }
    }
    for bad: Float in [.nan, .infinity, -.infinity] {
      var codes = [Int8](repeating: 77, count: 16)
      var sum: Int32 = 77
      #expect(table.quantize_row(3, 16, 16, [1, bad, 2], &codes, &sum).isNaN)
      #expect(codes.allSatisfy { $0 == 0 } && sum == 0)
    }
  }
}
