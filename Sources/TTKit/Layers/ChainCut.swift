/// Which neighbouring cores of a chain are multiplied beforehand.

enum ChainCut {
  /// Longer chains are cut core by core, or in two.
  private static let longest = 12

  /// Ranges of cores (r, i, j, s) that become one: fewest flops a row, within `limit` elements.
  ///
  /// - Parameter mayBeWhole: all cores may become one, which is the table.
  static func best(_ shapes: [[Int]], limit: Int, mayBeWhole: Bool) -> [Range<Int>] {
    let d = shapes.count
    let single = (0..<d).map { $0..<($0 + 1) }
    var cuts: [[Range<Int>]] = []
    if d > longest {
      cuts = (1..<d).map { [0..<$0, $0..<d] }
    } else if d > 1 {
      // Bit k: a cut after core k.
      for bits in (mayBeWhole ? 0 : 1)..<(1 << (d - 1)) {
        var (cut, start) = ([Range<Int>](), 0)
        for k in 0..<d where k == d - 1 || bits >> k & 1 == 1 {
          cut.append(start..<(k + 1))
          start = k + 1
        }
        cuts.append(cut)
      }
    }
    var best = (cut: single, flops: flops(single, shapes))
    for cut in cuts {
      let cost = flops(cut, shapes)
      if cost < best.flops, elements(cut, shapes) <= Double(limit) { best = (cut, cost) }
    }
    return best.cut
  }

  private static func elements(_ cut: [Range<Int>], _ shapes: [[Int]]) -> Double {
    cut.reduce(0) { sum, range in
      let rows = range.reduce(1.0) { $0 * Double(shapes[$1][1] * shapes[$1][2]) }
      return sum + rows * Double(shapes[range.lowerBound][0])
        * Double(shapes[range.upperBound - 1][3])
    }
  }

  private static func flops(_ cut: [Range<Int>], _ shapes: [[Int]]) -> Double {
    var (done, sum) = (1.0, 0.0)
    for range in cut {
      let width = range.reduce(1.0) { $0 * Double(shapes[$1][2]) }
      let (r, s) = (shapes[range.lowerBound][0], shapes[range.upperBound - 1][3])
      if range.lowerBound > 0 { sum += done * Double(r) * width * Double(s) }
      done *= width
    }
    return sum
  }
}
