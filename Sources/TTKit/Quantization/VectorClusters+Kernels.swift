/// Codebooks of vectors by k-means: Lloyd's steps from starts that are good by construction.
internal import CTTKKernels

/// A codebook for n vectors in planes, the better of two.
///
/// Each coordinate gets bits by its size, and a codebook of its own; their product is where steps start.
/// One start takes the exact codebooks of the coordinates, the other the sums ±c₁±c₂.. of mean magnitudes,
/// which is where the entries of Kashin's decomposition lie (A. Cherniuk et al., 2026).
func clusterVectors(
  _ x: UnsafePointer<Float>, _ n: Int, _ grid: VectorGrid, into book: UnsafeMutablePointer<Float>
) throws(TTKitError) {
  guard n > 0 else { return }
  let clusters = unsafe try VectorClusters(x, n, grid)
  let bits = clusters.bits()
  var best = -1.0
  for start in VectorClusters.Start.allCases where start == .exact || grid.dimensions == 2 {
    let gain = try clusters.found(from: start, bits)
    if gain > best {
      best = gain
      // In bounds: a whole codebook on both sides.
      unsafe book.update(from: clusters.book.base, count: grid.bookLength)
    }
  }
}

/// k-means of vectors under work.
@safe
private final class VectorClusters {
  enum Start: CaseIterable { case exact, sums }

  let x: UnsafePointer<Float>
  let n: Int
  let d: Int
  let size: Int
  let most: Int
  let book: Buffer<Float>
  let codes: Buffer<UInt8>
  let sums: Buffer<Double>

  /// - Parameter x: n numbers of each plane, outliving this.
  init(_ x: UnsafePointer<Float>, _ n: Int, _ grid: VectorGrid) throws(TTKitError) {
    unsafe self.x = x
    self.n = n
    (d, size) = (grid.dimensions, grid.size)
    most = size > 64 ? 12 : 30
    book = try Buffer(count: grid.bookLength)
    codes = try Buffer(count: n)
    sums = try Buffer(count: size * (d + 1))
  }

  /// Bits of each coordinate, one after the other to the one that would lose most.
  func bits() -> [Int] {
    var spread = (0..<d).map { p in
      (0..<n).reduce(0.0) { sum, i in
        let value = Double(unsafe x[p * n + i])  // in bounds: n numbers of plane p
        return sum + value * value
      }
    }
    var bits = [Int](repeating: 0, count: d)
    for _ in 0..<size.trailingZeroBitCount {
      let widest = spread.indices.max { spread[$0] < spread[$1] }!  // d is at least 1
      bits[widest] += 1
      spread[widest] /= 4
    }
    return bits
  }

  /// Fills the book; the larger the result, the smaller the error.
  func found(from start: Start, _ bits: [Int]) throws(TTKitError) -> Double {
    var above = 0
    for p in 0..<d {
      let levels = start == .exact ? try exactLevels(p, 1 << bits[p]) : sumLevels(p, bits[p])
      // In bounds: size · d numbers of the book.
      for c in 0..<size { unsafe book.base[c * d + p] = levels[(c >> above) & (1 << bits[p] - 1)] }
      above += bits[p]
    }
    guard d > 1 else { return 0 }
    var gain = 0.0
    for _ in 0..<most {
      let (moved, now) = step()
      gain = now
      if moved < 1e-4 { break }
    }
    return gain
  }

  /// The optimum for one coordinate.
  private func exactLevels(_ p: Int, _ count: Int) throws(TTKitError) -> [Float] {
    let sorted = try Buffer<Float>(count: n)
    let spare = try Buffer<Float>(count: n)
    let centres = try Buffer<Double>(count: count)
    let scratch = try Buffer<UInt8>(count: Int(ttkk_cluster_scratch(Int32(count))))
    // In bounds: n numbers of plane p, `count` centres.
    unsafe sorted.base.update(from: x + p * n, count: n)
    unsafe ttkk_sort_f32(n, sorted.base, spare.base)
    let found = unsafe Int(
      ttkk_cluster(n, sorted.base, Int32(count), centres.base, scratch.base))
    return (0..<count).map { unsafe Float(centres.base[min($0, found - 1)]) }
  }

  /// ±c₁±c₂..: c₁ the mean magnitude, c₂ the mean magnitude of what is then left, and so on.
  private func sumLevels(_ p: Int, _ bits: Int) -> [Float] {
    var steps: [Double] = []
    for _ in 0..<bits {
      var sum = 0.0
      for i in 0..<n {
        var rest = Double(unsafe x[p * n + i])  // in bounds: n numbers of plane p
        for step in steps { rest -= rest < 0 ? -step : step }
        sum += abs(rest)
      }
      steps.append(sum / Double(n))
    }
    return (0..<(1 << bits)).map { code in
      Float(steps.indices.reduce(0.0) { $0 + (code >> $1 & 1 == 1 ? steps[$1] : -steps[$1]) })
    }
  }

  /// One step of Lloyd: how far a number of the book moved, and what codes gain over zeros.
  private func step() -> (moved: Double, gain: Double) {
    // In bounds throughout: n vectors, codes below size, sums and count for each.
    unsafe ttkk_active().pointee.nearest(n, Int32(d), x, n, Int32(size), book.base, codes.base)
    unsafe sums.base.update(repeating: 0, count: sums.count)
    for i in 0..<n {
      let at = unsafe sums.base + Int(codes.base[i]) * (d + 1)
      for p in 0..<d { unsafe at[p] += Double(unsafe x[p * n + i]) }
      unsafe at[d] += 1
    }
    var (moved, gain) = (0.0, 0.0)
    for c in 0..<size {
      let at = unsafe sums.base + c * (d + 1)
      guard unsafe at[d] > 0 else { continue }
      for p in 0..<d {
        let mean = unsafe at[p] / at[d]
        gain += unsafe mean * at[p]
        moved = max(moved, abs(mean - Double(unsafe book.base[c * d + p])))
        unsafe book.base[c * d + p] = Float(mean)
      }
    }
    return (moved, gain)
  }
}
