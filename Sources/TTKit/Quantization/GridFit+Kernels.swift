/// Scales and zero points that minimise the squared error of their group.
///
/// Goals in order: the error, the same result on every machine, speed.
/// A grid is judged by its least-squares refinement: with codes q fixed, the best scale is Σxq / Σq² and
/// lowers the squared error from Σx² to Σx² − (Σxq)² / Σq². So one pass gives (Σxq)² / Σq², the larger
/// the better, without computing the error itself.
internal import CTTKKernels

/// One scale and one zero point a group; zeros are 2^(bits−1) throughout when `isSymmetric`.
///
/// - Parameter importance: weights of the squared errors, one a column; nil for all the same.
func fitGrids(
  _ core: Tensor<Float>, _ grid: GroupGrid, bits: Int, isSymmetric: Bool,
  importance: Tensor<Float>? = nil
) throws(TTKitError) -> (scales: Tensor<Float>, zeros: Tensor<UInt8>) {
  let scales = try Buffer<Float>(count: checkedProduct(grid.shape))
  let zeros = try Buffer<UInt8>(count: grid.count)
  let weights = try importance.map { (row) throws(TTKitError) in
    try grid.gridRows == grid.rows ? row : repeated(row, grid.rows)
  }
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    // In bounds: the elements of a group lie within the core, their columns within the weights.
    let fit = unsafe GridFit(
      core.storage.buffer.base + elements.lowerBound,
      weights.map { unsafe $0.storage.buffer.base + grid.columns(index % grid.groups).lowerBound },
      elements.count, bits: bits)
    let best = fit.best(isSymmetric: isSymmetric)
    unsafe scales.base[index] = best.scale
    unsafe zeros.base[index] = UInt8(best.zero)  // 0 ... 255
  }
  return (
    Tensor(shape: grid.shape, buffer: scales), Tensor(shape: [grid.count], buffer: zeros)
  )
}

/// The row, `count` times.
private func repeated(_ row: Tensor<Float>, _ count: Int) throws(TTKitError) -> Tensor<Float> {
  let n = row.count
  return try Tensor<Float>(shape: [checkedProduct([count, n])]) { out in
    row.withSpan { span in
      for i in out.indices { out[i] = span[i % n] }
    }
  }
}

/// The search for the grid of one group.
@safe
private struct GridFit {
  struct Grid {
    var scale: Float
    var zero: Int
    /// (Σxq)² / Σq²; negative before any grid was tried.
    var gain = -1.0
  }

  private let x: UnsafePointer<Float>
  private let weights: UnsafePointer<Float>?
  private let n: Int
  private let bits: Int
  private let kernels = unsafe ttkk_active().pointee
  private var top: Int { 1 << bits - 1 }
  private var middle: Int { 1 << (bits - 1) }

  /// Ranges tried: the whole one, then ever narrower ones. 0.92³⁶ is 1/20: a group with one value twenty
  /// times as large as needed still finds its grid.
  private static let factors: [Float] = (0..<36).map { step in
    (0..<step).reduce(into: Float(1)) { factor, _ in factor *= 0.92 }
  }

  init(_ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>?, _ n: Int, bits: Int) {
    unsafe self.x = x
    unsafe self.weights = weights
    (self.n, self.bits) = (n, bits)
  }

  func best(isSymmetric: Bool) -> Grid {
    var (low, high) = (Float(0), Float(0))
    // In bounds: n elements.
    for i in 0..<n {
      low = min(low, unsafe x[i])
      high = max(high, unsafe x[i])
    }
    guard low < 0 || high > 0 else { return Grid(scale: 0, zero: middle) }
    var best = Grid(scale: 0, zero: middle)
    let whole = max(-low, high) / Float(middle - 1)
    for factor in Self.factors {
      consider(whole * factor, middle, &best)
      consider(-whole * factor, middle, &best)
    }
    if !isSymmetric {
      // In double: the range of float32 values may exceed float32.
      let range = Double(high) - Double(low)
      let zero = Int((-Double(low) / range * Double(top)).rounded())
      for factor in Self.factors {
        let scale = Float(range / Double(top)) * factor
        for zero in (zero - 1)...(zero + 1) where (0...top).contains(zero) {
          consider(scale, zero, &best)
        }
      }
    }
    refine(&best)
    return Grid(scale: safe(best), zero: best.zero, gain: best.gain)
  }

  /// Sums of a grid: Σxq and Σq².
  private func sums(_ scale: Float, _ zero: Int) -> (xq: Double, qq: Double) {
    var (xq, qq) = (0.0, 0.0)
    // In bounds: n elements.
    if let weights = unsafe weights {
      unsafe ttkk_fit_weighted(
        n, x, weights, scale, Int32(-zero), Int32(top - zero), &xq, &qq)
    } else {
      unsafe kernels.fit_codes(n, x, scale, Int32(-zero), Int32(top - zero), &xq, &qq)
    }
    return (xq, qq)
  }

  /// Keeps the least-squares scale of a grid when it is better than what was found before.
  private func consider(_ scale: Float, _ zero: Int, _ best: inout Grid) {
    let step = scale == 0 ? Float.leastNonzeroMagnitude : scale
    let (xq, qq) = sums(step, zero)
    guard qq > 0, xq != 0 else { return }
    let gain = xq * xq / qq
    if gain > best.gain { best = Grid(scale: least(xq / qq), zero: zero, gain: gain) }
  }

  /// Rounds to the refined scale and refines again, while that helps.
  private func refine(_ best: inout Grid) {
    for _ in 0..<8 {
      let before = best.gain
      consider(best.scale, best.zero, &best)
      if best.gain <= before { return }
    }
  }

  /// A scale in float32 that is not lost to zero.
  private func least(_ scale: Double) -> Float {
    let single = Float(scale)
    return single == 0 ? Float(signOf: Float(scale), magnitudeOf: .leastNonzeroMagnitude) : single
  }

  /// The scale, less where code · scale would exceed the largest float32.
  private func safe(_ grid: Grid) -> Float {
    let most = Float(max(grid.zero, top - grid.zero))
    guard !(grid.scale * most).isFinite else { return grid.scale }
    let limit = (Float.greatestFiniteMagnitude / most).nextDown
    return Float(signOf: grid.scale, magnitudeOf: limit)
  }
}
