extension BlockTensorTrain {
  /// Sequential SVDs of independent blocks.
  ///
  /// - Error: the smallest possible for two cores: the slices W[(·, b), (c, ·)] do not interact, so the
  ///   truncated SVD of each is best, and error² is the sum of all discarded singular values' squares.
  ///   Within √(d−1) of the best at these ranks for d cores; rtol is met, unless a rank binds.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let d = shape.rows.count
    let rtol = shape.limit.rtol / Double(d - 1).squareRoot()
    var cores: [Tensor<T>] = []
    // rest is (r, i[k], .., i[d-1], j[0], .., j[d-1]).
    var rest = matrix.reshaped([1] + shape.rows + shape.columns)
    for k in 0..<(d - 1) {
      let blockShape = Array(shape.rows[(k + 1)...] + shape.columns[...k])
      let last = Array(shape.columns[(k + 1)...])
      let (blocks, n) = (blockShape.reduce(1, *), last.reduce(1, *))  // parts of a live matrix
      let rank = rest.shape[0]
      let m = rank * shape.rows[k]
      let axes = [Int](rest.shape.indices)
      let turned = try rest.transposed(
        Array(axes[2..<(2 + blockShape.count)]) + [0, 1] + axes[(2 + blockShape.count)...])
      let (u, v) = try blockSVD(
        turned.reshaped([blocks, m, n]), cap: shape.limit.cap(k), rtol: rtol, balanced: k == d - 2,
        executor: executor)
      let r = u.shape[2]
      let count = blockShape.count
      cores.append(
        try u.reshaped(blockShape + [rank, shape.rows[k], r])
          .transposed([count, count + 1] + Array(0..<count) + [count + 2]))
      rest = try v.reshaped(blockShape + [r] + last)
        .transposed([count] + Array(0..<count) + Array((count + 1)..<(count + 1 + last.count)))
    }
    cores.append(rest)
    cores[0] = cores[0].reshaped(Array(cores[0].shape.dropFirst()))
    return cores
  }
}

extension Monarch {
  /// The SVD of every slice, truncated: the smallest possible error.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    try train(rows: matrix.shape[0], columns: matrix.shape[1]).fit(matrix, executor: executor)
  }
}
