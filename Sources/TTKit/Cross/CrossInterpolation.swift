/// Tensor cross interpolation: a train from few values of a function on a grid.
///
/// Goals, in order: never claim an error that was not validated; few evaluations; well-conditioned cores;
/// speed. Every function value asked of an accepted pivot stays in use, because index sets only grow.
/// Source: Y. Núñez Fernández et al., Learning tensor networks with tensor cross interpolation, SciPost Phys.
/// 18 (2025); S. Dolgov, D. Savostyanov, Parallel cross interpolation for high-precision calculation of
/// high-dimensional integrals, Comput. Phys. Commun. 246 (2020).

/// The crosses of one run and how they grow.
struct CrossInterpolation<T: Scalar>: CrossSearch {
  let sampler: Sampler<T>
  let options: CrossOptions
  let admissible: Admissibility
  var random: SeededGenerator
  private(set) var crosses: NestedCrosses<T>
  /// Residuals below this are left alone; falls when the error on random points stays too large.
  var threshold: Double
  /// The largest residual met in the latest pass.
  private var level = Double.infinity
  private var isForward = true
  /// Rows of each bond whose residual was looked at because the train extrapolates there.
  private var seen: [Set<Int>]

  var coder: IndexCoder { sampler.coder }
  var ranks: [Int] { crosses.ranks }

  init(
    _ sampler: Sampler<T>, _ options: CrossOptions, _ admissible: Admissibility,
    _ random: SeededGenerator, pivot: [UInt64], threshold: Double
  ) throws(Interruption) {
    self.sampler = sampler
    self.options = options
    self.admissible = admissible
    self.random = random
    self.threshold = threshold
    seen = Array(repeating: [], count: sampler.coder.order + 1)
    crosses = try NestedCrosses(pivot, sampler)
  }

  /// How many pivots a visit may add to a bond: more for larger ranks, so that the number of
  /// passes grows like the logarithm of the rank.
  private func growth(_ bond: Int) -> Int {
    let rank = crosses.left[bond].count
    return min(max(1, rank / 2), options.cap(bond: bond) - rank)
  }

  /// Visits every bond once, in alternating directions.
  ///
  /// - Returns: whether nothing was left to add, and whether a bond is at the rank cap.
  mutating func pass() throws(Interruption) -> (isStalled: Bool, isCapped: Bool) {
    let d = coder.order
    var added = 0
    var capped = false
    var worst = 0.0
    // The largest residuals first, over all bonds: small ones of one bond often vanish with them.
    let floor = max(threshold, level.isFinite ? 0.05 * level : 0)
    for step in 1..<max(d, 1) {
      let b = isForward ? step : d - step
      let outcome = try visit(b, starts: [], extra: nil, floor: floor)
      added += outcome.added
      worst = max(worst, outcome.worst)
      if growth(b) <= 0 { capped = true }
    }
    isForward.toggle()
    level = worst
    return (added == 0 && floor <= threshold, capped)
  }

  private mutating func visit(
    _ b: Int, starts: [PivotStart<T>], extra: KeyList?, floor: Double
  ) throws(Interruption) -> BondOutcome {
    var search = try BondSearch(bond: b, crosses, sampler, admissible, extra: extra)
    let limit = growth(b)
    if options.search == .full, extra == nil {
      return try search.full(&crosses, threshold: floor, limit: limit)
    }
    return try search.rook(
      &crosses, starts: starts, threshold: floor, limit: limit, random: &random,
      seen: &seen[b])
  }

  func pivots() -> [[Int]] { crosses.pivots() }

  func cores() -> [[T]] { crosses.cores() }

  /// Adds pivots that reduce the error at the given points, on every bond that is to blame for it.
  ///
  /// The error at x is a sum over bonds: with g_b[a] = f(I_b[a], x_b...), bond b contributes
  /// g_{b−1}[a] − Σ_c core_{b−1}[a, x_{b−1}, c] g_b[c] on the row (a, x_{b−1}), propagated by the cores
  /// before it. So Σ r[b] evaluations tell which rows of which bonds lack a pivot.
  mutating func insert(_ points: KeyList) throws(Interruption) -> Int {
    let d = coder.order
    guard d > 1 else { return 0 }
    let cores = cores()
    var starts = [[(row: Int, value: T)]](repeating: [], count: points.count * d)
    for p in 0..<points.count {
      try blame(points.key(p), cores) { b, row, value in
        starts[p * d + b].append((row, value))
      }
    }
    var added = 0
    for b in 1..<d {
      var extra = KeyList(width: coder.width)
      var places: [PivotStart<T>] = []
      let base = crosses.columns(bond: b).count
      for p in 0..<points.count where !starts[p * d + b].isEmpty {
        for start in starts[p * d + b] {
          places.append(
            PivotStart(row: start.row, column: base + extra.count, value: start.value))
        }
        extra.append(coder.part(b..<d, of: points.words, at: p * coder.width))
      }
      guard !places.isEmpty else { continue }
      added += try visit(b, starts: places, extra: extra, floor: threshold).added
    }
    return added
  }

  /// Calls `body(bond, row, f there)` for the rows whose part in the error at `point` exceeds the threshold.
  private func blame(
    _ point: [UInt64], _ cores: [[T]], _ body: (Int, Int, T) -> Void
  ) throws(Interruption) {
    let d = coder.order
    var keys = KeyList(width: coder.width)
    var tail = KeyList(width: coder.width)
    var first: [Int] = []
    for b in 0..<d {
      tail.append(coder.part(b..<d, of: point, at: 0))
      first.append(keys.count)
      keys.append(crosses.left[b].joined(with: tail, b))
    }
    let values = try sampler.values(keys)
    for b in 1..<d {
      let i = coder.index(mode: b - 1, in: point, at: 0)
      let (n, r) = (coder.shape[b - 1], crosses.left[b].count)
      for a in 0..<crosses.left[b - 1].count {
        let value = values[first[b - 1] + a]
        var rest = value
        for c in 0..<r {
          rest = rest - cores[b - 1][(a * n + i) * r + c] * values[first[b] + c]
        }
        if Double(rest.magnitude) > threshold { body(b, a * n + i, value) }
      }
    }
  }
}
