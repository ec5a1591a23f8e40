/// Matrices in tensor-train form times vectors, dense or trains.

extension TrainMatrix {
  /// This matrix times `x` (prod(columns), n): shape (prod(rows), n).
  ///
  /// One product per core, from the left; the finished row digit goes to the end, so that every product is
  /// one of plain matrices.
  /// - Complexity: ∑ r[k] r[k+1] rows[k] columns[k] · (what is left of x per core).
  /// - Throws: `.invalidArgument` for another shape; `.nonFinite` for NaN or infinity in x; `.outOfMemory`.
  public func multiplied(by x: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let width = try checkedProduct(columns)
    guard x.shape.count == 2, x.shape[0] == width else {
      throw .invalidArgument(
        "x has shape \(describe(x.shape)), expected (\(width), n), the matrix has \(width) columns")
    }
    guard x.isFinite else { throw .nonFinite("x holds NaN or infinity") }
    let height = try checkedProduct(rows)
    let n = x.shape[1]
    if n == 0 { return try Tensor(shape: [height, 0]) { _ in } }
    // State: (rank, columns still to come, n, row digits done), seen as one matrix.
    var state = x
    for core in cores {
      let (a, m, c, b) = (core.shape[0], core.shape[1], core.shape[2], core.shape[3])
      let matrix = try core.transposed([1, 3, 0, 2]).reshaped([m * b, a * c])
      let next = try product(matrix, state.reshaped([a * c, state.count / (a * c)]))
      state = try next.reshaped([m, next.count / m]).transposed([1, 0])
    }
    return try state.reshaped([n, height]).transposed([1, 0])
  }

  /// This matrix times a train whose shape is `columns`; exact, ranks multiply.
  /// - Throws: `.invalidArgument` for another shape; `.sizeOverflow`, `.outOfMemory`, `.nonFinite`.
  public func multiplied(by x: TensorTrain<T>) throws(TTKitError) -> TensorTrain<T> {
    guard x.shape == columns else {
      throw .invalidArgument(
        "the train has shape \(describe(x.shape)), expected \(describe(columns)), the columns")
    }
    var result: [Tensor<T>] = []
    var exponent = 0
    for (w, core) in zip(cores, x.cores) {
      let left = try ScaledTensor(w, exponent: exponent)
      let right = try ScaledTensor(core, exponent: left.exponent)
      exponent = right.exponent
      result.append(try contractedColumns(left.tensor, right.tensor))
    }
    result = try absorb(exponent, into: result, at: order - 1)
    return try TensorTrain(checking: result)
  }

  /// This matrix times another whose row digits are `columns`; exact, ranks multiply.
  /// - Throws: `.invalidArgument` for other digits; `.sizeOverflow`, `.outOfMemory`, `.nonFinite`.
  public func multiplied(by other: TrainMatrix) throws(TTKitError) -> TrainMatrix {
    try requireRows(of: other)
    // A column digit is one more mode, carried along: as a train its rank is that of the digit times.
    var result: [Tensor<T>] = []
    var exponent = 0
    for (w, core) in zip(cores, other.cores) {
      let left = try ScaledTensor(w, exponent: exponent)
      let right = try ScaledTensor(core, exponent: left.exponent)
      exponent = right.exponent
      let s = core.shape
      let flat = try right.tensor.transposed([0, 2, 1, 3]).reshaped([s[0] * s[2], s[1], s[3]])
      let made = try contractedColumns(left.tensor, flat)
      // (A a n, m, B b) to (A a, m, n, B b).
      let shape = [w.shape[0] * s[0], s[2], w.shape[1], made.shape[2]]
      result.append(
        try made.reshaped(shape).transposed([0, 2, 1, 3])
          .reshaped([shape[0], shape[2] * shape[1], shape[3]]))
    }
    result = try absorb(exponent, into: result, at: order - 1)
    return TrainMatrix(
      train: try TensorTrain(checking: result), rows: rows, columns: other.columns)
  }

  func requireRows(of other: TrainMatrix) throws(TTKitError) {
    guard other.rows == columns else {
      throw .invalidArgument(
        "the right matrix has row digits \(describe(other.rows)), expected \(describe(columns)), the"
          + " columns of the left one")
    }
  }
}

/// (A, m, n, B) and (a, n, b) over n: (A a, m, B b).
private func contractedColumns<T: Scalar>(
  _ w: Tensor<T>, _ x: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  let (a, m, n, b) = (w.shape[0], w.shape[1], w.shape[2], w.shape[3])
  let (c, d) = (x.shape[0], x.shape[2])
  let left = try w.transposed([0, 1, 3, 2]).matrix(lastAxes: 1)
  let right = try x.transposed([1, 0, 2]).reshaped([n, c * d])
  let shape = [try checkedProduct([a, c]), m, try checkedProduct([b, d])]
  return try product(left, right).reshaped([a, m, b, c, d]).transposed([0, 3, 1, 2, 4])
    .reshaped(shape)
}
