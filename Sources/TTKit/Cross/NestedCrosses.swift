/// The index sets of all bonds, and the function values on their crosses.

/// For each bond b a list of pivots: row I_b[a], a left multi-index over modes 0..<b, and column J_b[a], a
/// right multi-index over modes b..<d.
///
/// Invariants: the left sets are nested, I_b ⊂ I_{b−1} × {0..<n[b−1]}; all sets only grow; `fibers[k]` holds
/// f on I_k × {0..<n[k]} × J_{k+1} completely. So the train with cores T_k P_{k+1}⁻¹ (T_k those values, P the
/// ones at the pivots) can be made at any time without asking the function again.
/// Bond b lies between modes b−1 and b; bonds 0 and d have one empty multi-index.
struct NestedCrosses<T: Scalar> {
  let coder: IndexCoder
  private(set) var left: [KeyList]
  private(set) var right: [KeyList]
  /// Position of I_b[a] in I_{b−1} × {0..<n}: parent · n + index.
  private(set) var leftRow: [[Int]]
  /// Position of J_b[a] in J_{b+1} × {0..<n} if it is there, else −1.
  private(set) var rightColumn: [[Int]]
  /// fibers[k][c][a·n + i] = f(I_k[a], i, J_{k+1}[c]).
  private(set) var fibers: [[[T]]]

  /// Rank 1 through the point `pivot`, where f is not 0.
  init(_ pivot: [UInt64], _ sampler: Sampler<T>) throws(Interruption) {
    coder = sampler.coder
    let d = coder.order
    let none = [UInt64](repeating: 0, count: coder.width)
    left = []
    right = []
    leftRow = [[]]
    rightColumn = [[]]
    for b in 0...d {
      var list = KeyList(width: coder.width)
      list.append(b == 0 ? none : coder.part(0..<b, of: pivot, at: 0))
      left.append(list)
      list = KeyList(width: coder.width)
      list.append(b == d ? none : coder.part(b..<d, of: pivot, at: 0))
      right.append(list)
      if b > 0 {
        leftRow.append([coder.index(mode: b - 1, in: pivot, at: 0)])
        rightColumn.append(b < d ? [coder.index(mode: b, in: pivot, at: 0)] : [])
      }
    }
    var wanted = KeyList(width: coder.width)
    for k in 0..<d {
      wanted.append(left[k].expanded(mode: k, coder).joined(with: right[k + 1], 0))
    }
    let values = try sampler.values(wanted)
    fibers = []
    var start = 0
    for n in coder.shape {
      fibers.append([Array(values[start..<start + n])])
      start += n
    }
  }

  var order: Int { coder.order }

  /// r[0], …, r[d].
  var ranks: [Int] { left.map(\.count) }

  /// I_{b−1} × {0..<n[b−1]}.
  func rows(bond b: Int) -> KeyList { left[b - 1].expanded(mode: b - 1, coder) }

  /// {0..<n[b]} × J_{b+1}, then the columns of pivots that are not among them.
  func columns(bond b: Int) -> KeyList {
    var result = right[b + 1].expanded(mode: b, coder)
    for (a, column) in rightColumn[b].enumerated() where column < 0 {
      result.append(right[b].key(a))
    }
    return result
  }

  /// The pivots of bond b as an LU factorisation of f on rows(bond:) × columns(bond:), then on `extra`
  /// columns whose values at the pivot rows are given column by column.
  func factorization(bond b: Int, extra: [[T]] = []) -> PartialLU<T> {
    let n = coder.shape[b]
    let inner = n * right[b + 1].count
    let outside = rightColumn[b].indices.filter { rightColumn[b][$0] < 0 }
    var result = PartialLU<T>(
      rowCount: coder.shape[b - 1] * left[b - 1].count,
      columnCount: inner + outside.count + extra.count)
    var seen = 0
    for a in 0..<left[b].count {
      let i = leftRow[b][a]
      var row: [T] = []
      row.reserveCapacity(result.columnCount)
      for fiber in fibers[b] { row += fiber[a * n..<(a + 1) * n] }
      for c in outside { row.append(fibers[b - 1][c][i]) }
      for column in extra { row.append(column[a]) }
      var j = rightColumn[b][a]
      if j < 0 {
        j = inner + seen
        seen += 1
      }
      result.append(
        i, j, column: result.residual(column: j, fibers[b - 1][a]),
        row: result.residual(row: i, row))
    }
    return result
  }

  /// Adds the pivot at row i and column j of bond b, given f in the whole row and column.
  mutating func addPivot(
    bond b: Int, _ i: Int, _ j: Int, rowKey: [UInt64], columnKey: [UInt64], column: [T], row: [T]
  ) {
    let n = coder.shape[b]
    let inner = n * right[b + 1].count
    left[b].append(rowKey)
    right[b].append(columnKey)
    leftRow[b].append(i)
    rightColumn[b].append(j < inner ? j : -1)
    fibers[b - 1].append(column)
    for c in fibers[b].indices { fibers[b][c] += row[c * n..<(c + 1) * n] }
  }

  /// Core k of the train, row-major (r[k], n[k], r[k+1]): the identity at the pivots of bond k+1.
  func core(_ k: Int) -> [T] {
    guard k < order - 1 else { return fibers[k][0] }
    let r = left[k + 1].count
    var lu = PartialLU<T>(rowCount: coder.shape[k] * left[k].count, columnCount: r)
    for a in 0..<r {
      let i = leftRow[k + 1][a]
      let row = fibers[k].map { $0[i] }
      lu.append(
        i, a, column: lu.residual(column: a, fibers[k][a]), row: lu.residual(row: i, row))
    }
    return lu.interpolation()
  }

  func cores() -> [[T]] { (0..<order).map { core($0) } }

  /// Every pivot as a multi-index over all modes, without repetitions, in the order of bonds.
  func pivots() -> [[Int]] {
    var seen = Set<[UInt64]>()
    var result: [[Int]] = []
    for b in 0..<order {
      for a in 0..<left[b].count {
        let key = left[b].joined(with: right[b], a).key(a)
        if seen.insert(key).inserted { result.append(coder.unpack(key)) }
      }
    }
    return result
  }
}
