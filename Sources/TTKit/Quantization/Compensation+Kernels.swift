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
  static let block = 64
  static let sweeps = 4

  let rows: Int
  let columns: Int
  let coder: any ColumnCoder
  /// Wᵀ, (columns, rows), columns as the coder arranges them.
  let target: Tensor<Float>
  /// The damped moment of columns so arranged.
  let metric: Tensor<Float>
  /// Columns in the order in which they are coded, whole groups of the coder's.
  private let order: [Int]
  /// U, upper triangular in that order, with H⁻¹ = Uᵀ U.
  private let feedback: Tensor<Float>
  let decoded: Buffer<Float>
  /// What a row counts: all alike, or, where rows share a grid, over the measure of the row itself: else the
  /// few rows that reach far would have the grid to themselves.
  private(set) var rowWeights: [Double]

  /// Codes all columns.
  ///
  /// - Parameter weighsColumns: whether scales and codebooks start from the columns' importance; one grid
  ///   for rows of very different ranges may do better without.
  /// - Parameter descends: false ends with the pass forward, before what it left over is made up for.
  init(
    _ matrix: Tensor<Float>, _ storage: any ColumnStorage, _ moment: InputMoment,
    weighsColumns: Bool, descends: Bool = true
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
    rowWeights = [Double](repeating: 1, count: rows)
    var (arranged, metric) = (matrix, damped)
    if let arrangement = coder.arrangement {
      arranged = try Self.permuted(matrix, nil, arrangement)
      metric = try Self.permuted(damped, arrangement, arrangement)
    }
    if coder.width > 1 {
      sequence = Self.grouped(metric, coder)
      factor = try Self.inverseFactor(metric, sequence)
    }
    order = sequence
    feedback = factor
    self.metric = try metric.converted(to: Float.self)
    target = try arranged.transposed([1, 0])
    decoded = try Buffer<Float>(count: matrix.count, zeroed: true)
    if coder.sharesGrid {
      rowWeights = try rowCosts().map { $0 > 0 ? 1 / $0 : 0 }  // of zeros in place of W
    }
    try roundForward()
    guard descends else { return }
    try descend()
    try keepBetterRows()
  }

  /// Rows and columns of a matrix in another order; nil for as they are.
  private static func permuted<T: RealScalar>(
    _ matrix: Tensor<T>, _ rows: [Int]?, _ columns: [Int]
  ) throws(TTKitError) -> Tensor<T> {
    let n = matrix.shape[1]
    return try Tensor<T>(shape: matrix.shape) { out in
      matrix.withSpan { span in
        for i in 0..<matrix.shape[0] {
          let from = (rows.map { $0[i] } ?? i) * n
          for j in 0..<n { out[i * n + j] = span[from + columns[j]] }
        }
      }
    }
  }

  func parts() throws(TTKitError) -> [StoragePart] { try coder.parts() }

  /// The measure of the codes, or of another matrix (rows, columns) in place of theirs.
  func cost(of other: Tensor<Float>? = nil) throws(TTKitError) -> Double {
    if let other {
      let arranged = try coder.arrangement.map { (order) throws(TTKitError) in
        try Self.permuted(other, nil, order)
      }
      let turned = try (arranged ?? other).transposed([1, 0])
      // In bounds: columns · rows of both.
      unsafe decoded.base.update(from: turned.storage.buffer.base, count: turned.count)
    }
    return zip(try rowCosts(), rowWeights).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The coder's groups by falling mean of the diagonal.
  private static func grouped(_ metric: Tensor<Double>, _ coder: any ColumnCoder) -> [Int] {
    let n = metric.shape[0]
    var groups: [(columns: Range<Int>, weight: Double)] = []
    metric.withSpan { span in
      var first = 0
      while first < n {
        let end = first + coder.width(at: first, of: n)
        let sum = (first..<end).reduce(0.0) { $0 + span[$1 * n + $1] }
        groups.append((first..<end, sum / Double(end - first)))
        first = end
      }
    }
    groups.sort { ($0.weight, $1.columns.lowerBound) > ($1.weight, $0.columns.lowerBound) }
    return groups.flatMap(\.columns)
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
        let factor = unsafe try width > 1 ? inverseOfBlock(u, at: i, width) : nil
        // In bounds: `width` neighbouring rows of rest and of decoded.
        unsafe coder.code(order[i], rest.base + i * rows, metric: factor, into: out)
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
  private func widthAt(_ i: Int) -> Int { coder.width(at: order[i], of: columns) }

  /// U⁻¹ of the diagonal block at i: what an error e of its columns costs in the end is ‖e U⁻¹‖².
  private func inverseOfBlock(
    _ u: UnsafePointer<Float>, at i: Int, _ width: Int
  ) throws(TTKitError) -> [Float] {
    let lower = try Tensor<Double>(shape: [width, width]) { out in
      for a in 0..<width {
        // In bounds: the block at (i, i), transposed.
        for b in 0..<width { out[a * width + b] = Double(unsafe u[(i + b) * columns + i + a]) }
      }
    }
    let inverse = try triangularInverse(lower).elements
    return (0..<(width * width)).map { Float(inverse[$0 % width * width + $0 / width]) }
  }
}
