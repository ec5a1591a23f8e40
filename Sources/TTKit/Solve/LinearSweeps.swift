/// Passes over the cores of the solution of a linear system.
///
/// Goals, in order: the residual is what is made small, never only the change of the solution; ranks no
/// larger than that needs; cost.
/// Sources: S. Holtz, T. Rohwedder, R. Schneider, The alternating linear scheme for tensor optimization in
/// the tensor train format, SIAM J. Sci. Comput. 34 (2012) (one and two sites); S. Dolgov, D. Savostyanov,
/// Alternating minimal energy methods for linear systems in higher dimensions, SIAM J. Sci. Comput. 36
/// (2014) (enrichment).

/// A x = b in the middle of its solution; ‖b‖ = 1.
struct LinearSweeps<T: Scalar> {
  private var matrix: OperatorCores<T>
  private var b: [Tensor<T>]
  /// Orthonormal but for the core where the next pass starts.
  private(set) var x: [Tensor<T>]
  private let options: SolveOptions<T>
  private var caps: [Int]
  /// The solution itself as test space.
  private var galerkin: TestSpace<T>
  /// Directions of the residual, of the enriched method.
  private var enrichment: Enrichment<T>?
  private var isBackward = false
  /// Residual allowed by the run, all bonds together.
  var tolerance: Double
  /// Whether a cap cut a rank in the latest pass.
  private(set) var isCapped = false

  var order: Int { x.count }

  init(
    _ matrix: TrainMatrix<T>, _ side: [Tensor<T>], start: TensorTrain<T>,
    residual: TensorTrain<T>, _ options: SolveOptions<T>, tolerance: Double
  ) throws(TTKitError) {
    self.matrix = try OperatorCores(matrix)
    self.options = options
    self.tolerance = tolerance
    b = side
    x = start.cores
    let d = start.order
    caps = options.truncation.caps(order: d)
    galerkin = try TestSpace()
    var directions = residual.cores
    if options.method == .enriched {
      enrichment = try Enrichment(seed: options.seed)
      directions = try mirrored(residual.cores)
    }
    // Interfaces of all bonds, by a first pass from the right that solves nothing.
    try flip()
    for k in 0..<d - 1 {
      let (q, r) = try qr(x[k].matrix(lastAxes: 1))
      x[k + 1] = try carried(r, into: x[k + 1])
      let core = q.reshaped([x[k].shape[0], x[k].shape[1], q.shape[1]])
      if enrichment != nil {
        let z = try qr(directions[k].matrix(lastAxes: 1))
        directions[k + 1] = try carried(z.r, into: directions[k + 1])
        try enrichment!.space.advance(
          test: z.q.reshaped([directions[k].shape[0], directions[k].shape[1], z.q.shape[1]]),
          operator: self.matrix.cores[k], x: core, b: b[k])
      }
      x[k] = core
      try advance(k)
    }
    try turn()
  }

  /// One pass over all cores, in alternating directions.
  ///
  /// - Returns: the largest residual of a local problem before it was solved.
  mutating func pass() throws(TTKitError) -> Double {
    isCapped = false
    var worst = 0.0
    let sites = options.method == .twoSite ? min(2, order) : 1
    for k in 0...order - sites { worst = max(worst, try visit(k, sites)) }
    try turn()
    return worst
  }

  /// The cores in the caller's order.
  func cores() throws(TTKitError) -> [Tensor<T>] { isBackward ? try mirrored(x) : x }

  // MARK: - Steps

  /// Solves for core k, or k and the next, and moves on.
  private mutating func visit(_ k: Int, _ sites: Int) throws(TTKitError) -> Double {
    let share = tolerance / Double(order).squareRoot()
    let (a, n) = (x[k].shape[0], x[k].shape[1])
    let (core, side) = sites == 1 ? (x[k], b[k]) : try (joined(x, k), joined(b, k))
    let right = k + sites - 1
    let local = LocalSystem(
      matrix: try LocalOperator(
        galerkin.matrix.before, Array(matrix.cores[k...right]), galerkin.matrix.after(right)),
      side: try galerkin.localSide(side, galerkin.side.after(right)),
      preconditioner: options.preconditioner)
    let (solution, before, after) = try local.solved(from: core, tolerance: share / 4)
    if k == order - sites, sites == 1 {
      x[k] = solution.reshaped(core.shape)
      return before
    }
    let split = try Split(
      solution.reshaped([a * n, core.count / (a * n)]), local, fixed: options.method == .oneSite,
      limit: max(share / 2, 1.5 * after), cap: caps[k])
    isCapped = isCapped || split.isCapped
    if sites == 2 {
      x[k] = split.left.reshaped([a, n, split.rank])
      x[k + 1] = split.rest.reshaped([split.rank, x[k + 1].shape[1], x[k + 1].shape[2]])
      try advance(k)
      return before
    }
    var (left, rest) = (split.left, split.rest)
    if enrichment != nil {
      let current = try product(left, rest).reshaped(core.shape)
      var extra = try enrichment!.directions(
        k, current, b[k], matrix.cores[k], beside: galerkin, threshold: share / 10)
      if let found = extra, found.shape[1] > caps[k] - split.rank {
        isCapped = true
        extra = try found.block(at: [0, 0], shape: [a * n, caps[k] - split.rank])
      }
      if let extra {
        let basis = try qr(
          Tensor.assembled(
            shape: [a * n, split.rank + extra.shape[1]],
            [([0, 0], left), ([0, split.rank], extra)]))
        let inner = try basis.r.block(at: [0, 0], shape: [basis.r.shape[0], split.rank])
        (left, rest) = (basis.q, try product(inner, rest))
      }
      let test = try enrichment!.test(k, current, b[k], matrix.cores[k])
      let solved = left.reshaped([a, n, left.shape[1]])
      try enrichment!.space.advance(test: test, operator: matrix.cores[k], x: solved, b: b[k])
    }
    x[k] = left.reshaped([a, n, left.shape[1]])
    x[k + 1] = try carried(rest, into: x[k + 1])
    try advance(k)
    return before
  }

  private mutating func advance(_ k: Int) throws(TTKitError) {
    try galerkin.advance(test: x[k], operator: matrix.cores[k], x: x[k], b: b[k])
  }

  /// The way back, in the mirror.
  private mutating func turn() throws(TTKitError) {
    try flip()
    try galerkin.mirror()
    try enrichment?.space.mirror()
  }

  private mutating func flip() throws(TTKitError) {
    x = try mirrored(x)
    b = try mirrored(b)
    matrix.mirror()
    caps = caps[0..<order - 1].reversed() + [.max]
    isBackward.toggle()
  }
}

/// matrix (c, a) · core (a, n, b).
private func carried<T: Scalar>(
  _ matrix: Tensor<T>, into core: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  try product(matrix, core.matrix(lastAxes: 2))
    .reshaped([matrix.shape[0], core.shape[1], core.shape[2]])
}

/// Cores k and k + 1 contracted: (a, n, m, b).
func joined<T: Scalar>(_ cores: [Tensor<T>], _ k: Int) throws(TTKitError) -> Tensor<T> {
  let (x, y) = (cores[k], cores[k + 1])
  return try product(x.matrix(lastAxes: 1), y.matrix(lastAxes: 2))
    .reshaped([x.shape[0], x.shape[1], y.shape[1], y.shape[2]])
}
