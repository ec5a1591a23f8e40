/// Compensated rounding that is never worse than plain rounding.

extension Compensation {
  /// The parts of `matrix` in `storage`; plain encoding where the storage does not work by columns.
  ///
  /// Greedy rounding promises nothing: where it loses to plain rounding in the metric, it is tried again from
  /// parameters that weigh all columns alike, and the best of the three is kept.
  static func encode(
    _ matrix: Tensor<Float>, _ storage: any Storage, _ moment: InputMoment
  ) throws(TTKitError) -> [StoragePart] {
    let plain = try storage.encode(matrix)
    guard let columns = storage as? any ColumnStorage, matrix.shape.count == 2 else { return plain }
    let first = try Compensation(matrix, columns, moment, weighsColumns: true)
    let cost = try first.cost()
    let parts = try first.parts()
    let decoded = try EncodedCore(shape: matrix.shape, storage: storage, parts: plain)
      .decoded(Float.self)
    let plainCost = try first.cost(of: decoded)
    // Half of plain is what compensation gains at the least where it works.
    if cost <= plainCost / 2 || !columns.weighsColumns { return cost <= plainCost ? parts : plain }
    let second = try Compensation(matrix, columns, moment, weighsColumns: false)
    let evenCost = try second.cost()
    if evenCost < min(cost, plainCost) { return try second.parts() }
    return cost <= plainCost ? parts : plain
  }
}
