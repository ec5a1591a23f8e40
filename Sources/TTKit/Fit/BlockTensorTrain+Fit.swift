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

extension BlockTensorTrain {
  /// Principal components of every block's outputs, for two cores; then sweeps over the cores.
  ///
  /// - Error: with two cores the start is the best for a moment that is block diagonal over the first
  ///   column factor; sweeps take in the rest of it.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    guard shape.rows.count == 2, shape.limit.rtol == 0 else {
      return try improved(fit(matrix, executor: executor), matrix, moment)
    }
    let roots = try blockRoots(moment)
    let (r1, r2, c1, c2) = (shape.rows[0], shape.rows[1], shape.columns[0], shape.columns[1])
    // Block (i2, j1): the matrix (i1, j2).
    let blocks = try matrix.reshaped([r1, r2, c1, c2]).transposed([1, 2, 0, 3])
      .reshaped([r2 * c1, r1, c2])
    let rightRoots = try Tensor<T>(shape: [r2 * c1, c2, c2]) { out in
      for b in 0..<(r2 * c1) {
        roots[b % c1].withSpan { span in
          for i in span.indices { out[b * c2 * c2 + i] = T(span[i]) }
        }
      }
    }
    let (u, _) = try blockSVD(
      batchedProduct(blocks, rightRoots), cap: shape.limit.cap(0), rtol: 0, balanced: false,
      executor: executor)
    let r = u.shape[2]
    let v = try batchedProduct(u.transposed([0, 2, 1]), blocks)
    let first = try u.reshaped([r2, c1, r1, r]).transposed([2, 0, 1, 3])
    let second = try v.reshaped([r2, c1, r, c2]).transposed([2, 0, 1, 3])
    return try improved([first, second], matrix, moment)
  }

  /// Roots of the moment's diagonal blocks: one for each value of the first column factor.
  private func blockRoots(_ moment: InputMoment) throws(TTKitError) -> [Tensor<Double>] {
    let (c1, c2) = (shape.columns[0], shape.columns[1])
    var roots: [Tensor<Double>] = []
    for j in 0..<c1 {
      roots.append(
        try InputMoment(
          matrix: moment.matrix.block(at: [j * c2, j * c2], shape: [c2, c2])
        ).root())
    }
    return roots
  }
}

extension Monarch {
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    try train(rows: matrix.shape[0], columns: matrix.shape[1]).fit(
      matrix, moment: moment, executor: executor)
  }

  /// The SVD of every slice, truncated: the smallest possible error.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    try train(rows: matrix.shape[0], columns: matrix.shape[1]).fit(matrix, executor: executor)
  }
}
