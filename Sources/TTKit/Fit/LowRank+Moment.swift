internal import Glibc

extension LowRank {
  /// The outputs' leading principal components: with W H^(1/2) = U S Vᵀ, W' = U[:r] U[:r]ᵀ W.
  ///
  /// Both factors get the same norm for each component.
  /// - Error: the smallest possible in the metric of the moment, rtol included.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let (m, n) = (matrix.shape[0], matrix.shape[1])
    let wide = try matrix.converted(to: Double.self)
    let (u, s, _) = try svd(product(wide, moment.root()))
    let r = truncatedRank(s, cap: limit.cap(0), rtol: limit.rtol)
    let left = try u.resized(rows: m, columns: r)
    let right = try product(left, wide, .transposed, .plain)
    let roots = right.withSpan { span in
      (0..<r).map { k in
        let square = (0..<n).reduce(0.0) { $0 + span[k * n + $1] * span[k * n + $1] }
        return square > 0 ? sqrt(sqrt(square)) : 1
      }
    }
    let a = try Tensor<T>(shape: [m, r]) { out in
      left.withSpan { span in
        for i in out.indices { out[i] = T(span[i] * roots[i % r]) }
      }
    }
    let b = try Tensor<T>(shape: [r, n]) { out in
      right.withSpan { span in
        for i in out.indices { out[i] = T(span[i] / roots[i / n]) }
      }
    }
    return [a, b]
  }

  /// The right factor first; the left one is then fitted to it as stored, and sees inputs B x.
  public func encode<T: RealScalar>(
    _ cores: [Tensor<T>], of matrix: Tensor<T>, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) -> [EncodedCore] {
    let right = try EncodedCore(compensating: cores[1], storage: storage, moment: moment)
    let b = try right.decoded(Double.self)
    let seen = try moment.transformed(by: b)
    // A (B H Bᵀ) = W H Bᵀ.
    let wide = try matrix.converted(to: Double.self)
    let target = try product(product(wide, moment.matrix), b, .plain, .transposed)
    let left = try solvedRight(target, seen.matrix).converted(to: T.self)
    guard left.isFinite else { throw .notConverged("the left factor of a low rank fit overflows") }
    return [
      try EncodedCore(compensating: left, storage: storage, moment: seen), right,
    ]
  }
}

/// X with X (a + a small ridge) = `target`, a symmetric and not negative.
func solvedRight(
  _ target: Tensor<Double>, _ a: Tensor<Double>
) throws(TTKitError) -> Tensor<Double> {
  let damped = try InputMoment(matrix: a).damped(1e-10)
  let scale = InputMoment(matrix: a).scale
  guard scale > 0, let l = try choleskyFactor(damped) else {
    return try target.map { _ in 0 }
  }
  let inverse = try triangularInverse(l)
  let half = try product(target, inverse, .plain, .transposed)
  return try product(half, inverse).map { $0 / scale }
}

extension InputMoment {
  /// L with L Lᵀ = H but for 1e-9 of its scale.
  func root() throws(TTKitError) -> Tensor<Double> {
    for share in [1e-9, 1e-4] {
      if let l = try choleskyFactor(damped(share)) { return l }
    }
    throw .invalidArgument("the moment has negative eigenvalues; expected sums of x x^T")
  }
}
