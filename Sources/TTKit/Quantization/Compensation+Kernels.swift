/// Rounding with error compensation: what one column loses, the columns still to come make up for.
///
/// The measure is tr((W − W') H (W − W')ᵀ) with H the damped second moment of the inputs.
/// - Source: E. Frantar et al., OPTQ, ICLR 2023 (columns in the order of falling diagonal, lazy blocks);
///   then scales by least squares and coordinate descent over columns, as in K. Behdin et al., QuantEase,
///   2023. No step after the first increases the measure.
internal import COpenBLAS

@safe
final class Compensation {
  /// Share of the mean diagonal that is added to the moment.
  static let damping = 0.01
  private static let block = 64
  private static let sweeps = 4

  private let rows: Int
  private let columns: Int
  private let coder: any ColumnCoder
  /// Wᵀ, (columns, rows).
  private let target: Tensor<Float>
  /// The damped moment.
  private let metric: Tensor<Float>
  /// Columns in the order in which they are coded, whole groups of `coder.width`.
  private let order: [Int]
  /// U, upper triangular in that order, with H⁻¹ = Uᵀ U.
  private let feedback: Tensor<Float>
  private let decoded: Buffer<Float>

  /// Codes all columns.
  ///
  /// - Parameter weighsColumns: whether scales and codebooks start from the columns' importance; one grid
  ///   for rows of very different ranges may do better without.
  init(
    _ matrix: Tensor<Float>, _ storage: any ColumnStorage, _ moment: InputMoment,
    weighsColumns: Bool
  ) throws(TTKitError) {
    (rows, columns) = (matrix.shape[0], matrix.shape[1])
    guard columns == moment.count else {
      throw .internal("a moment of \(moment.count) for a matrix of \(columns) columns")
    }
    for length in [rows, columns] where length > Int(Int32.max) {
      throw .sizeOverflow("a matrix of length \(length) exceeds BLAS's 2^31 - 1")
    }
    let damped = try moment.damped(Self.damping)
    let diagonal = damped.withSpan { [columns] span in
      (0..<columns).map { span[$0 * columns + $0] }
    }
    var sequence = Array(0..<columns)
    sequence.sort { (diagonal[$0], $1) > (diagonal[$1], $0) }
    var factor = try Self.inverseFactor(damped, sequence)
    let importance = try Self.importance(factor, sequence, isEven: !weighsColumns)
    coder = try storage.columnCoder(matrix, importance: importance)
    if coder.width > 1 {
      sequence = Self.grouped(diagonal, coder.width)
      factor = try Self.inverseFactor(damped, sequence)
    }
    order = sequence
    feedback = factor
    metric = try damped.converted(to: Float.self)
    target = try matrix.transposed([1, 0])
    decoded = try Buffer<Float>(count: matrix.count)
    try roundForward()
    try descend()
  }

  func parts() throws(TTKitError) -> [StoragePart] { try coder.parts() }

  /// The measure of the codes, or of another matrix (rows, columns) in place of theirs.
  func cost(of other: Tensor<Float>? = nil) throws(TTKitError) -> Double {
    if let other {
      let turned = try other.transposed([1, 0])
      // In bounds: columns · rows of both.
      unsafe decoded.base.update(from: turned.storage.buffer.base, count: turned.count)
    }
    return measure(try Buffer<Float>(count: target.count), try Buffer<Float>(count: target.count))
  }

  /// Groups of neighbouring columns by falling mean of the diagonal.
  private static func grouped(_ diagonal: [Double], _ width: Int) -> [Int] {
    let firsts = Array(stride(from: 0, to: diagonal.count, by: width))
    func weight(_ first: Int) -> Double {
      let group = diagonal[first..<min(first + width, diagonal.count)]
      return group.reduce(0, +) / Double(group.count)
    }
    let weights = firsts.map(weight)
    let ranks = firsts.indices.sorted { (weights[$0], $1) > (weights[$1], $0) }
    return ranks.flatMap { firsts[$0]..<min(firsts[$0] + width, diagonal.count) }
  }

