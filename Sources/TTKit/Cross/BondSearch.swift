/// The search for pivots on one bond: where the residual of its cross is large.

/// A place of the bond's matrix where f is known and the residual may be large.
struct PivotStart<T: Scalar> {
  let row: Int
  let column: Int
  let value: T
}

/// What the visit of a bond found.
struct BondOutcome {
  var added = 0
  /// The largest residual that was met.
  var worst = 0.0
}

/// Pivots for one bond by rook or full search.
///
/// Rook search: the largest of a few random residuals, then in turn the largest in its column and in its
/// row. Every column and row asked of an accepted pivot is needed for the train anyway.
struct BondSearch<T: Scalar> {
  let bond: Int
  let rows: KeyList
  let columns: KeyList
  var factorization: PartialLU<T>
  let sampler: Sampler<T>
  let admissible: Admissibility
  /// Columns that were asked and not taken: their residuals are known for free.
  private var spare: [(column: Int, values: [T])] = []

  /// Random residuals looked at before each pivot.
  static var randomStarts: Int { 6 }
  /// A pivot is taken when it is within this factor of the largest in its row; it is always the largest
  /// in its column, which bounds the growth of the train's cores.
  static var rowDominance: Double { 0.5 }
  /// Interpolation coefficients above this make a row worth a look.
  static var suspicious: Double { 2 }

  init(
    bond: Int, _ crosses: NestedCrosses<T>, _ sampler: Sampler<T>, _ admissible: Admissibility,
    extra: KeyList? = nil
  ) throws(Interruption) {
    self.bond = bond
    self.sampler = sampler
    self.admissible = admissible
    let shape = sampler.coder.shape
    try sampler.requireRoom(crosses.left[bond - 1].count, shape[bond - 1])
    try sampler.requireRoom(crosses.right[bond + 1].count, shape[bond])
    rows = crosses.rows(bond: bond)
    var columns = crosses.columns(bond: bond)
    var values: [[T]] = []
    if let extra {
      columns.append(extra)
      for j in 0..<extra.count {
        values.append(try sampler.values(crosses.left[bond].joined(with: extra, j)))
      }
    }
    self.columns = columns
    factorization = crosses.factorization(bond: bond, extra: values)
  }

  /// Adds up to `limit` pivots whose residual exceeds `threshold`.
  mutating func rook(
    _ crosses: inout NestedCrosses<T>, starts given: [PivotStart<T>], threshold: Double,
    limit: Int, random: inout SeededGenerator, seen: inout Set<Int>
  ) throws(Interruption) -> BondOutcome {
    var outcome = BondOutcome()
    var starts = given
    while outcome.added < limit {
      starts += try randomStarts(&random)
      if let suspect = try suspect(&seen) { starts.append(suspect) }
      guard let start = try best(starts) else { break }
      outcome.worst = max(outcome.worst, start.residual)
      guard start.residual > threshold, let pivot = try climb(from: start.column) else { break }
      outcome.worst = max(outcome.worst, Double(pivot.column[pivot.i].magnitude))
      accept(pivot, &crosses)
      outcome.added += 1
    }
    return outcome
  }

  /// The same from all elements of the bond's matrix.
  mutating func full(
    _ crosses: inout NestedCrosses<T>, threshold: Double, limit: Int
  ) throws(Interruption) -> BondOutcome {
    try sampler.requireRoom(rows.count, columns.count)
    var outcome = BondOutcome()
    var wanted = KeyList(width: rows.width)
    for i in 0..<rows.count { wanted.append(columns.joined(with: rows, i)) }
    let values = try sampler.values(wanted)
    let allowed = try admissible.check(wanted, sampler.coder)
    let q = columns.count
    func row(_ i: Int) -> [T] { Array(values[i * q..<(i + 1) * q]) }
    var residual: [T] = []
    for i in 0..<rows.count { residual += factorization.residual(row: i, row(i)) }
    while outcome.added < limit {
      guard let best = largestElement(residual, where: allowed) else { break }
      outcome.worst = max(outcome.worst, Double(best.magnitude))
      guard Double(best.magnitude) > threshold else { break }
      let (i, j) = (best.index / q, best.index % q)
      accept(
        Pivot(
          i: i, j: j, rawColumn: rows.indices.map { values[$0 * q + j] }, rawRow: row(i),
          column: rows.indices.map { residual[$0 * q + j] },
          row: Array(residual[i * q..<(i + 1) * q])), &crosses)
      outcome.added += 1
      residual = []
      for i in 0..<rows.count { residual += factorization.residual(row: i, row(i)) }
    }
    return outcome
  }

  // MARK: - Steps

  /// A place with f and residual in its whole row and column.
  private struct Pivot {
    var i: Int
    var j: Int
    var rawColumn: [T]
    var rawRow: [T]
    var column: [T]
    var row: [T]
  }

