/// Canonical (CP) decompositions of dense tensors.

extension TensorNetwork {
  /// ∑ over r < rank of weight[r] · U[0][:, r] ∘ … ∘ U[d−1][:, r], close to `tensor`.
  ///
  /// The tensor is compressed to at most `rank` in every mode first. Alternating least squares starts from
  /// a matrix pencil, from singular vectors and from random factors; the best goes on, and damped Gauss-Newton steps on all
  /// factors follow where sweeps creep.
  /// - Parameter tensor: shape (n[0], …, n[d−1]), every n[k] >= 1, finite.
  /// - Returns: weights, descending, and factors (n[k], rank) with columns of norm 1, computed in float64.
  /// - Error: a stationary point, seldom the least error: a best approximation need not exist, and finding
  ///   it is NP-hard. `error` is that of the result, formed.
  /// - Complexity: O(N rank) for each sweep of N elements; memory: two tensors more.
  /// - Throws: `.invalidArgument`, `.nonFinite`, `.outOfMemory`, `.cancelled`.
  /// - Source: T. Kolda, B. Bader, SIAM Review 51 (2009), figure 3.3; Sorber et al. 2013.
  public static func canonical(
    _ tensor: Tensor<T>, rank: Int, _ options: NetworkOptions = NetworkOptions(),
    executor: Executor = Executor(), progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorNetwork {
    guard rank >= 1 else { throw .invalidArgument("rank is \(rank), expected at least 1") }
    _ = try checkedProduct([rank, rank, 16])
    let near = try checkedInput(tensor, options)
    if T.dtype == T.Real.dtype {
      return try converted(near, Double.self, rank, options, executor, progress)
    }
    return try converted(near, Complex<Double>.self, rank, options, executor, progress)
  }

  private static func converted<W: Scalar>(
    _ near: ScaledTensor<T>, _ type: W.Type, _ rank: Int, _ options: NetworkOptions,
    _ executor: Executor, _ progress: ProgressReporter
  ) throws(TTKitError) -> TensorNetwork {
    let search = try CanonicalSearch(
      near.tensor.cast(to: W.self), rank: rank, options, executor, progress)
    let (weights, factors) = try search.best.normalized()
    let scaled = weights.map { scaledByPowerOfTwo($0, near.exponent) }
    let first = try Tensor<T>(
      shape: [rank], elements: scaled.map { T(real: T.Real($0)) })
    return try TensorNetwork(
      .canonical, shape: near.tensor.shape,
      cores: [first] + factors.map { (factor) throws(TTKitError) in try factor.cast(to: T.self) },
      error: search.error, steps: search.steps, isConverged: search.isConverged)
  }
}

/// One search: compress, start, sweep, refine.
private struct CanonicalSearch<T: Scalar> {
  private(set) var best: CanonicalFactors<T>
  private(set) var error = 0.0
  private(set) var steps = 0
  private(set) var isConverged = true

  init(
    _ tensor: Tensor<T>, rank: Int, _ options: NetworkOptions, _ executor: Executor,
    _ progress: ProgressReporter
  ) throws(TTKitError) {
    guard tensor.norm > 0 else {
      best = try CanonicalFactors(
        tensor.shape.map { (n) throws(TTKitError) in
          try Tensor<T>(shape: [n, rank], zeroed: true) { _ in }
        })
      return
    }
    let inner = try Compression(tensor, rank: rank, executor)
    best = try Self.started(inner.core, rank: rank, options, progress)
    try refine(inner.core, options, progress)
    guard inner.isSmaller else { return }
    best = try inner.expanded(best)
    let whole = best.matrix(tensor)
    // What the compression dropped is seen again: a few sweeps over the whole tensor.
    if inner.error > 1e-12 {
      let squared = tensor.norm * tensor.norm
      for _ in 0..<3 { _ = try best.sweep(whole, squaredNorm: squared) }
      try refine(tensor, options, progress)
    } else {
      error = try relativeDistance(whole, best.dense())
    }
  }

