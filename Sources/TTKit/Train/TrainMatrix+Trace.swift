/// Traces and conjugates of matrices in tensor-train form.

extension TrainMatrix {
  /// The trace over the digits `axes`: row and column digit equal, summed; exact.
  ///
  /// - Returns: the matrix over the other digits; 1 x 1 when none is left.
  /// - Throws: `.invalidArgument` for an axis out of range, repeated, or with unlike row and column digits.
  public func traced(over axes: [Int]) throws(TTKitError) -> TrainMatrix {
    var weights: [Tensor<T>?] = []
    for (position, axis) in axes.enumerated() {
      guard (0..<order).contains(axis) else {
        throw .invalidArgument("axes[\(position)] is \(axis), expected 0 to \(order - 1)")
      }
      guard rows[axis] == columns[axis] else {
        throw .invalidArgument(
          "digit \(axis) has \(rows[axis]) rows and \(columns[axis]) columns; a trace needs as many"
        )
      }
      let n = rows[axis]
      weights.append(try Tensor<T>.identity(n).reshaped([n * n]))  // fits: the core exists
    }
    let kept = (0..<order).filter { !axes.contains($0) }
    let rest = try train.summed(over: axes, weights: weights)
    if kept.isEmpty { return TrainMatrix(train: rest, rows: [1], columns: [1]) }
    return TrainMatrix(train: rest, rows: kept.map { rows[$0] }, columns: kept.map { columns[$0] })
  }

  /// The complex conjugate, not transposed; a real matrix is itself.
  public func conjugated() throws(TTKitError) -> TrainMatrix {
    TrainMatrix(train: try train.conjugated(), rows: rows, columns: columns)
  }
}
