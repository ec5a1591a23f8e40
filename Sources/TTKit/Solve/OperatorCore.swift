/// One core of a matrix in train form, ready to be multiplied by.

/// Core (A, i, j, B) as the matrix (i B, A j), which takes the axes (A, j) of a tensor to (i, B) without
/// any permutation of the tensor.
struct OperatorCore<T: Scalar>: Sendable {
  let matrix: Tensor<T>
  let rows: Int
  let columns: Int
  let left: Int
  let right: Int

  /// - Parameter core: shape (A, i, j, B).
  init(_ core: Tensor<T>, mirrored: Bool) throws(TTKitError) {
    let s = core.shape
    rows = s[1]
    columns = s[2]
    (left, right) = mirrored ? (s[3], s[0]) : (s[0], s[3])
    matrix = try core.transposed(mirrored ? [1, 0, 3, 2] : [1, 3, 0, 2])
      .reshaped([rows * right, left * columns])  // fits: the core exists
  }
}

/// All cores of a matrix for sweeps in both directions: the backward ones as seen in a mirror.
struct OperatorCores<T: Scalar>: Sendable {
  private(set) var cores: [OperatorCore<T>] = []
  private var opposite: [OperatorCore<T>] = []

  init(_ matrix: TrainMatrix<T>) throws(TTKitError) {
    for core in matrix.cores {
      cores.append(try OperatorCore(core, mirrored: false))
      opposite.append(try OperatorCore(core, mirrored: true))
    }
    opposite.reverse()
  }

  mutating func mirror() { swap(&cores, &opposite) }
}

/// Cores of a train as seen in a mirror: the last one first, ranks exchanged.
func mirrored<T: Scalar>(_ cores: [Tensor<T>]) throws(TTKitError) -> [Tensor<T>] {
  var result: [Tensor<T>] = []
  for core in cores.reversed() { result.append(try core.transposed([2, 1, 0])) }
  return result
}
