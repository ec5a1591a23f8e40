/// Truncating the modes of a tensor one after the other.

/// The first axis of a tensor times Uᴴ, moved to the end; d turns bring the axes back in order.
func turned<T: Scalar>(
  _ tensor: Tensor<T>, by basis: Tensor<T>?
) throws(TTKitError) -> Tensor<T> {
  let n = tensor.shape[0]
  let rest = tensor.count / n
  var matrix = tensor.reshaped([n, rest])
  if let basis { matrix = try product(basis, matrix, .conjugateTransposed, .plain) }
  return try matrix.transposed([1, 0]).reshaped(tensor.shape.dropFirst() + [matrix.shape[0]])
}

/// Orthonormal bases (n[k], r[k]) of the modes, and the tensor in these bases.
///
/// The projections are nested, so that the squares the budget books are those of the whole error.
/// - Parameter caps: the largest r[k]; 0 leaves the mode as it is, without a basis.
/// - Source: N. Vannieuwenhoven, R. Vandebril, K. Meerbergen, SIAM J. Sci. Comput. 34 (2012).
func compressed<T: Scalar>(
  _ tensor: Tensor<T>, caps: [Int], _ budget: inout TruncationBudget<T.Real>,
  _ executor: Executor
) throws(TTKitError) -> (bases: [Tensor<T>?], core: Tensor<T>) {
  var core = tensor
  var bases: [Tensor<T>?] = []
  for cap in caps {
    guard cap > 0 else {
      bases.append(nil)
      core = try turned(core, by: nil)
      continue
    }
    let n = core.shape[0]
    let (basis, rest) = try truncatedSplit(
      core.reshaped([n, core.count / n]), executor
    ) { budget.keep($0, cap: cap) }
    bases.append(basis)
    core = try rest.transposed([1, 0]).reshaped(core.shape.dropFirst() + [basis.shape[1]])
  }
  return (bases, core)
}
