/// Alternating least squares in the metric of the inputs' moment, for any network of cores.

/// Cores that are improved one after the other: W' is linear in each.
///
/// Each core's normal equations are solved by conjugate gradients from where the core stands, so no step
/// increases ‖W − W'‖ in the metric H. One step costs two contractions and a product with H.
struct WeightedSweep<T: RealScalar> {
  private(set) var cores: [Tensor<T>]
  private let equation: Equation
  private let matrix: Tensor<T>
  private let metric: Tensor<T>

  private static var mostSweeps: Int { 8 }
  private static var steps: Int { 6 }

  init(
    _ cores: [Tensor<T>], _ equation: Equation, _ matrix: Tensor<T>, _ moment: InputMoment
  ) throws(TTKitError) {
    self.cores = cores
    self.equation = equation
    self.matrix = matrix
    metric = try moment.damped(1e-6).converted(to: T.self)
  }

  /// Sweeps until one gains less than a hundredth.
  mutating func run() throws(TTKitError) {
    var before = Double.infinity
    for _ in 0..<Self.mostSweeps {
      var error = 0.0
      for k in cores.indices { error = try improve(k) }
      if !(error < 0.99 * before) { return }
      before = error
    }
  }

  /// Conjugate gradients for core k; the squared error after them.
  private mutating func improve(_ k: Int) throws(TTKitError) -> Double {
    var rest = try subtracted(matrix, dense(k, cores[k]))
    var weighted = try product(rest, metric)
    var slope = try pulledBack(k, weighted)
    var direction = slope
    var squared = inner(slope, slope)
    for _ in 0..<Self.steps where squared > 0 {
      let moved = try dense(k, direction)
      let bend = inner(moved, try product(moved, metric))
      guard bend > 0, bend.isFinite else { break }
      let step = T(squared / bend)
      cores[k] = try added(cores[k], direction.map { $0 * step })
      rest = try subtracted(rest, moved.map { $0 * step })
      weighted = try product(rest, metric)
      slope = try pulledBack(k, weighted)
      let next = inner(slope, slope)
      let share = T(next / squared)
      direction = try added(slope, direction.map { $0 * share })
      squared = next
    }
    return inner(rest, weighted)
  }

  /// The matrix of the network with `core` in place of core k.
  private func dense(_ k: Int, _ core: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    var operands = named()
    operands[k].tensor = core
    return try contract(operands, to: equation.rows + equation.columns)
      .reshaped(matrix.shape)
  }

  /// The adjoint of ``dense(_:_:)``: a matrix contracted with all other cores.
  private func pulledBack(_ k: Int, _ full: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let axes = equation.rows + equation.columns
    var operands = named()
    let wanted = operands.remove(at: k).axes
    let whole = NamedTensor(axes: axes, tensor: full.reshaped(axes.map(\.length)))
    // The closed ends of trains, of length 1, are in no other core.
    let seen = Set(axes).union(operands.flatMap(\.axes))
    return try contract([whole] + operands, to: wanted.filter(seen.contains))
      .reshaped(cores[k].shape)
  }

  private func named() -> [NamedTensor<T>] {
    zip(cores, equation.operands).map { NamedTensor(axes: $1, tensor: $0) }
  }

  private func inner(_ a: Tensor<T>, _ b: Tensor<T>) -> Double {
    a.withSpan { x in
      b.withSpan { y in
        var sum = 0.0
        for i in x.indices { sum += Double(x[i]) * Double(y[i]) }
        return sum
      }
    }
  }
}
