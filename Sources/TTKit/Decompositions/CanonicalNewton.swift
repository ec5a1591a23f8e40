/// Damped Gauss-Newton steps for canonical decompositions: the way out of swamps.

/// Levenberg-Marquardt on all factors at once; the normal equations are solved by conjugate gradients and
/// never formed.
///
/// The residual is formed, so that errors near rounding are seen; a sweep of alternating least squares
/// cannot tell them from cancellation.
/// Source: L. Sorber, M. Van Barel, L. De Lathauwer, SIAM J. Optim. 23 (2013), sections 3 and 4.
struct CanonicalNewton<T: Scalar> {
  private(set) var state: CanonicalFactors<T>
  private let tensor: Tensor<T>
  private let norm: Double
  private var residual: Tensor<T>
  private(set) var error: Double
  /// Damping relative to the largest Gram entry.
  private var damping = 1e-3

  init(_ state: CanonicalFactors<T>, _ tensor: Tensor<T>) throws(TTKitError) {
    self.state = try state.balanced()
    self.tensor = tensor
    norm = tensor.norm
    residual = try difference(tensor, self.state.dense())
    error = norm > 0 ? residual.norm / norm : 0
  }

  /// One step that lowers the error; false when none was found.
  mutating func step() throws(TTKitError) -> Bool {
    let gradient = try descent()
    for _ in 0..<8 {
      let move = try direction(gradient)
      let moved = try CanonicalFactors(
        zip(state.factors, move).map { (u, v) throws(TTKitError) in try combination(u, .one, v) })
      let rest = try difference(tensor, moved.dense())
      let now = rest.norm / norm
      if now < error {
        let gain = error - now
        (state, residual, error) = (try moved.balanced(), rest, now)
        // A step that gained little was too short or too long; one that gained much may go further.
        damping = gain > 0.25 * now ? max(damping / 10, 1e-15) : max(damping / 3, 1e-15)
        return true
      }
      damping *= 10
      guard damping < 1e8 else { return false }
    }
    return false
  }

  /// Jᴴ times the residual: the descent direction of each factor.
  private func descent() throws(TTKitError) -> [Tensor<T>] {
    var result: [Tensor<T>] = []
    for (half, modes) in state.halves.enumerated() {
      let projection = try state.projected(residual, onto: half)
      for k in modes {
        try result.append(state.unfoldedProduct(projection, half: half, mode: k))
      }
    }
    return result
  }

  /// p with (JᴴJ + damping) p = gradient, to a tenth, by preconditioned conjugate gradients.
  private func direction(_ gradient: [Tensor<T>]) throws(TTKitError) -> [Tensor<T>] {
    let system = try NormalEquations(state, damping: damping)
    var x = try gradient.map { (g) throws(TTKitError) in
      try Tensor<T>(shape: g.shape, zeroed: true) { _ in }
    }
    var r = gradient
    var z = try system.preconditioned(r)
    var p = z
    var rz = inner(r, z)
    let start = inner(r, r)
    guard start > 0 else { return x }
    for _ in 0..<100 {
      let q = try system.applied(p)
      let curvature = inner(p, q)
      guard curvature > 0, curvature.isFinite else { break }
      let alpha = rz / curvature
      x = try along(x, alpha, p)
      r = try along(r, -alpha, q)
      if inner(r, r) <= 1e-16 * start { break }
      z = try system.preconditioned(r)
      let next = inner(r, z)
      p = try along(z, next / rz, p)
      rz = next
    }
    return x
  }

  private func inner(_ a: [Tensor<T>], _ b: [Tensor<T>]) -> Double {
    zip(a, b).reduce(0) { $0 + realDot($1.0, $1.1) }
  }

  private func along(
    _ a: [Tensor<T>], _ factor: Double, _ b: [Tensor<T>]
  ) throws(TTKitError) -> [Tensor<T>] {
    try zip(a, b).map { (x, y) throws(TTKitError) in
      try combination(x, T(real: T.Real(factor)), y)
    }
  }
}

/// JᴴJ + μ of the canonical model, applied without being formed.
private struct NormalEquations<T: Scalar> {
  private let state: CanonicalFactors<T>
  /// Entrywise products of all Gram matrices but one, and but two.
  private let diagonal: [Tensor<T>]
  private let pairs: [[Tensor<T>]]
  private let shift: Double
  private let relative: Double

  init(_ state: CanonicalFactors<T>, damping: Double) throws(TTKitError) {
    self.state = state
    let modes = state.factors.indices
    diagonal = try modes.map { (k) throws(TTKitError) in try state.gramProduct(without: [k]) }
    pairs = try modes.map { (k) throws(TTKitError) in
      try modes.map { (l) throws(TTKitError) in try state.gramProduct(without: [k, l]) }
    }
    let largest = diagonal.reduce(0) { max($0, $1.largestComponent) }
    shift = damping * max(largest, .leastNormalMagnitude)
    relative = damping
  }

  /// Block k: V[k] G[k] + ∑ over l ≠ k of U[k] ((V[l]ᵀ conj U[l]) ∘ G[k, l]) + μ V[k].
  func applied(_ v: [Tensor<T>]) throws(TTKitError) -> [Tensor<T>] {
    let crosses = try v.indices.map { (l) throws(TTKitError) in
      try CanonicalFactors.gram(v[l], state.factors[l])
    }
    return try v.indices.map { (k) throws(TTKitError) in
      var mixed = try Tensor<T>(shape: diagonal[k].shape, zeroed: true) { _ in }
      for l in v.indices where l != k {
        mixed = try combination(mixed, .one, entrywise(crosses[l], pairs[k][l]))
      }
      let own = try combination(product(v[k], diagonal[k]), .one, product(state.factors[k], mixed))
      return try combination(own, T(real: T.Real(shift)), v[k])
    }
  }

  /// The inverse of the diagonal blocks.
  func preconditioned(_ v: [Tensor<T>]) throws(TTKitError) -> [Tensor<T>] {
    try v.indices.map { (k) throws(TTKitError) in
      try solved(v[k], diagonal[k], damping: max(relative, 1e-14))
    }
  }
}
