/// One-mode sweeps: the dominant rows of each core's fibres, some more than its rank so that ranks can grow.

extension CrossSweeps {
  /// Replaces one side's index sets and all cores.
  ///
  /// - Returns: whether the rank cap bound.
  func sweepOneMode(
    _ isForward: Bool, _ left: inout [KeyList], _ right: inout [KeyList], _ cores: inout [[T]]
  ) throws(Interruption) -> Bool {
    var isCapped = false
    let d = order
    for step in 0..<d - 1 {
      let k = isForward ? step : d - 1 - step
      // The unfolding whose rows are the candidates of the next index set.
      let candidates =
        isForward
        ? left[k].expanded(mode: k, coder) : right[k + 1].expanded(mode: k, coder)
      let values = try block(candidates, isForward ? right[k + 1] : left[k])
      let cap = options.cap(bond: isForward ? k + 1 : k)
      let found = try wrapped { () throws(TTKitError) in try dominant(values, cap) }
      isCapped = isCapped || found.isCapped
      let next = candidates.picked(found.rows.rows)
      let b = found.rows.rows.count
      let coefficients = found.rows.coefficients.elements
      if isForward {
        left[k + 1] = next
        cores[k] = coefficients
      } else {
        right[k] = next
        cores[k] = transposedCore(coefficients, coder.shape[k], b)
      }
    }
    try lastCore(isForward, left, right, &cores)
    return isCapped
  }

  /// The last core of a pass holds values: all candidates against the one empty multi-index.
  func lastCore(
    _ isForward: Bool, _ left: [KeyList], _ right: [KeyList], _ cores: inout [[T]]
  ) throws(Interruption) {
    let d = order
    if isForward {
      cores[d - 1] = try block(left[d - 1].expanded(mode: d - 1, coder), right[d]).elements
    } else {
      let values = try block(right[1].expanded(mode: 0, coder), left[0]).elements
      cores[0] = transposedCore(values, coder.shape[0], 1)
    }
  }

  /// Rows for one unfolding: as many as its rank, and one or two more unless it is below full rank.
  private func dominant(
    _ values: Tensor<T>, _ cap: Int
  ) throws(TTKitError) -> (rows: DominantRows<T>, isCapped: Bool) {
    guard largestElement(values.elements)?.magnitude ?? 0 > 0 else {
      return (try anyRow(of: values.shape[0]), false)
    }
    let (u, isCapped) = try basis(values, cap: cap)
    let (m, r) = (u.shape[0], u.shape[1])
    let extra = min(r == values.shape[1] ? 2 : 0, m - r, cap - r)
    let rows = try rectangularMaximumVolume(u, minExtra: min(1, extra), maxExtra: extra)
    return (rows, isCapped || (r == values.shape[1] && r == cap && m > r))
  }
}
