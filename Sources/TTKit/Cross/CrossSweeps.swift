/// Cross approximation by sweeps that choose index sets anew: one mode (maximum volume, AMEn) or two (DMRG) a
/// step.
///
/// Source: I. Oseledets, E. Tyrtyshnikov, TT-cross approximation for multidimensional arrays, Linear Algebra
/// Appl. 432 (2010); D. Savostyanov, I. Oseledets, Fast adaptive interpolation of multi-dimensional arrays in
/// tensor train format, nDS (2011).

/// Index sets and the train of the latest complete pass.
struct CrossSweeps<T: Scalar>: CrossSearch {
  let sampler: Sampler<T>
  let options: CrossOptions
  var threshold: Double
  /// Left multi-indices of each bond, right ones of each bond.
  var left: [KeyList]
  var right: [KeyList]
  private(set) var ranks: [Int]
  private var train: [[T]]
  private var isForward = true
  /// Of the enriched method.
  private var residual: ResidualSets<T>

  var coder: IndexCoder { sampler.coder }
  var order: Int { coder.order }

  /// Starts from the train of rank 1 through the first of `points`, with all of them in the index sets.
  init(
    _ sampler: Sampler<T>, _ options: CrossOptions, _ random: SeededGenerator, points: KeyList,
    threshold: Double
  ) throws(Interruption) {
    self.sampler = sampler
    self.options = options
    self.threshold = threshold
    let start = try NestedCrosses(points.key(0), sampler)
    left = start.left
    right = start.right
    ranks = start.ranks
    train = start.cores()
    residual = ResidualSets(sampler.coder, random)
    var sets = right
    _ = extended(&sets, with: points, isForward: true)
    right = sets
  }

  func cores() -> [[T]] { train }

  func pivots() -> [[Int]] {
    var seen = Set<[UInt64]>()
    var result: [[Int]] = []
    for b in 0..<order {
      for a in 0..<min(left[b].count, right[b].count) {
        var key = KeyList(width: coder.width)
        key.appendJoin(left[b], a, right[b], a)
        if seen.insert(key.words).inserted { result.append(coder.unpack(key.words)) }
      }
    }
    return result
  }

  mutating func pass() throws(Interruption) -> (isStalled: Bool, isCapped: Bool) {
    guard order > 1 else { return (true, false) }
    let before = (ranks: ranks, evaluations: sampler.evaluations)
    var left = left
    var right = right
    var cores = [[T]](repeating: [], count: order)
    var residual = residual
    var isCapped = false
    switch options.method {
    case .twoSite: isCapped = try sweepTwoModes(isForward, &left, &right, &cores)
    case .enriched: isCapped = try sweepEnriched(isForward, &left, &right, &cores, &residual)
    default: isCapped = try sweepOneMode(isForward, &left, &right, &cores)
    }
    (self.left, self.right, self.residual, train) = (left, right, residual, cores)
    ranks = [1]
    for k in cores.indices { ranks.append(cores[k].count / (ranks[k] * coder.shape[k])) }
    isForward.toggle()
    // Rows beyond the rank come and go; a pass that asks nothing new changes nothing that matters.
    let isStalled = ranks == before.ranks || sampler.evaluations == before.evaluations
    return (isStalled, isCapped)
  }

  /// The points' ends join the index sets that the next pass starts from.
  mutating func insert(_ points: KeyList) throws(Interruption) -> Int {
    var sets = isForward ? right : left
    let added = extended(&sets, with: points, isForward: isForward)
    if isForward { right = sets } else { left = sets }
    return added
  }

  private func extended(
    _ sets: inout [KeyList], with points: KeyList, isForward: Bool
  ) -> Int {
    var added = 0
    for b in 1..<max(order, 1) {
      var known = Set((0..<sets[b].count).map { sets[b].key($0) })
      for p in points.indices where sets[b].count < options.cap(bond: b) {
        let range = isForward ? b..<order : 0..<b
        let key = coder.part(range, of: points.words, at: p * coder.width)
        if known.insert(key).inserted {
          sets[b].append(key)
          added += 1
        }
      }
    }
    return added
  }

  /// (c·n + i, b) to (b, i, c), both row-major.
  func transposedCore(_ values: [T], _ n: Int, _ b: Int) -> [T] {
    let c = values.count / (n * b)
    var result = [T](repeating: .zero, count: values.count)
    for x in 0..<c {
      for i in 0..<n {
        for y in 0..<b { result[(y * n + i) * c + x] = values[(x * n + i) * b + y] }
      }
    }
    return result
  }

  /// f at every row joined with every column, row-major.
  func block(_ rows: KeyList, _ columns: KeyList) throws(Interruption) -> Tensor<T> {
    try sampler.requireRoom(rows.count, columns.count)
    var wanted = KeyList(width: coder.width)
    wanted.reserve(rows.count * columns.count)  // fits: checked
    for i in rows.indices {
      for j in columns.indices { wanted.appendJoin(rows, i, columns, j) }
    }
    let values = try sampler.values(wanted)
    return try wrapped { () throws(TTKitError) in
      try Tensor(shape: [rows.count, columns.count], elements: values)
    }
  }

  /// Where there is nothing to represent: any row does, with zero coefficients elsewhere.
  func anyRow(of count: Int) throws(TTKitError) -> DominantRows<T> {
    let zeros = try Tensor<T>(shape: [count, 1], zeroed: true) { $0[0] = .one }
    return DominantRows(rows: [0], coefficients: zeros)
  }

  /// An orthonormal basis of the columns of `a`, without those whose joint size is below the threshold.
  func basis(_ a: Tensor<T>, cap: Int) throws(TTKitError) -> (u: Tensor<T>, isCapped: Bool) {
    let (u, s, _) = try svd(a)
    // Root mean square over the block's elements; every bond may spend its share.
    let share = threshold * (Double(a.count) / Double(max(order - 1, 1))).squareRoot()
    let noise = Double(s[0]) * Double(T.Real.ulpOfOne) * Double(a.shape.reduce(0, max))
    var tail = 0.0
    var rank = s.count
    while rank > 1 {
      tail += Double(s[rank - 1]) * Double(s[rank - 1])
      if tail.squareRoot() > max(share, noise) { break }
      rank -= 1
    }
    let kept = min(rank, cap)
    return (try u.resized(rows: a.shape[0], columns: kept), kept < rank)
  }
}

extension KeyList {
  /// The keys at the given positions.
  func picked(_ positions: [Int]) -> KeyList {
    var result = KeyList(width: width)
    for p in positions { result.append(key(p)) }
    return result
  }
}
