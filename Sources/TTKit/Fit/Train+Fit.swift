extension TrainLinear {
  /// TT-SVD of the matrix reshaped to its factors: within √(2d−1) of the best error at these ranks.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let turned = try matrix.transposed([1, 0])
    return try trainCores(turned.reshaped(modes), shape.limit)
  }
}

extension TrainMatrixFormat {
  /// TT-SVD of the matrix reshaped to pairs of factors: within √(d−1) of the best error at these ranks.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let d = shape.rows.count
    let interleaved = (0..<d).flatMap { [$0, d + $0] }
    let tensor = try matrix.reshaped(shape.rows + shape.columns).transposed(interleaved)
    let cores = try trainCores(tensor.reshaped(modes), shape.limit)
    return cores.enumerated().map { (k, core) in
      core.reshaped([core.shape[0], shape.rows[k], shape.columns[k], core.shape[2]])
    }
  }
}

/// Cores (r, n, r') of a tensor by sequential truncated SVDs; at tolerance, budget √(d−1) a step.
private func trainCores<T: RealScalar>(
  _ tensor: Tensor<T>, _ limit: RankLimit
) throws(TTKitError) -> [Tensor<T>] {
  let d = tensor.shape.count
  var cores: [Tensor<T>] = []
  var rest = tensor
  var rank = 1
  let rtol = limit.rtol / Double(max(d - 1, 1)).squareRoot()
  for k in 0..<(d - 1) {
    let rows = rank * tensor.shape[k]  // part of a live tensor
    let (u, s, vh) = try svd(rest.reshaped([rows, rest.count / rows]))
    let r = truncatedRank(s, cap: limit.cap(k), rtol: rtol)
    cores.append(try u.resized(rows: rows, columns: r).reshaped([rank, tensor.shape[k], r]))
    let columns = vh.shape[1]
    rest = try Tensor<T>(shape: [r, columns]) { out in
      vh.withSpan { span in
        for i in 0..<r {
          for j in 0..<columns { out[i * columns + j] = s[i] * span[i * columns + j] }
        }
      }
    }
    rank = r
  }
  cores.append(rest.reshaped([rank, tensor.shape[d - 1], 1]))
  return cores
}