  /// The best of a few short runs.
  private static func started(
    _ tensor: Tensor<T>, rank: Int, _ options: NetworkOptions, _ progress: ProgressReporter
  ) throws(TTKitError) -> CanonicalFactors<T> {
    var best: (factors: CanonicalFactors<T>, error: Double)?
    let squared = tensor.norm * tensor.norm
    for start in 0..<6 {
      try progress.report("canonical: starts", start, of: 6)
      var generator = SeededGenerator(seed: options.seed &* 8 &+ UInt64(start))
      var factors: [Tensor<T>] = []
      if start == 0 {
        guard let exact = try pencilStart(tensor, rank: rank, &generator) else { continue }
        factors = exact
      } else {
        for k in tensor.shape.indices {
          let known = start == 1 ? try leadingBasis(tensor, mode: k) : nil
          try factors.append(filled(tensor.shape[k], rank, known, &generator))
        }
      }
      var state = try CanonicalFactors(factors)
      var error = 1.0
      for _ in 0..<20 {
        let now = try state.sweep(state.matrix(tensor), squaredNorm: squared)
        let stands = abs(error - now) <= 1e-6 * now
        error = now
        if stands { break }
      }
      if best.map({ error < $0.error }) ?? true { best = (state, error) }
      // Nothing beats a pencil that explains the tensor: what is left is noise.
      if error < (start == 0 ? 1e-6 : 1e-20) { break }
    }
    return best!.factors  // all but the first start run always
  }

  /// Sweeps while they gain, then damped Newton steps.
  private mutating func refine(
    _ tensor: Tensor<T>, _ options: NetworkOptions, _ progress: ProgressReporter
  ) throws(TTKitError) {
    let matrix = best.matrix(tensor)
    let squared = tensor.norm * tensor.norm
    let most = options.mostSteps ?? 200
    let tolerance = options.tolerance ?? 1e-8
    var before = 1.0
    for _ in 0..<10 {
      let now = try best.sweep(matrix, squaredNorm: squared)
      steps += 1
      if abs(before - now) <= tolerance * now { break }
      before = now
    }
    var newton = try CanonicalNewton(best, matrix)
    isConverged = false
    var small = 0
    while steps < most {
      try progress.report("canonical: steps", steps, of: most)
      let before = newton.error
      steps += 1
      guard before > 1e-15, try newton.step() else {
        isConverged = true
        break
      }
      small = before - newton.error <= tolerance * newton.error ? small + 1 : 0
      if small == 2 {
        isConverged = true
        break
      }
    }
    (best, error) = (newton.state, newton.error)
  }

  /// Left singular vectors of an unfolding.
  private static func leadingBasis(
    _ tensor: Tensor<T>, mode k: Int
  ) throws(TTKitError) -> Tensor<T> {
    let order = [k] + tensor.shape.indices.filter { $0 != k }
    let n = tensor.shape[k]
    let unfolded = try tensor.transposed(order).reshaped([n, tensor.count / n])
    return try truncatedSplit(unfolded, Executor(threads: 1)) { $0.count }.u
  }

  /// A factor (n, rank) of the known columns, then of random ones.
  private static func filled(
    _ n: Int, _ rank: Int, _ known: Tensor<T>?, _ generator: inout SeededGenerator
  ) throws(TTKitError) -> Tensor<T> {
    var numbers: [T] = []
    for _ in 0..<(n * rank) {
      // Real starts would keep a complex search in a subspace.
      let (a, b) = (generator.unit() - 0.5, generator.unit() - 0.5)
      numbers.append(T(a, imaginary: b))
    }
    let random = try Tensor<T>(shape: [n, rank], elements: numbers)
    guard let known else { return random }
    let width = min(known.shape[1], rank)
    let part = try known.block(at: [0, 0], shape: [n, width])
    return try Tensor.assembled(shape: [n, rank], [([0, 0], random), ([0, 0], part)])
  }
}

extension CanonicalFactors {
  /// The tensor as a matrix (left half, right half).
  fileprivate func matrix(_ tensor: Tensor<T>) -> Tensor<T> {
    let left = factors[..<cut].reduce(1) { $0 * $1.shape[0] }  // divides the tensor's size
    return tensor.reshaped([left, tensor.count / left])
  }
}

/// A tensor in bases of at most `rank` vectors a mode.
private struct Compression<T: Scalar> {
  let core: Tensor<T>
  let error: Double
  private let bases: [Tensor<T>?]

  init(_ tensor: Tensor<T>, rank: Int, _ executor: Executor) throws(TTKitError) {
    // Worth it only where it makes the tensor clearly smaller.
    let caps = tensor.shape.map { rank < $0 / 2 ? rank : 0 }
    var budget = TruncationBudget<T.Real>(
      Truncation(maxRank: rank), norm: tensor.norm, exponent: 0, steps: caps.count)
    (bases, core) = try compressed(tensor, caps: caps, &budget, executor)
    error = budget.relativeError
  }

  var isSmaller: Bool { bases.contains { $0 != nil } }

  /// Factors of the core as factors of the tensor.
  func expanded(_ factors: CanonicalFactors<T>) throws(TTKitError) -> CanonicalFactors<T> {
    try CanonicalFactors(
      zip(factors.factors, bases).map { (factor, basis) throws(TTKitError) in
        guard let basis else { return factor }
        return try product(basis, factor)
      })
  }
}
