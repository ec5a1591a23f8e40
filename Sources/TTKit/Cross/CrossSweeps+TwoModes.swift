/// Two-mode sweeps (DMRG cross): the rank of each bond comes from the SVD of its whole two-mode matrix.

extension CrossSweeps {
  /// Replaces one side's index sets and all cores.
  ///
  /// - Returns: whether the rank cap bound.
  func sweepTwoModes(
    _ isForward: Bool, _ left: inout [KeyList], _ right: inout [KeyList], _ cores: inout [[T]]
  ) throws(Interruption) -> Bool {
    var isCapped = false
    let d = order
    for step in 1..<d {
      let b = isForward ? step : d - step
      let rows = left[b - 1].expanded(mode: b - 1, coder)
      let columns = right[b + 1].expanded(mode: b, coder)
      let candidates = isForward ? rows : columns
      let values = try isForward ? block(rows, columns) : block(columns, rows)
      let found = try wrapped { () throws(TTKitError) in try dominant(values, options.cap(bond: b))
      }
      isCapped = isCapped || found.isCapped
      let next = candidates.picked(found.rows.rows)
      let coefficients = found.rows.coefficients.elements
      let r = found.rows.rows.count
      // Values of the chosen rows: the last core of the pass.
      let rest = found.rows.rows.map { row in
        values.withSpan { span in
          (0..<values.shape[1]).map { span[row * values.shape[1] + $0] }
        }
      }
      if isForward {
        left[b] = next
        cores[b - 1] = coefficients
        if b == d - 1 { cores[b] = rest.flatMap { $0 } }
      } else {
        right[b] = next
        cores[b] = transposedCore(coefficients, coder.shape[b], r)
        // Row a·n + i of the first core's unfolding against column y.
        if b == 1 { cores[0] = (0..<coder.shape[0]).flatMap { i in rest.map { $0[i] } } }
      }
    }
    return isCapped
  }

  private func dominant(
    _ values: Tensor<T>, _ cap: Int
  ) throws(TTKitError) -> (rows: DominantRows<T>, isCapped: Bool) {
    guard largestElement(values.elements)?.magnitude ?? 0 > 0 else {
      return (try anyRow(of: values.shape[0]), false)
    }
    let (u, isCapped) = try basis(values, cap: cap)
    return (try maximumVolume(u), isCapped)
  }
}
