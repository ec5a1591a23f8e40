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
  /// Rows up to which codes of twice the columns beat floats.
  private static let mostWideRows = 8

  /// - Parameters:
  ///   - memoryLimit: bytes that prepared weights may take; nil for those of the dense matrix in whole
  ///     panels. When nothing fits, cores are decoded in every execute, which needs none.
  ///   - compute: int8 runs on packed integers or not at all.
  /// - Throws: `.invalidArgument` when int8 has no integers to run on, or not within the limit.
  init<T: RealScalar>(
    _ matrix: CompressedMatrix, _ type: T.Type, memoryLimit: Int?, maxRows: Int,
    compute: Compute = .full
  ) throws(TTKitError) {
    let cost = CostModel(dtype: T.dtype)
    let (m, n, rows) = (Double(matrix.rows), Double(matrix.columns), Double(maxRows))
    let dense = cost.panelBytes(matrix.rows, matrix.columns)
    let limit = memoryLimit.map { Double($0) } ?? dense
    if let packed = try Self.packed(matrix, cost, limit: memoryLimit, maxRows, compute) {
      form = packed.form
      flopsPerRow = 2 * packed.parts.elements
      time = packed.parts.time(cost, rows: rows)
      return
    }
    var found: [(form: LayerForm, bytes: Double, flops: Double, time: Double)] = []
    found.append(
      (
        .dense, dense, 2 * m * n,
        cost.time(batch: 1, m: rows, n: m, k: n, isPacked: true)
      ))
    let inner = matrix.terms.map(PreparedFactors<T>.innerLength)
    if !inner.contains(nil) {
      var (bytes, flops, time) = (0.0, 0.0, 0.0)
      for length in inner {
        let r = Double(length ?? 0)
        bytes += cost.panelBytes(matrix.rows, length ?? 0)
        bytes += cost.panelBytes(length ?? 0, matrix.columns)
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
    for mostConstant in [saturated([matrix.rows, matrix.columns]), 1] {
      guard
        let made = try? Self.network(matrix, T.self, tile, mostConstant),
        made.bytes <= min(limit, dense)
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

  /// Packed integers, where they are the way: for int8, above a cache's worth of floats, and where floats
  /// would exceed the limit. nil when they are not, or do not fit either.
  private static func packed(
    _ matrix: CompressedMatrix, _ cost: CostModel, limit: Int?, _ rows: Int, _ compute: Compute
  ) throws(TTKitError) -> (form: LayerForm, parts: PackedForm)? {
    // Integers become float32 only.
    let all = cost.elementSize == 4 ? PackedForm(matrix, everything: true) : nil
    guard let all else {
      guard compute == .full else { throw Compute.refusal(matrix) }
      return nil
    }
    let limit = limit.map { Double($0) }
    if compute == .int8 {
      let needed = all.byteCount(cost)
      guard needed <= limit ?? .infinity else {
        throw .invalidArgument(
          "memory_limit is \(Int(limit ?? 0)) bytes, compute int8 needs \(Int(needed)); "
            + "raise the limit")
      }
      return (.packed(everything: true, compute: compute), all)
    }
    let dense = cost.panelBytes(matrix.rows, matrix.columns)
    let floats = all.terms.flatMap(\.factors).reduce(0) {
      $0 + cost.panelBytes($1.rows, $1.columns)
    }
    let everything = min(floats, dense) > limit ?? dense
    // Twice the columns: the matrix itself is faster from a few rows on, where it may be made.
    let isWide = matrix.terms.contains { $0.input?.keepsInput ?? false }
    if isWide, rows > Self.mostWideRows, dense <= limit ?? dense { return nil }
    guard let parts = everything ? all : PackedForm(matrix, everything: false),
      parts.byteCount(cost) <= limit ?? .infinity
    else { return nil }
    return (.packed(everything: everything, compute: compute), parts)
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
      bytes += Double(try plan.panelOffsets().count) * Double(MemoryLayout<T>.stride)
      flops += Double(plan.flops) / Double(rows)
      time += plan.predictedTime
    }
    return (bytes, flops, time)
  }
}
