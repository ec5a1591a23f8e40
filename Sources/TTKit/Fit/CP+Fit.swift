internal import Glibc

extension CP {
  /// Alternating least squares in float64, from the leading singular vectors of the unfoldings and from
  /// pseudo-random factors; the best run counts.
  ///
  /// A ridge of 1e-12 of the largest Gram entry keeps diverging terms finite. Every column has the same
  /// norm in all factors.
  /// - Error: the smallest possible for one row and one column factor (an SVD); else a stationary point:
  ///   a best approximation need not exist. No sweep increases it.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    if modes.count == 2 { return try fitPair(matrix, executor) }
    let tensor = try matrix.converted(to: Double.self).reshaped(modes)
    // Short runs from several starts, then a long one from the best.
    var best = try CPSweep(tensor, rank: rank, seed: 0)
    var least = try best.run(most: Self.mostSweeps / 5)
    for seed in 1..<Self.starts where least > 1e-14 {
      var sweep = try CPSweep(tensor, rank: rank, seed: seed)
      let error = try sweep.run(most: Self.mostSweeps / 5)
      if error < least { (best, least) = (sweep, error) }
    }
    _ = try best.run(most: Self.mostSweeps)
    return try best.balanced().map { (factor) throws(TTKitError) in
      try factor.converted(to: T.self)
    }
  }

  private static let mostSweeps = 100
  private static let starts: UInt64 = 4

  private func fitPair<T: RealScalar>(
    _ matrix: Tensor<T>, _ executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let factors = try LowRank(rank: rank).fit(matrix, executor: executor)
    let right = try factors[1].transposed([1, 0])
    // A rank above the matrix' own is met with zeros.
    return [
      try factors[0].resized(rows: modes[0], columns: rank),
      try right.resized(rows: modes[1], columns: rank),
    ]
  }
}

/// The state of alternating least squares: factors (n[k], R) and their Gram matrices.
struct CPSweep {
  private let whole: NamedTensor<Double>
  private let rank: Int
  private let squaredNorm: Double
  private(set) var factors: [Tensor<Double>] = []
  private var grams: [Tensor<Double>] = []

  /// - Parameter seed: 0 starts from singular vectors, others from random numbers.
  init(_ tensor: Tensor<Double>, rank: Int, seed: UInt64) throws(TTKitError) {
    whole = NamedTensor(
      axes: tensor.shape.enumerated().map { Axis("m\($0)", $1) }, tensor: tensor)
    self.rank = rank
    let norm = tensor.norm
    squaredNorm = norm * norm
    var state = seed &+ 1
    for k in tensor.shape.indices {
      let start = try Self.start(tensor, mode: k, rank: rank, isRandom: seed > 0, &state)
      factors.append(start)
      grams.append(try product(start, start, .transposed, .plain))
    }
  }

  /// Leading left singular vectors of the unfolding; columns past them are pseudo-random.
  private static func start(
    _ tensor: Tensor<Double>, mode k: Int, rank: Int, isRandom: Bool,
    _ seed: inout UInt64
  ) throws(TTKitError) -> Tensor<Double> {
    let n = tensor.shape[k]
    let vectors = try leadingVectors(tensor, mode: k)
    let (width, known) = (vectors.shape[1], isRandom ? 0 : vectors.shape[1])
    var state = seed
    let made = try Tensor<Double>(shape: [n, rank]) { out in
      vectors.withSpan { span in
        for i in 0..<n {
          for r in 0..<rank {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let random = Double(state >> 11) / Double(1 << 53) - 0.5
            out[i * rank + r] = r < known ? span[i * width + r] : random
          }
        }
      }
    }
    seed = state
    return made
  }

  /// Sweeps until the error stands still or `most` are done; the error as of `run()`.
  mutating func run(most: Int) throws(TTKitError) -> Double {
    var before = Double.infinity
    for _ in 0..<most {
      let error = try run()
      let stands = before - error <= 1e-8 * before && before.isFinite
      before = error
      if stands { break }
    }
    return before
  }

  /// Every factor once; the squared error after the last, relative to ‖tensor‖².
  mutating func run() throws(TTKitError) -> Double {
    guard squaredNorm > 0 else {
      for k in factors.indices { factors[k] = try factors[k].map { _ in 0 } }
      return 0
    }
    let bond = Axis("r", rank)
    var error = 0.0
    for k in factors.indices {
      var operands = [whole]
      var gram = try Tensor<Double>(shape: [rank, rank]) { out in
        for i in out.indices { out[i] = 1 }
      }
      for other in factors.indices where other != k {
        operands.append(
          NamedTensor(axes: [whole.axes[other], bond], tensor: factors[other]))
        gram = try multiplied(gram, grams[other])
      }
      let target = try contract(operands, to: [whole.axes[k], bond])
      factors[k] = try solved(target, gram)
      grams[k] = try product(factors[k], factors[k], .transposed, .plain)
      if k == factors.count - 1 {
        // ‖W − W'‖² = ‖W‖² − 2⟨W, W'⟩ + ‖W'‖².
        let both = dot(target, factors[k])
        error = max(squaredNorm - 2 * both + dot(gram, grams[k]), 0) / squaredNorm
      }
    }
    return error
  }

  /// X with X · (gram + ridge) = target, by the eigenvectors of the symmetric gram.
  private func solved(
    _ target: Tensor<Double>, _ gram: Tensor<Double>
  ) throws(TTKitError) -> Tensor<Double> {
    let (u, s, vh) = try svd(gram)
    let ridge = 1e-12 * max(s.first ?? 0, .leastNormalMagnitude)
    let inner = try product(target, vh, .plain, .transposed)
    let scaled = try Tensor<Double>(shape: inner.shape) { out in
      inner.withSpan { span in
        for i in out.indices { out[i] = span[i] / (s[i % rank] + ridge) }
      }
    }
    return try product(scaled, u, .plain, .transposed)
  }

  /// Column r of every factor with the geometric mean of their norms.
  func balanced() throws(TTKitError) -> [Tensor<Double>] {
    let d = Double(factors.count)
    let squares = try grams.map { (gram) throws(TTKitError) in gram.elements }
    var result: [Tensor<Double>] = []
    for factor in factors {
      result.append(
        try Tensor<Double>(shape: factor.shape) { out in
          factor.withSpan { span in
            for r in 0..<rank {
              let norms = squares.map { max($0[r * rank + r], 0).squareRoot() }
              let own = columnNorm(span, r)
              let logs = norms.reduce(0) { $0 + log($1) }
              let scale = norms.contains(0) ? 0 : exp(logs / d) / own
              for i in 0..<factor.shape[0] { out[i * rank + r] = span[i * rank + r] * scale }
            }
          }
        })
    }
    return result
  }

  private func columnNorm(_ span: Span<Double>, _ r: Int) -> Double {
    var sum = 0.0
    for i in stride(from: r, to: span.count, by: rank) { sum += span[i] * span[i] }
    return sum.squareRoot()
  }
}
