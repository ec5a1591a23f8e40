extension Dense {
  /// Exact: the core is the matrix.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    [matrix]
  }
}
