/// Cores that still hold several modes, and the sweep that splits them into a train.

/// A core (r, n[j]···n[j+t−1]·right) over several neighbouring modes.
struct ThickCore<T: Scalar> {
  /// (left rank, product of modes times right rank)
  let matrix: Tensor<T>
  let modes: [Int]
  /// The rank behind its last mode.
  var right: Int { matrix.shape[1] / modes.reduce(1, *) }  // fits: divides the columns
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
  var full = 1
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
      // Ranks that were full so far may be again, as far as is known.
      let guess = part.right > 1 ? max(left, part.right) : left == full ? rows : left
      full *= n  // fits: divides the number of elements
      let (u, remaining) = try truncatedSplit(
        rest.reshaped([rows, rest.count / rows]), expecting: guess, &budget,
        cap: truncation.cap(afterCore: cores.count), executor)
      cores.append(u.reshaped([left, n, u.shape[1]]))
      rest = remaining
      left = u.shape[1]
    }
    carry = rest
  }
  return cores
}
