/// Cores that still hold several modes, and the sweep that splits them into a train.

/// A core (r, n[j]···n[j+t−1]·right) over several neighbouring modes.
struct ThickCore<T: Scalar> {
  /// (left rank, product of modes times right rank)
  let matrix: Tensor<T>
  let modes: [Int]
}

/// Splits thick cores into the cores of a train, left to right, by truncated SVDs.
///
/// - Parameter thick: all but the first have orthonormal rows, so truncations are best locally.
/// - Returns: left-orthogonal cores but for the last, which carries the norm.
func split<T: Scalar>(
  _ thick: [ThickCore<T>], _ truncation: Truncation, _ budget: inout TruncationBudget<T.Real>,
  _ executor: Executor, _ progress: ProgressReporter
) throws(TTKitError) -> [Tensor<T>] {
  let order = thick.reduce(0) { $0 + $1.modes.count }
  var cores: [Tensor<T>] = []
  var carry: Tensor<T>?
  for part in thick {
    var rest = part.matrix
    if let carry { rest = try product(carry, rest) }
    var left = rest.shape[0]
    for n in part.modes {
      if cores.count == order - 1 {
        cores.append(rest.reshaped([left, n, 1]))
        return cores
      }
      try progress.report("splitting cores", cores.count, of: order)
      let rows = left * n  // fits: divides the number of elements
      let (u, remaining) = try truncatedSplit(
        rest.reshaped([rows, rest.count / rows]), executor
      ) { budget.keep($0, cap: truncation.cap(afterCore: cores.count)) }
      cores.append(u.reshaped([left, n, u.shape[1]]))
      rest = remaining
      left = u.shape[1]
    }
    carry = rest
  }
  return cores
}

/// `a` (p, q) as U (p, r) with orthonormal columns times the rest (r, q); `rank` chooses r from all
/// singular values.
///
/// Wide matrices are never factorised as a whole: U comes from the triangular factor of aᵀ alone, the
/// rest is Uᴴ a.
func truncatedSplit<T: Scalar>(
  _ a: Tensor<T>, _ executor: Executor, rank: ([T.Real]) -> Int
) throws(TTKitError) -> (u: Tensor<T>, rest: Tensor<T>) {
  let (p, q) = (a.shape[0], a.shape[1])
  if q >= 2 * p {
    // aᵀ = Q R, so a = Rᵀ Qᵀ, and a has the left singular vectors of Rᵀ.
    let factor = try triangularFactor(a, transposed: true, executor: executor)
    let (u, s, _) = try svd(factor.transposed([1, 0]))
    let basis = try u.block(at: [0, 0], shape: [p, rank(s)])
    return (basis, try product(basis, a, .conjugateTransposed, .plain))
  }
  let (u, s, vh) = try svd(a)
  let r = rank(s)
  let basis = try u.block(at: [0, 0], shape: [p, r])
  return (basis, try vh.block(at: [0, 0], shape: [r, q]).rowsScaled(by: s))
}

extension Tensor where Element: Scalar {
  /// Row i times `factors[i]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @specialized(where Element == Complex<Float>)
  @specialized(where Element == Complex<Double>)
  func rowsScaled(by factors: [Element.Real]) throws(TTKitError) -> Tensor {
    let columns = shape[1]
    return try Tensor(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in
        for i in 0..<shape[0] {
          let factor = Element(real: factors[i])
          for j in 0..<columns { out[i * columns + j] = factor * span[i * columns + j] }
        }
      }
    }
  }
}
