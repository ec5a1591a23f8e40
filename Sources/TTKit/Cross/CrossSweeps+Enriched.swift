/// One-mode sweeps that take in directions of the residual (AMEn cross): the cost of one-mode sweeps, the growth
/// of ranks of two-mode ones.

extension CrossSweeps {
  /// Replaces one side's index sets and all cores.
  ///
  /// Each bond gets the columns of f that the tolerance needs, and those of the residual f − train at the
  /// few columns of `residual`, whose own index sets follow where the residual is largest.
  /// - Returns: whether the rank cap bound.
  func sweepEnriched(
    _ isForward: Bool, _ left: inout [KeyList], _ right: inout [KeyList], _ cores: inout [[T]],
    _ residual: inout ResidualSets<T>
  ) throws(Interruption) -> Bool {
    var isCapped = false
    let d = order
    for step in 0..<d - 1 {
      let k = isForward ? step : d - 1 - step
      // The bond whose index set is chosen anew, and the one behind the core, whose set it starts from.
      let (next, behind) = isForward ? (k + 1, k) : (k, k + 1)
      let candidates = (isForward ? left : right)[behind].expanded(mode: k, coder)
      let values = try block(candidates, isForward ? right[next] : left[next])
      let rest = try residual.visit(
        k, isForward, candidates, values, cores, before: self.cores(), self)
      let found = try wrapped { () throws(TTKitError) in
        try dominant(values, rest, options.cap(bond: next))
      }
      isCapped = isCapped || found.isCapped
      let coefficients = found.rows.coefficients.elements
      if isForward {
        left[next] = candidates.picked(found.rows.rows)
        cores[k] = coefficients
      } else {
        right[next] = candidates.picked(found.rows.rows)
        cores[k] = transposedCore(coefficients, coder.shape[k], found.rows.rows.count)
      }
    }
    try lastCore(isForward, left, right, &cores)
    residual.hasTrain = true
    return isCapped
  }

  /// Rows for one unfolding: as many as its rank at the threshold, and those that the residual asks for.
  private func dominant(
    _ values: Tensor<T>, _ residual: Tensor<T>, _ cap: Int
  ) throws(TTKitError) -> (rows: DominantRows<T>, isCapped: Bool) {
    guard largestElement(values.elements)?.magnitude ?? 0 > 0 else {
      return (try anyRow(of: values.shape[0]), false)
    }
    let (u, isCapped) = try basis(values, cap: cap)
    let room = min(u.shape[0], cap) - u.shape[1]
    let size = residual.norm
    // Below its share of the threshold the residual needs no columns.
    let share = threshold * (Double(residual.count) / Double(max(order - 1, 1))).squareRoot()
    guard size > share, size.isFinite else { return (try maximumVolume(u), isCapped) }
    guard room > 0 else {
      return (try maximumVolume(u), isCapped || u.shape[1] < u.shape[0])
    }
    var more = try basis(residual, cap: room).u
    // Twice is enough: orthogonal to the columns that are there. What vanishes was among them.
    for _ in 0..<2 {
      more = try remainder(of: more, u, product(u, more, .conjugateTransposed, .plain))
      more = try independentColumns(more, relativeTo: 1)
      if more.shape[1] == 0 { return (try maximumVolume(u), isCapped) }
    }
    return (try maximumVolume(u.joined(more, axis: 1)), isCapped)
  }
}

/// Orthonormal columns that span those of `a` but for what is below 1e-3 of `size`.
func independentColumns<T: Scalar>(
  _ a: Tensor<T>, relativeTo size: Double
) throws(TTKitError) -> Tensor<T> {
  let (u, s, _) = try svd(a)
  let count = s.prefix { Double($0) > 1e-3 * size }.count
  return try u.resized(rows: a.shape[0], columns: count)
}

/// Index sets of a train of small rank that follows f − train by cross approximation.
///
/// Source: S. Dolgov, D. Savostyanov, Alternating minimal energy methods for linear systems in higher
/// dimensions, SIAM J. Sci. Comput. 36 (2014), whose enrichment this is, with crosses in place of projections.
struct ResidualSets<T: Scalar> {
  private var left: [KeyList]
  private var right: [KeyList]
  private var random: SeededGenerator
  /// Whether the train at hand interpolates at the index sets of the far side; the first pass starts without.
  var hasTrain = false

  /// Columns that a visit looks at, and at most adds.
  static var rank: Int { 4 }

  init(_ coder: IndexCoder, _ random: SeededGenerator) {
    self.random = random
    let points = coder.randomPoints(Self.rank, &self.random)
    func ends(_ range: Range<Int>) -> KeyList {
      var result = KeyList(width: coder.width)
      for p in points.indices {
        result.append(coder.part(range, of: points.words, at: p * coder.width))
      }
      return result.distinct()
    }
    left = (0...coder.order).map { ends(0..<$0) }
    right = (0...coder.order).map { ends($0..<coder.order) }
  }

