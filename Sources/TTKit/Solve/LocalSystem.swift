/// One local problem of a linear system: dense when small, iterated when large.

/// matrix · x = side for the elements of one or two cores.
struct LocalSystem<T: Scalar> {
  let matrix: LocalOperator<T>
  let side: Tensor<T>
  let preconditioner: LocalPreconditioner

  /// Up to so many unknowns a factorisation costs less than iterating.
  static var denseLimit: Int { 600 }

  func residual(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    try side.subtracting(matrix.applied(to: x))
  }

  /// An x whose residual is at most `tolerance`, or the best that was found, never worse than `guess`.
  ///
  /// - Returns: x (unknowns, 1), and the residuals before and after.
  func solved(
    from guess: Tensor<T>, tolerance: Double
  ) throws(TTKitError) -> (x: Tensor<T>, before: Double, after: Double) {
    guard guess.count <= Int(Int32.max) else {
      throw .sizeOverflow("a local problem of \(guess.count) unknowns exceeds BLAS; cap the rank")
    }
    let start = guess.reshaped([guess.count, 1])
    let rest = try residual(start)
    let before = rest.norm
    guard before.isFinite else {
      throw .nonFinite("a local residual is not finite; scale the matrix or the right side down")
    }
    guard before > tolerance else { return (start, before, before) }
    guard guess.count <= Self.denseLimit else {
      let (x, after) = try conjugateResiduals(
        matrix, residual: rest, from: start, tolerance: tolerance,
        preconditioner: BlockJacobi(matrix, preconditioner))
      return (x, before, after)
    }
    let dense = try matrix.dense()
    var best = (x: start, rest: rest, size: before)
    // Corrections of the guess: rounding errors shrink with the residual.
    for _ in 0..<2 where best.size > tolerance {
      guard let step = try correction(dense, best.rest, below: best.size) else { break }
      let x = try best.x.adding(.one, step)
      let rest = try residual(x)
      guard rest.norm < best.size else { break }
      best = (x, rest, rest.norm)
    }
    return (best.x, before, best.size)
  }

  /// dense⁻¹ · rest; of a singular matrix the least squares solution of least norm.
  private func correction(
    _ dense: Tensor<T>, _ rest: Tensor<T>, below bound: Double
  ) throws(TTKitError) -> Tensor<T>? {
    // What the matrix shrinks more than this it may map to rounding errors.
    let cut = max(1e-12, 10 * Double(T.Real.ulpOfOne) * Double(dense.shape[0]))
    if let step = try TTKit.solved(dense, rest), step.isFinite,
      step.norm * dense.norm * cut <= rest.norm,
      try rest.subtracting(matrix.applied(to: step)).norm < bound
    {
      return step
    }
    guard dense.isFinite else {
      throw .nonFinite("a local problem holds NaN or infinity; scale the matrix down")
    }
    let (u, s, vh) = try svd(dense)
    let zero = s[0] * T.Real(cut)
    guard s[0] > 0 else { return nil }
    let coefficients = try product(u, rest, .conjugateTransposed, .plain)
      .rowsScaled(by: s.map { $0 > zero ? 1 / $0 : 0 })
    return try product(vh, coefficients, .conjugateTransposed, .plain)
  }
}