  /// U of the permuted matrix: with J the reversal, J H J = L Lᵀ gives U = J L⁻¹ J.
  private static func inverseFactor(
    _ h: Tensor<Double>, _ order: [Int]
  ) throws(TTKitError) -> Tensor<Float> {
    let n = order.count
    var extra = 0.0
    while true {
      let reversed = try Tensor<Double>(shape: [n, n]) { out in
        h.withSpan { span in
          for i in 0..<n {
            let row = order[n - 1 - i] * n
            for j in 0..<n { out[i * n + j] = span[row + order[n - 1 - j]] }
            out[i * n + i] += extra
          }
        }
      }
      if let l = try choleskyFactor(reversed) {
        let inverse = try triangularInverse(l)
        return try Tensor<Float>(shape: [n, n]) { out in
          inverse.withSpan { span in
            for i in 0..<n {
              for j in 0..<n { out[i * n + j] = Float(span[(n - 1 - i) * n + n - 1 - j]) }
            }
          }
        }
      }
      // A moment of real inputs is never that indefinite; one of somebody's own may be.
      guard extra < 1e3 else {
        throw .invalidArgument("the moment has negative eigenvalues; expected sums of x x^T")
      }
      extra = extra == 0 ? damping : extra * 10
    }
  }

  /// 1 / U[j, j]²: what an error in a column costs after the later ones have made up for it.
  private static func importance(
    _ u: Tensor<Float>, _ order: [Int], isEven: Bool
  ) throws(TTKitError) -> Tensor<Float> {
    let n = order.count
    return try Tensor<Float>(shape: [n]) { out in
      u.withSpan { span in
        for i in 0..<n { out[order[i]] = isEven ? 1 : 1 / (span[i * n + i] * span[i * n + i]) }
      }
    }
  }

  // MARK: - One pass forward

