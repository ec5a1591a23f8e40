extension TrainLinear {
  /// TT-SVD of the matrix reshaped to its factors: within √(2d−1) of the best error at these ranks.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let turned = try matrix.transposed([1, 0])
    return try TensorTrain(
      decomposing: turned.reshaped(modes), shape.limit.truncation, executor: executor
    ).cores
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
    let train = try TensorTrain(
      decomposing: tensor.reshaped(modes), shape.limit.truncation, executor: executor)
    return train.cores.enumerated().map { (k, core) in
      core.reshaped([core.shape[0], shape.rows[k], shape.columns[k], core.shape[2]])
    }
  }
}
