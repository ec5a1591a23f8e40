/// Which form of a layer is predicted to be fastest within a memory limit.

struct LayerChoice {
  let form: LayerForm
  let flopsPerRow: Double
  /// Predicted seconds of one execute with as many rows as asked for.
  let time: Double
  /// A network must win by this much: its small products run below the model's rate more often.
  private static let margin = 1.25
  /// Rows that a network is planned for at once.
  private static let tileRows = 32
  private static let streamedRows = 256

  /// - Parameter memoryLimit: bytes that prepared weights may take. When nothing fits, cores are decoded
  ///   in every execute, which needs none.
  init<T: RealScalar>(
    _ matrix: CompressedMatrix, _ type: T.Type, memoryLimit: Int, maxRows: Int
  ) throws(TTKitError) {
    let size = Double(MemoryLayout<T>.stride)
    let cost = CostModel(dtype: T.dtype)
    let limit = Double(memoryLimit)
    let (m, n, rows) = (Double(matrix.rows), Double(matrix.columns), Double(maxRows))
    func matrixBytes(_ outputs: Double, _ inputs: Double) -> Double {
      (outputs / cost.width).rounded(.up) * cost.width * inputs * size
    }
    var found: [(form: LayerForm, bytes: Double, flops: Double, time: Double)] = []
    found.append(
      (
        .dense, matrixBytes(m, n), 2 * m * n,
        cost.time(batch: 1, m: rows, n: m, k: n, isPacked: true)
      ))
    let inner = matrix.terms.map(PreparedFactors<T>.innerLength)
    if !inner.contains(nil) {
      var (bytes, flops, time) = (0.0, 0.0, 0.0)
      for length in inner {
        let r = Double(length ?? 0)
        bytes += matrixBytes(m, r) + matrixBytes(r, n)
        flops += 2 * (m + n) * r
        time += cost.time(batch: 1, m: rows, n: r, k: n, isPacked: true)
        time += cost.time(batch: 1, m: rows, n: m, k: r, isPacked: true)
      }
      found.append((.split, bytes, flops, time))
    }
    if let best = found.filter({ $0.bytes <= limit }).min(by: { $0.time < $1.time }) {
      found = [best]
    } else {
      found = []
    }
    let tile = min(maxRows, Self.tileRows)
    for mostConstant in [matrix.rows * matrix.columns, 1] {
      guard
        let made = try? Self.network(matrix, T.self, tile, mostConstant),
        made.bytes <= min(limit, matrixBytes(m, n))
      else { continue }
      let time = made.time * (rows / Double(tile)).rounded(.up) * Self.margin
      if time < found.first?.time ?? .infinity {
        found = [
          (.network(rows: tile, mostConstant: mostConstant), made.bytes, made.flops, time)
        ]
      }
    }
    guard let best = found.first else {
      let tile = min(maxRows, Self.streamedRows)
      form = .streamed(rows: tile)
      var (flops, time) = (0.0, 0.0)
      for term in matrix.terms {
        let plan = try TermNetwork<T>.plan(
          term.equation, rows: tile, isPrepared: false, mostConstant: .max)
        flops += Double(plan.flops) / Double(tile)
        time += plan.predictedTime
      }
      (flopsPerRow, self.time) = (flops, time * (rows / Double(tile)).rounded(.up))
      return
    }
    (form, flopsPerRow, time) = (best.form, best.flops, best.time)
  }

  /// Bytes, flops a row and time of a tile when every term runs as a network.
  private static func network<T: RealScalar>(
    _ matrix: CompressedMatrix, _ type: T.Type, _ rows: Int, _ mostConstant: Int
  ) throws(TTKitError) -> (bytes: Double, flops: Double, time: Double) {
    var (bytes, flops, time) = (0.0, 0.0, 0.0)
    for term in matrix.terms {
      guard term.equation.rowCount == matrix.rows else {
        throw .invalidArgument("a term with padded rows does not run as a network")
      }
      let plan = try TermNetwork<T>.plan(
        term.equation, rows: rows, isPrepared: true, mostConstant: mostConstant)
      bytes += Double(try plan.panelOffsets().count * MemoryLayout<T>.stride)
      flops += Double(plan.flops) / Double(rows)
      time += plan.predictedTime
    }
    return (bytes, flops, time)
  }
}