  /// Core k in its turn: moves the index set of the bond in front of it to large residuals.
  ///
  /// - Parameters:
  ///   - values: f on `candidates` and the far index set of the train.
  ///   - cores: those the pass has made so far.
  ///   - before: all cores of the pass before, in the other direction.
  /// - Returns: f − train on `candidates` and the far index set kept here.
  fileprivate mutating func visit(
    _ k: Int, _ isForward: Bool, _ candidates: KeyList, _ values: Tensor<T>, _ cores: [[T]],
    before: [[T]], _ sweeps: CrossSweeps<T>
  ) throws(Interruption) -> Tensor<T> {
    let coder = sweeps.coder
    let (next, behind) = isForward ? (k + 1, k) : (k, k + 1)
    let far = isForward ? right[next] : left[next]
    let near = isForward ? left[behind] : right[behind]
    let rows = near.expanded(mode: k, coder)
    let seen = try sweeps.block(candidates, far)
    let own = try sweeps.block(rows, far)
    let tails = hasTrain ? coefficients(before, far, next, !isForward, coder) : nil
    let close = coefficients(cores, near, behind, isForward, coder)
    let n = coder.shape[k]
    return try wrapped { () throws(TTKitError) in
      var (rest, ownRest) = (seen, own)
      if let tails {
        // The train at the far columns: known values times coefficients; new sets have none yet.
        let known = tails.count / far.count
        let columns = try values.resized(rows: values.shape[0], columns: known)
        let train = try product(
          columns, Tensor(shape: [far.count, known], elements: tails), .plain, .transposed)
        rest = try seen.subtracting(train)
        // The same at the rows kept here: coefficients of their nearer halves on top.
        let inner = close.count / near.count
        let heads = try Tensor(shape: [near.count, inner], elements: close)
        let mixed = try product(heads, train.reshaped([inner, n * far.count]))
        ownRest = try own.subtracting(mixed.reshaped([rows.count, far.count]))
      }
      let chosen = rows.picked(try largeRows(ownRest))
      if isForward { left[next] = chosen } else { right[next] = chosen }
      return rest
    }
  }

  /// Dominant rows of the residual, and random ones where its rank is below ``rank``.
  private mutating func largeRows(_ rest: Tensor<T>) throws(TTKitError) -> [Int] {
    let size = rest.norm
    var rows: [Int] = []
    if size > 0, size.isFinite {
      let scaled = try rest.scaled(by: T(real: T.Real(1 / size)))
      let u = try independentColumns(scaled, relativeTo: 1)
      rows = try maximumVolume(u).rows
    }
    for _ in 0..<4 * Self.rank where rows.count < min(Self.rank, rest.shape[0]) {
      let row = random.below(rest.shape[0])
      if !rows.contains(row) { rows.append(row) }
    }
    return rows
  }
}

/// Coefficients of the interpolation at bond b for keys of one side of it, (keys, rank), row-major: products of
/// the cores before the bond (`isPrefix`) or from it on.
private func coefficients<T: Scalar>(
  _ cores: [[T]], _ keys: KeyList, _ b: Int, _ isPrefix: Bool, _ coder: IndexCoder
) -> [T] {
  var result: [T] = []
  for p in keys.indices {
    var row: [T] = [.one]
    for step in 0..<(isPrefix ? b : coder.order - b) {
      let k = isPrefix ? step : coder.order - 1 - step
      let (i, n) = (coder.index(mode: k, in: keys.words, at: p * coder.width), coder.shape[k])
      row = isPrefix ? rowProduct(row, cores[k], i, n) : columnProduct(cores[k], row, i, n)
    }
    result += row
  }
  return result
}

/// row · core[:, i, :] for a row-major core (row.count, n, b).
@specialized(where T == Double)
private func rowProduct<T: Scalar>(_ row: [T], _ core: [T], _ i: Int, _ n: Int) -> [T] {
  let b = core.count / (row.count * n)
  var result = [T](repeating: .zero, count: b)
  for x in row.indices {
    for y in 0..<b { result[y] = result[y] + row[x] * core[(x * n + i) * b + y] }
  }
  return result
}

/// core[:, i, :] · column for a row-major core (a, n, column.count).
@specialized(where T == Double)
private func columnProduct<T: Scalar>(_ core: [T], _ column: [T], _ i: Int, _ n: Int) -> [T] {
  let b = column.count
  return (0..<core.count / (n * b)).map { x in
    var sum = T.zero
    for y in 0..<b { sum = sum + core[(x * n + i) * b + y] * column[y] }
    return sum
  }
}
