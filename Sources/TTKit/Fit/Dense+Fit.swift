extension Dense {
  /// Exact: the core is the matrix.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    [matrix]
  }

  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    [matrix]
  }

  /// With error compensation.
  public func encode<T: RealScalar>(
    _ cores: [Tensor<T>], of matrix: Tensor<T>, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) -> [EncodedCore] {
    [try EncodedCore(compensating: matrix, storage: storage, moment: moment)]
  }
}
