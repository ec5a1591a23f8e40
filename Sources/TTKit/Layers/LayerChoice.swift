/// Which forms a layer runs in, for few rows and for many, within a memory limit.

struct LayerChoice {
  struct Choice {
    let bucket: RowBucket
    let form: LayerForm
    /// Predicted seconds of one execute with as many rows as are typical of the bucket; of dense.
    let time: Double
    let denseTime: Double
  }

  private(set) var choices: [Choice] = []
  /// Of the most rows.
  private(set) var flopsPerRow = 0.0
  private static let streamedRows = 256
  /// Rows up to which codes of twice the columns beat floats.
  private static let mostWideRows = 8

  /// - Parameters:
  ///   - memoryLimit: bytes that all prepared weights may take; nil for those of the dense matrix in whole
  ///     panels and an eighth more, so that a form for few rows may stand beside it. When nothing fits,
  ///     cores are decoded in every execute, which needs none.
  ///   - compute: int8 runs on packed integers or not at all.
  /// - Throws: `.invalidArgument` when int8 has no integers to run on, or not within the limit.
  init<T: RealScalar>(
    _ matrix: CompressedMatrix, _ type: T.Type, memoryLimit: Int?, maxRows: Int,
    compute: Compute = .full
  ) throws(TTKitError) {
    let cost = CostModel(dtype: T.dtype)
    let buckets = RowBucket.all(maxRows: maxRows)
    let dense = cost.panelBytes(matrix.rows, matrix.columns)
    func denseTime(_ rows: Int) -> Double {
      cost.time(
        batch: 1, m: Double(rows), n: Double(matrix.rows), k: Double(matrix.columns),
        isPacked: true)
    }
    if let packed = try Self.packed(matrix, cost, limit: memoryLimit, maxRows, compute) {
      flopsPerRow = 2 * packed.parts.elements
      let isRounded = Self.rounds(matrix, cost, compute, packed.parts, limit: memoryLimit)
      choices = buckets.map {
        Choice(
          bucket: $0, form: isRounded && $0.end > 1 ? .rounded : packed.form,
          time: packed.parts.time(cost, rows: Double($0.typical)),
          denseTime: denseTime($0.typical))
      }
      return
    }
    let candidates = LayerCandidates<T>(matrix, maxRows: maxRows).all
    let limit = memoryLimit.map { Double($0) } ?? dense * 1.125
    guard let best = Self.assign(candidates, buckets, limit: limit, denseTime) else {
      try stream(matrix, T.self, buckets, denseTime)
      return
    }
    flopsPerRow = best[best.count - 1].flopsPerRow
    choices = zip(buckets, best).map {
      Choice(
        bucket: $0, form: $1.form, time: $1.time(Double($0.typical)),
        denseTime: denseTime($0.typical))
    }
  }

  /// A candidate for each bucket: of all sets within the limit the one of least time against dense.
  private static func assign(
    _ candidates: [LayerCandidate], _ buckets: [RowBucket], limit: Double,
    _ denseTime: (Int) -> Double
  ) -> [LayerCandidate]? {
    var best: (set: [LayerCandidate], time: Double)?
    let times = candidates.map { candidate in buckets.map { candidate.time(Double($0.typical)) } }
    for mask in 1..<(1 << candidates.count) where mask.nonzeroBitCount <= buckets.count {
      let set = candidates.indices.filter { mask >> $0 & 1 == 1 }
      let bytes = set.reduce(0) { $0 + candidates[$1].byteCount }
      guard bytes <= limit else { continue }
      var time = 0.0
      var chosen: [LayerCandidate] = []
      for (b, bucket) in buckets.enumerated() {
        let fastest = set.min { times[$0][b] < times[$1][b] }!  // at least one
        time += times[fastest][b] / denseTime(bucket.typical)
        chosen.append(candidates[fastest])
      }
      // A little for bytes, so that what gains nothing is not kept.
      time += 1e-3 * bytes / max(limit, 1)
      if time < best?.time ?? .infinity { best = (chosen, time) }
    }
    return best?.set
  }

  private mutating func stream<T: RealScalar>(
    _ matrix: CompressedMatrix, _ type: T.Type, _ buckets: [RowBucket],
    _ denseTime: (Int) -> Double
  ) throws(TTKitError) {
    let most = buckets[buckets.count - 1].end
    let tile = min(most, Self.streamedRows)
    var time = 0.0
    for term in matrix.terms {
      let plan = try TermNetwork<T>.plan(
        term.equation, rows: tile, isPrepared: false, mostConstant: .max)
      flopsPerRow += Double(plan.flops) / Double(tile)
      time += plan.predictedTime
    }
    let bucket = RowBucket(end: most, typical: tile)
    choices = [
      Choice(
        bucket: bucket, form: .streamed(rows: tile), time: time, denseTime: denseTime(tile))
    ]
  }

  /// True when several rows of 8 bits should meet the matrix itself, in 8 bits: codes of twice its columns are
  /// as many bytes and twice the work.
  private static func rounds(
    _ matrix: CompressedMatrix, _ cost: CostModel, _ compute: Compute, _ parts: PackedForm,
    limit: Int?
  ) -> Bool {
    guard compute == .int8, matrix.terms.contains(where: { $0.input?.keepsInput ?? false }) else {
      return false
    }
    // A byte an element of whole panels, and scales.
    let bytes = cost.panelBytes(matrix.rows, matrix.columns + 4) / 4
    return bytes + parts.byteCount(cost) <= limit.map { Double($0) } ?? .infinity
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
}
