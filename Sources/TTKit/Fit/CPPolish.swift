/// Damped Gauss-Newton (Levenberg-Marquardt) steps for a canonical decomposition.
///
/// (JᵀJ + damping) Δ = −gradient is solved by conjugate gradients; JᵀJ acts through Gram matrices of the
/// factors and is never formed, its diagonal blocks are the preconditioner. The damping also bounds
/// diverging terms. Source: L. Sorber et al., SIAM J. Optim. 23 (2013), section 4.
struct CPPolish {
  private(set) var factors: [Tensor<Double>]
  private let whole: NamedTensor<Double>
  private let squaredNorm: Double
  private let rank: Int
  private static let innerSteps = 25

  init(_ tensor: Tensor<Double>, factors: [Tensor<Double>]) {
    whole = NamedTensor(
      axes: tensor.shape.enumerated().map { Axis("m\($0)", $1) }, tensor: tensor)
    let norm = tensor.norm
    squaredNorm = norm * norm
    rank = factors[0].shape[1]
    self.factors = factors
  }

  /// Steps until one gains less than 1e-6 of the error, or `steps` are done. None increases the error.
  mutating func run(steps: Int) throws(TTKitError) {
    var state = try State(whole, factors, squaredNorm)
    var damping = 1e-3 * state.scale
    for _ in 0..<steps {
      let way = try solve(state, damping)
      var moved: [Tensor<Double>] = []
      for (a, d) in zip(factors, way) { moved.append(try added(a, d)) }
      let next = try State(whole, moved, squaredNorm)
      guard next.error < state.error else {
        damping *= 8
        if damping > 1e6 * state.scale { return }
        continue
      }
      let gain = (state.error - next.error) / state.error
      (factors, state) = (moved, next)
      damping = max(damping / 4, 1e-12 * state.scale)
      if gain < 1e-6 { return }
    }
  }

  /// What a step needs to know about the factors: Gram matrices, gradient, error.
  private struct State {
    let grams: [Tensor<Double>]
    let factors: [Tensor<Double>]
    let gradient: [Tensor<Double>]
    /// ‖tensor − sum‖².
    let error: Double
    /// The largest diagonal entry of JᵀJ.
    let scale: Double

    init(
      _ whole: NamedTensor<Double>, _ factors: [Tensor<Double>], _ squaredNorm: Double
    ) throws(TTKitError) {
      let bond = Axis("r", factors[0].shape[1])
      var grams: [Tensor<Double>] = []
      for factor in factors { grams.append(try product(factor, factor, .transposed, .plain)) }
      var gradient: [Tensor<Double>] = []
      var (both, own, scale) = (0.0, 0.0, 0.0)
      for k in factors.indices {
        var operands = [whole]
        for other in factors.indices where other != k {
          operands.append(NamedTensor(axes: [whole.axes[other], bond], tensor: factors[other]))
        }
        let target = try contract(operands, to: [whole.axes[k], bond])
        let gram = try Self.hadamard(grams, without: [k])
        gradient.append(try subtracted(product(factors[k], gram), target))
        scale = max(scale, gram.largestComponent)
        if k == 0 { (both, own) = (dot(target, factors[k]), dot(gram, grams[k])) }
      }
      (self.grams, self.factors, self.gradient, self.scale) = (grams, factors, gradient, scale)
      error = max(squaredNorm - 2 * both + own, 0)
    }

    static func hadamard(
      _ grams: [Tensor<Double>], without: [Int]
    ) throws(TTKitError) -> Tensor<Double> {
      var result = try grams[0].map { _ in 1.0 }
      for k in grams.indices where !without.contains(k) { result = try multiplied(result, grams[k]) }
      return result
    }
  }

  /// Δ of the damped normal equations.
  private func solve(_ state: State, _ damping: Double) throws(TTKitError) -> [Tensor<Double>] {
    let d = factors.count
    var blocks: [(vectors: Tensor<Double>, values: [Double])] = []
    for k in 0..<d {
      let (u, s, _) = try svd(State.hadamard(state.grams, without: [k]))
      blocks.append((u, s))
    }
    func precondition(_ r: [Tensor<Double>]) throws(TTKitError) -> [Tensor<Double>] {
      var result: [Tensor<Double>] = []
      for k in 0..<d {
        let (u, s) = blocks[k]
        let inner = try product(r[k], u)
        let scaled = try Tensor<Double>(shape: inner.shape) { out in
          inner.withSpan { span in
            for i in out.indices { out[i] = span[i] / (s[i % rank] + damping) }
          }
        }
        result.append(try product(scaled, u, .plain, .transposed))
      }
      return result
    }
    var pairs: [[Tensor<Double>?]] = []
    for k in 0..<d {
      var row: [Tensor<Double>?] = []
      for m in 0..<d {
        row.append(k == m ? nil : try State.hadamard(state.grams, without: [k, m]))
      }
      pairs.append(row)
    }
    /// (JᵀJ + damping) v.
    func normal(_ v: [Tensor<Double>]) throws(TTKitError) -> [Tensor<Double>] {
      var crossed: [Tensor<Double>] = []
      for m in 0..<d { crossed.append(try product(v[m], state.factors[m], .transposed, .plain)) }
      var result: [Tensor<Double>] = []
      for k in 0..<d {
        var y = try product(v[k], State.hadamard(state.grams, without: [k]))
        for m in 0..<d {
          guard let pair = pairs[k][m] else { continue }
          let mixed = try multiplied(pair, crossed[m])
          y = try added(y, product(state.factors[k], mixed, .plain, .transposed))
        }
        result.append(try added(y, v[k].scaled(by: damping)))
      }
      return result
    }
    var x: [Tensor<Double>] = []
    var r: [Tensor<Double>] = []
    for gradient in state.gradient {
      x.append(try gradient.map { _ in 0 })
      r.append(try gradient.scaled(by: -1))
    }
    var z = try precondition(r)
    var p = z
    var before = inner(r, z)
    let start = before
    for _ in 0..<Self.innerSteps {
      guard before > 1e-6 * start, before > 0 else { break }
      let q = try normal(p)
      let curvature = inner(p, q)
      guard curvature > 0 else { break }
      let length = before / curvature
      for k in 0..<d {
        x[k] = try added(x[k], p[k].scaled(by: length))
        r[k] = try added(r[k], q[k].scaled(by: -length))
      }
      z = try precondition(r)
      let now = inner(r, z)
      for k in 0..<d { p[k] = try added(z[k], p[k].scaled(by: now / before)) }
      before = now
    }
    return x
  }

  private func inner(_ a: [Tensor<Double>], _ b: [Tensor<Double>]) -> Double {
    zip(a, b).reduce(0) { $0 + dot($1.0, $1.1) }
  }
}
