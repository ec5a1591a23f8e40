/// Between dense matrices and matrices in tensor-train form.

extension TrainMatrix {
  /// The train of a dense matrix, by TT-SVD over pairs of row and column digits.
  ///
  /// - Parameters:
  ///   - matrix: a two-dimensional view of `T`, prod(rows) × prod(columns), finite.
  ///   - rows, columns: equally many digits, each at least 1.
  /// - Error, memory, throws: as TT-SVD, beside one copy of the matrix in the order of digits.
  public init(
    decomposing matrix: StridedView, as type: T.Type, rows: [Int], columns: [Int],
    _ truncation: Truncation = Truncation(), executor: Executor = Executor(),
    progress: ProgressReporter = .silent
  ) throws(TTKitError) {
    try checkDigits(rows, columns, matrix.shape)
    let digits = matrix.split([rows, columns], order: interleaved(rows.count))
    let tensor = try digits.copied(as: type)
      .reshaped(zip(rows, columns).map { $0 * $1 })  // fits: divides the number of elements
    let train = try TensorTrain(
      decomposing: tensor, truncation, executor: executor, progress: progress)
    self.init(train: train, rows: rows, columns: columns)
  }

  /// Writes all elements into a two-dimensional view of `T`, prod(rows) × prod(columns).
  /// - Throws: `.invalidArgument` for another shape; `.sizeOverflow`, `.outOfMemory`.
  public func write(to matrix: StridedView) throws(TTKitError) {
    try checkDigits(rows, columns, matrix.shape)
    let digits = matrix.split([rows, columns], order: interleaved(order))
    digits.write(try train.dense().reshaped(digits.shape))
  }
}

/// Row digit 0, column digit 0, row digit 1, ... out of all row digits, then all column digits.
private func interleaved(_ order: Int) -> [Int] {
  (0..<order).flatMap { [$0, order + $0] }
}

/// - Throws: `.invalidArgument` unless `shape` is (prod(rows), prod(columns)) with digits of at least 1.
private func checkDigits(
  _ rows: [Int], _ columns: [Int], _ shape: [Int]
) throws(TTKitError) {
  guard rows.count == columns.count, (1...1024).contains(rows.count) else {
    throw .invalidArgument(
      "\(rows.count) row and \(columns.count) column digits, expected equally many, 1 to 1024")
  }
  for (name, digits) in [("rows", rows), ("columns", columns)] {
    for (k, n) in digits.enumerated() where n < 1 {
      throw .invalidArgument("\(name)[\(k)] is \(n), expected at least 1")
    }
  }
  let expected = [try checkedProduct(rows), try checkedProduct(columns)]
  guard shape == expected else {
    throw .invalidArgument(
      "the matrix has shape \(describe(shape)), expected \(describe(expected)), the products of rows"
        + " and columns")
  }
}
