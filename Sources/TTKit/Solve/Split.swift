/// Cutting the rank of a local solution, as far as its residual allows.

/// A local solution (p, q) as left (p, rank), orthonormal columns, times rest (rank, q).
struct Split<T: Scalar> {
  let left: Tensor<T>
  let rest: Tensor<T>
  /// Whether the cap, not the tolerance, decided.
  let isCapped: Bool
  var rank: Int { left.shape[1] }

  /// - Parameters:
  ///   - fixed: keep the rank.
  ///   - limit: the residual that the truncated solution may have in `system`.
  init(
    _ x: Tensor<T>, _ system: LocalSystem<T>, fixed: Bool, limit: Double, cap: Int
  ) throws(TTKitError) {
    let (p, q) = (x.shape[0], x.shape[1])
    if fixed {
      (left, rest) = try qr(x)
      isCapped = false
      return
    }
    let (u, s, vh) = try svd(x)
    let rows = try vh.rowsScaled(by: s)
    func cut(_ rank: Int) throws(TTKitError) -> (left: Tensor<T>, rest: Tensor<T>) {
      (try u.block(at: [0, 0], shape: [p, rank]), try rows.block(at: [0, 0], shape: [rank, q]))
    }
    // Not the norm of what is cut but its effect on the residual counts: it falls with the rank.
    let zero = (s.first ?? 0) * T.Real.ulpOfOne
    var high = max(s.count { $0 > zero }, 1)
    var low = 0
    while high - low > 1 {
      let middle = (low + high) / 2
      let parts = try cut(middle)
      let trial = try product(parts.left, parts.rest).reshaped([x.count, 1])
      if try system.residual(trial).norm <= limit { high = middle } else { low = middle }
    }
    isCapped = high > cap
    (left, rest) = try cut(min(high, cap))
  }
}
