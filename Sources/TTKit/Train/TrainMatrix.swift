/// Matrices in tensor-train form.

/// A matrix of prod(rows) × prod(columns) held as cores of shape (r[k], rows[k], columns[k], r[k+1]).
///
/// Row and column indices are in mixed radix, last digit fastest. Behind it stands a train whose mode k
/// runs over the pairs (row digit, column digit), so all algorithms of trains serve it.
public struct TrainMatrix<T: Scalar>: Sendable {
  /// The train over merged modes rows[k]·columns[k].
  let train: TensorTrain<T>
  public let rows: [Int]
  public let columns: [Int]

  public var order: Int { rows.count }
  public var ranks: [Int] { train.ranks }
  public var byteCount: Int { train.byteCount }
  /// As ``TensorTrain/error``.
  public var error: Double { train.error }

  public var cores: [Tensor<T>] {
    train.cores.enumerated().map { k, core in
      core.reshaped([core.shape[0], rows[k], columns[k], core.shape[2]])
    }
  }

  /// Takes cores of shape (r[k], rows[k], columns[k], r[k+1]).
  /// - Throws: `.invalidArgument`, `.nonFinite`.
  public init(cores: [Tensor<T>], error: Double = 0) throws(TTKitError) {
    var merged: [Tensor<T>] = []
    for (k, core) in cores.enumerated() {
      guard core.shape.count == 4, core.shape.allSatisfy({ $0 >= 1 }) else {
        throw .invalidArgument(
          "core \(k) has shape \(describe(core.shape)), expected four lengths of at least 1")
      }
      let s = core.shape
      merged.append(core.reshaped([s[0], s[1] * s[2], s[3]]))  // fits: the core exists
    }
    try self.init(
      train: TensorTrain(cores: merged, error: error), rows: cores.map { $0.shape[1] },
      columns: cores.map { $0.shape[2] })
  }

  /// - Precondition: the train's modes are rows[k]·columns[k].
  init(train: TensorTrain<T>, rows: [Int], columns: [Int]) {
    precondition(train.order == rows.count && rows.count == columns.count, "orders differ")
    self.train = train
    self.rows = rows
    self.columns = columns
  }

  /// The transpose, not conjugated; exact.
  public func transposed() throws(TTKitError) -> TrainMatrix {
    var result: [Tensor<T>] = []
    for core in cores { try result.append(core.transposed([0, 2, 1, 3])) }
    return try TrainMatrix(cores: result, error: error)
  }

  /// Smaller ranks by truncation, as ``TensorTrain/rounded(_:executor:progress:)``.
  public func rounded(
    _ truncation: Truncation = Truncation(), executor: Executor = Executor(),
    progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TrainMatrix {
    TrainMatrix(
      train: try train.rounded(truncation, executor: executor, progress: progress), rows: rows,
      columns: columns)
  }
}
