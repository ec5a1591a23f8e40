/// Random points of a grid, spread more evenly than independent ones.

extension IndexCoder {
  /// `count` points, each uniform on the grid, together stratified.
  ///
  /// Half of them fall into equal slices of the grid in row-major order, half into slices of the order with
  /// the first index fastest: so functions of one variable in digits of either order are sampled on an
  /// even grid with jitter, and narrow features of them are met.
  func randomPoints(_ count: Int, _ random: inout SeededGenerator) -> KeyList {
    var result = KeyList(width: width)
    for j in 0..<count {
      let reversed = j % 2 == 1
      let slices = reversed ? count / 2 : (count + 1) / 2
      // Position in [0, 1), exact enough for the leading digits; the others are drawn anew.
      var position = (Double(j / 2) + random.unit()) / Double(max(slices, 1))
      var resolution = Double(max(slices, 1))
      var words = [UInt64](repeating: 0, count: width)
      for step in 0..<order {
        let k = reversed ? order - 1 - step : step
        let n = shape[k]
        if resolution < 0x1p-16 {
          set(random.below(n), mode: k, in: &words, at: 0)
          continue
        }
        let scaled = position * Double(n)
        let i = min(Int(scaled), n - 1)
        position = scaled - Double(i)
        resolution /= Double(n)
        set(i, mode: k, in: &words, at: 0)
      }
      result.append(words)
    }
    return result
  }

  /// Every point, in row-major order, if there are at most `limit`; else nil.
  func allPoints(limit: Int) -> KeyList? {
    var total = 1
    for n in shape {
      guard n <= limit / total else { return nil }
      total *= n
    }
    var result = KeyList(width: width)
    result.append([UInt64](repeating: 0, count: width))
    for k in 0..<order { result = result.expanded(mode: k, self) }
    return result
  }
}
