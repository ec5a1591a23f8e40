/// Passes over the cores of a block of eigenvectors.
///
/// All vectors share every core but the pair where the sweep is, which carries one more index, that of the
/// vector. Ranks grow and shrink by truncated SVDs of this pair.
/// Sources: S. White, Density matrix formulation for quantum renormalization groups, Phys. Rev. Lett. 69
/// (1992); S. Dolgov, B. Khoromskij, I. Oseledets, D. Savostyanov, Computation of extreme eigenvalues in
/// higher dimensions using block tensor train format, Comput. Phys. Commun. 185 (2014).

struct EigenSweeps<T: Scalar> {
  private var matrix: OperatorCores<T>
  /// Orthonormal on both sides of the pair; the pair's own cores are out of date.
  private var x: [Tensor<T>]
  private var interfaces: Interfaces<T>
  private var caps: [Int]
  private let count: Int
  private var isBackward = false
  /// The vectors over the pair where the sweep is: (unknowns, count), orthonormal columns.
  private var block: Tensor<T>
  private(set) var values: [Double] = []
  /// Largest |eigenvalue| met: the size of the matrix, from below.
  private(set) var size: Double
  private(set) var isCapped = false
  let tolerance: Double

  var order: Int { x.count }
  var maxRank: Int { x.map { $0.shape[2] }.reduce(1, max) }

  /// - Parameters:
  ///   - start: a train of ranks that let every pair hold `count` vectors.
  ///   - size: of the matrix, roughly.
  init(
    _ matrix: TrainMatrix<T>, count: Int, start: TensorTrain<T>, caps: [Int], size: Double,
    tolerance: Double, random: inout SeededGenerator
  ) throws(TTKitError) {
    self.matrix = try OperatorCores(matrix)
    self.count = count
    self.size = size
    self.tolerance = tolerance
    self.caps = caps
    x = start.cores
    interfaces = try Interfaces()
    block = try Tensor(shape: [0, 0]) { _ in }
    // Interfaces of all bonds, by a first pass from the right that solves nothing.
    try flip()
    for k in 0..<order - 1 {
      let (q, r) = try qr(x[k].matrix(lastAxes: 1))
      let next = x[k + 1]
      x[k] = q.reshaped([x[k].shape[0], x[k].shape[1], q.shape[1]])
      x[k + 1] = try product(r, next.matrix(lastAxes: 2))
        .reshaped([r.shape[0], next.shape[1], next.shape[2]])
      try interfaces.advance(test: x[k], operator: self.matrix.cores[k], trial: x[k])
    }
    try flip()
    try interfaces.mirror()
    let unknowns = order == 1 ? x[0].count : try joined(x, 0).count
    guard unknowns >= count else {
      throw .invalidArgument(
        "\(count) eigenvectors do not fit into two cores of \(unknowns) numbers; allow larger ranks"
      )
    }
    block = try qr(randomTensor([unknowns, count], &random, as: T.self)).q
  }

  /// One pass over all pairs, in alternating directions.
  ///
  /// - Returns: the largest residual of the vectors before a local problem was solved, relative to `size`.
  mutating func pass() throws(TTKitError) -> Double {
    isCapped = false
    var worst = 0.0
    for k in 0..<max(order - 1, 1) { worst = max(worst, try visit(k)) }
    guard order > 1 else { return worst }
    // The last pair is the first of the way back, its axes mirrored.
    let (a, n, m) = (x[order - 2].shape[0], x[order - 2].shape[1], x[order - 1].shape[1])
    block = try block.reshaped([a, n, m, count]).transposed([2, 1, 0, 3])
      .reshaped([a * n * m, count])
    try flip()
    try interfaces.mirror()
    return worst
  }