  /// Codes all columns; each one's error over U[j, j] goes to the later ones.
  private func roundForward() throws(TTKitError) {
    // Row i of `rest` is column order[i] of W, less what came before.
    let rest = try Buffer<Float>(count: target.count)
    for (i, j) in order.enumerated() {
      // In bounds: row j of `columns` rows.
      unsafe (rest.base + i * rows).update(from: target.storage.buffer.base + j * rows, count: rows)
    }
    let errors = try Buffer<Float>(count: checkedProduct([Self.block + coder.width, rows]))
    let u = unsafe feedback.storage.buffer.base
    var start = 0
    while start < columns {
      var end = start
      while end < columns && end - start < Self.block { end += widthAt(end) }
      var i = start
      while i < end {
        let width = widthAt(i)
        let out = unsafe decoded.base + order[i] * rows
        // In bounds: `width` neighbouring rows of rest and of decoded.
        unsafe coder.code(order[i], rest.base + i * rows, into: out)
        for k in i..<(i + width) {
          let error = unsafe errors.base + (k - start) * rows
          let scale = unsafe 1 / u[k * columns + k]
          let values = unsafe rest.base + k * rows
          let coded = unsafe decoded.base + order[k] * rows
          for r in 0..<rows { unsafe error[r] = (values[r] - coded[r]) * scale }
          // The rows after k within the block.
          unsafe cblas_sger(
            CblasRowMajor, Int32(end - k - 1), Int32(rows), -1, u + k * columns + k + 1, 1, error,
            1, rest.base + (k + 1) * rows, Int32(rows))
        }
        i += width
      }
      // All rows after the block at once.
      if end < columns {
        unsafe cblas_sgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, Int32(columns - end), Int32(rows),
          Int32(end - start), -1, u + start * columns + end, Int32(columns), errors.base,
          Int32(rows), 1, rest.base + end * rows, Int32(rows))
      }
      start = end
    }
  }

  /// Columns coded together at place i of the order; the last group may be shorter.
  private func widthAt(_ i: Int) -> Int { min(coder.width, columns - order[i]) }

  // MARK: - Descent

  /// Scales, then columns one by one, each the best for the others, while that gains a thousandth.
  private func descend() throws(TTKitError) {
    // slope = H (W' − W)ᵀ, half the gradient.
    let slope = try Buffer<Float>(count: target.count)
    let difference = try Buffer<Float>(count: target.count)
    var before = measure(difference, slope)
    for _ in 0..<Self.sweeps where before > 0 {
      if !coder.scaleGroups.isEmpty { try fitScales(slope) }
      // In bounds: columns · rows of slope and decoded.
      if try unsafe coder.refit(metric, slope: slope.base, decoded: decoded.base) {
        _ = measure(difference, slope)
      }
      if coder.width == 1 { try sweepColumns(slope) }
      let after = measure(difference, slope)
      if after > 0.999 * before { return }
      before = after
    }
  }

  /// Computes the slope anew; returns the measure.
  private func measure(_ difference: borrowing Buffer<Float>, _ slope: borrowing Buffer<Float>)
    -> Double
  {
    let goal = unsafe target.storage.buffer.base
    // In bounds: columns · rows of each.
    for i in 0..<target.count { unsafe difference.base[i] = decoded.base[i] - goal[i] }
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(columns), Int32(rows), Int32(columns), 1,
      metric.storage.buffer.base, Int32(columns), difference.base, Int32(rows), 0, slope.base,
      Int32(rows))
    var sum = 0.0
    for i in 0..<target.count { unsafe sum += Double(difference.base[i]) * Double(slope.base[i]) }
    return sum
  }

  /// Each group's scale by least squares, the others fixed: W' changes by (f − 1) W' of the group.
  private func fitScales(_ slope: borrowing Buffer<Float>) throws(TTKitError) {
    let h = unsafe metric.storage.buffer.base
    for (g, group) in coder.scaleGroups.enumerated() {
      let n = group.count
      let curved = try Buffer<Float>(count: checkedProduct([n, rows]))
      let own = unsafe decoded.base + group.lowerBound * rows
      // H of the group times W' of the group: in bounds, n rows of each.
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(n), Int32(rows), Int32(n), 1,
        h + group.lowerBound * columns + group.lowerBound, Int32(columns), own, Int32(rows), 0,
        curved.base, Int32(rows))
      var falls = [Double](repeating: 0, count: rows)
      var bends = falls
      let down = unsafe slope.base + group.lowerBound * rows
      for i in 0..<n {
        for r in 0..<rows {
          let at = i * rows + r
          unsafe falls[r] -= Double(own[at]) * Double(down[at])
          unsafe bends[r] += Double(own[at]) * Double(curved.base[at])
        }
      }
      var factors = (0..<rows).map { r -> Float in
        bends[r] > 0 ? Float(max(min(1 + falls[r] / bends[r], 2), 0.5)) : 1
      }
      coder.rescale(g, &factors)
      for i in 0..<n {
        for r in 0..<rows {
          let at = i * rows + r
          unsafe curved.base[at] = own[at] * (factors[r] - 1)
          unsafe own[at] *= factors[r]
        }
      }
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(columns), Int32(rows), Int32(n), 1,
        h + group.lowerBound, Int32(columns), curved.base, Int32(rows), 1, slope.base, Int32(rows))
    }
  }

  /// Codes each column again at the minimum over it alone, w' − slope / H[j, j].
  private func sweepColumns(_ slope: borrowing Buffer<Float>) throws(TTKitError) {
    let h = unsafe metric.storage.buffer.base
    let values = try Buffer<Float>(count: rows)
    let changes = try Buffer<Float>(count: checkedProduct([Self.block, rows]))
    for start in stride(from: 0, to: columns, by: Self.block) {
      let end = min(start + Self.block, columns)
      for j in start..<end {
        let own = unsafe decoded.base + j * rows
        let down = unsafe slope.base + j * rows
        let change = unsafe changes.base + (j - start) * rows
        let step = unsafe 1 / h[j * columns + j]
        for r in 0..<rows {
          unsafe values.base[r] = own[r] - down[r] * step
          unsafe change[r] = own[r]
        }
        unsafe coder.code(j, values.base, into: own)
        for r in 0..<rows { unsafe change[r] = own[r] - change[r] }
        // The block's own rows of the slope; H is symmetric.
        unsafe cblas_sger(
          CblasRowMajor, Int32(end - start), Int32(rows), 1, h + j * columns + start, 1, change, 1,
          slope.base + start * rows, Int32(rows))
      }
      // All other rows at once.
      for (first, last) in [(0, start), (end, columns)] where last > first {
        unsafe cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(last - first), Int32(rows),
          Int32(end - start), 1, h + first * columns + start, Int32(columns), changes.base,
          Int32(rows), 1, slope.base + first * rows, Int32(rows))
      }
    }
  }
}