  private func randomStarts(
    _ random: inout SeededGenerator
  ) throws(Interruption) -> [PivotStart<T>] {
    var places: [(Int, Int)] = []
    var keys = KeyList(width: rows.width)
    for _ in 0..<Self.randomStarts {
      let (i, j) = (random.below(rows.count), random.below(columns.count))
      if factorization.rows.contains(i) || factorization.columns.contains(j) { continue }
      places.append((i, j))
      keys.appendJoin(rows, i, columns, j)
    }
    guard !places.isEmpty else { return [] }
    if let allowed = try admissible.check(keys, sampler.coder) {
      var kept = KeyList(width: rows.width)
      for p in places.indices where allowed[p] { kept.append(keys.key(p)) }
      places = places.indices.filter { allowed[$0] }.map { places[$0] }
      keys = kept
    }
    let values = try sampler.values(keys)
    return places.indices.map {
      PivotStart(row: places[$0].0, column: places[$0].1, value: values[$0])
    }
  }

  /// The largest residual in the row that the train extrapolates to most, once a row.
  ///
  /// Rows join a bond after its pivots were chosen; where the interpolation coefficients exceed 1 by much,
  /// errors are amplified and pivots are likely to be missing. Finding such rows costs no evaluation.
  private func suspect(_ seen: inout Set<Int>) throws(Interruption) -> PivotStart<T>? {
    let r = factorization.rank
    let coefficients = factorization.interpolation()
    var worst: (row: Int, size: T.Real)?
    for i in 0..<rows.count where !seen.contains(i) {
      var size = T.Real.zero
      for c in 0..<r { size = max(size, coefficients[i * r + c].magnitude) }
      if Double(size) > Self.suspicious, size > worst?.size ?? 0 { worst = (i, size) }
    }
    guard let worst else { return nil }
    seen.insert(worst.row)
    let keys = columns.joined(with: rows, worst.row)
    let values = try sampler.values(keys)
    let allowed = try admissible.check(keys, sampler.coder)
    let residual = factorization.residual(row: worst.row, values)
    guard let top = largestElement(residual, where: allowed) else { return nil }
    return PivotStart(row: worst.row, column: top.index, value: values[top.index])
  }

  /// The largest residual among the starts and the spare columns.
  private func best(
    _ starts: [PivotStart<T>]
  ) throws(Interruption) -> (column: Int, residual: Double)? {
    var best: (column: Int, residual: Double)?
    for start in starts {
      let size = Double(
        factorization.residual(start.row, start.column, start.value).magnitude)
      if size > best?.residual ?? -1 { best = (start.column, size) }
    }
    for (column, values) in spare {
      guard
        let found = try largest(inColumn: column, factorization.residual(column: column, values))
      else { continue }
      if Double(found.magnitude) > best?.residual ?? -1 { best = (column, Double(found.magnitude)) }
    }
    return best
  }

  private func largest(
    inColumn j: Int, _ residual: [T]
  ) throws(Interruption) -> (index: Int, magnitude: T.Real)? {
    let allowed =
      admissible.isFree
      ? nil : try admissible.check(rows.joined(with: columns, j), sampler.coder)
    return largestElement(residual, where: allowed)
  }

  /// From a column to a place that is largest in its column and nearly so in its row.
  private mutating func climb(from start: Int) throws(Interruption) -> Pivot? {
    var j = start
    var passed: [(column: Int, values: [T])] = []
    defer { spare += passed }
    for step in 0..<5 {
      let rawColumn = try sampler.values(rows.joined(with: columns, j))
      let column = factorization.residual(column: j, rawColumn)
      guard let top = try largest(inColumn: j, column), top.magnitude > 0 else { return nil }
      let rowKeys = columns.joined(with: rows, top.index)
      let rawRow = try sampler.values(rowKeys)
      let row = factorization.residual(row: top.index, rawRow)
      let allowed = try admissible.check(rowKeys, sampler.coder)
      let side = largestElement(row, where: allowed)
      if let side, step < 4, side.index != j,
        Double(top.magnitude) < Self.rowDominance * Double(side.magnitude)
      {
        passed.append((j, rawColumn))
        j = side.index
        continue
      }
      spare.removeAll { $0.column == j }
      return Pivot(
        i: top.index, j: j, rawColumn: rawColumn, rawRow: rawRow, column: column, row: row)
    }
    return nil
  }

  private mutating func accept(_ pivot: Pivot, _ crosses: inout NestedCrosses<T>) {
    factorization.append(pivot.i, pivot.j, column: pivot.column, row: pivot.row)
    crosses.addPivot(
      bond: bond, pivot.i, pivot.j, rowKey: rows.key(pivot.i), columnKey: columns.key(pivot.j),
      column: pivot.rawColumn, row: pivot.rawRow)
  }
}

extension KeyList {
  var indices: Range<Int> { 0..<count }
}