  /// The vectors as trains in the caller's order of cores.
  func vectors() throws(TTKitError) -> [TensorTrain<T>] {
    // The pair is the first one here: split once more, the block on the left.
    var result: [TensorTrain<T>] = []
    let columns = try block.transposed([1, 0])
    for v in 0..<count {
      let column = try columns.block(at: [v, 0], shape: [1, columns.shape[1]])
      var cores = x
      if order == 1 {
        cores[0] = column.reshaped([1, columns.shape[1], 1])
      } else {
        let (n, m, b) = (x[0].shape[1], x[1].shape[1], x[1].shape[2])
        let (q, r) = try qr(column.reshaped([n, m * b]))
        cores[0] = q.reshaped([1, n, q.shape[1]])
        cores[1] = r.reshaped([q.shape[1], m, b])
      }
      result.append(try TensorTrain(checking: isBackward ? mirrored(cores) : cores))
    }
    return result
  }

  // MARK: - Steps

  /// Solves for the pair (k, k + 1) and moves on.
  private mutating func visit(_ k: Int) throws(TTKitError) -> Double {
    let right = min(k + 1, order - 1)
    let local = LocalEigenproblem(
      matrix: try LocalOperator(
        interfaces.before, Array(matrix.cores[k...right]), interfaces.after(right)), count: count)
    let before = try local.residual(block)
    guard before.isFinite else {
      throw .nonFinite("a local residual is not finite; scale the matrix down")
    }
    let found = try local.lowest(from: block, tolerance: tolerance * size / 8)
    (values, block, size) = (found.values, found.vectors, max(size, found.size))
    guard order > 1 else { return before / size }
    // The core itself is out of date, the interface knows its left rank.
    let (a, n) = (interfaces.before.tensor.shape[0], x[k].shape[1])
    let (m, b) = (x[k + 1].shape[1], x[k + 1].shape[2])
    let (u, s, vh) = try svd(block.reshaped([a * n, m * b * count]))
    var budget = TruncationBudget<T.Real>(
      Truncation(relative: tolerance / (4 * Double(order).squareRoot())),
      norm: Double(count).squareRoot(), exponent: 0, steps: 1)
    let wanted = budget.keep(s, cap: .max)
    let rank = min(wanted, caps[k])
    isCapped = isCapped || wanted > rank
    x[k] = try u.block(at: [0, 0], shape: [a * n, rank]).reshaped([a, n, rank])
    try interfaces.advance(test: x[k], operator: matrix.cores[k], trial: x[k])
    let rest = try vh.block(at: [0, 0], shape: [rank, m * b * count]).rowsScaled(by: s)
    if k == order - 2 {
      x[k + 1] = try Tensor(shape: [rank, m, b], zeroed: true) { _ in }
      // What the truncation left, so that the vectors are those of the cores.
      block = try orthonormal(product(x[k].matrix(lastAxes: 1), rest).reshaped([a * n * m, count]))
      return before / size
    }
    // (rank, m, b, vector) times the next core (b, p, c): (rank, m, p, c, vector).
    let next = x[k + 2]
    let (p, c) = (next.shape[1], next.shape[2])
    let merged = try product(
      rest.reshaped([rank, m, b, count]).transposed([0, 1, 3, 2]).reshaped([rank * m * count, b]),
      next.matrix(lastAxes: 2))
    block = try orthonormal(
      merged.reshaped([rank, m, count, p, c]).transposed([0, 1, 3, 4, 2])
        .reshaped([rank * m * p * c, count]))
    return before / size
  }

  /// Truncation made the vectors a little dependent.
  private func orthonormal(_ block: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    guard block.shape[0] >= count else {
      throw .invalidArgument(
        "\(count) eigenvectors do not fit into two cores of \(block.shape[0]) numbers; allow larger ranks"
      )
    }
    return try qr(block).q
  }

  private mutating func flip() throws(TTKitError) {
    x = try mirrored(x)
    matrix.mirror()
    caps = caps[0..<order - 1].reversed() + [.max]
    isBackward.toggle()
  }
}
