/// Least squares in trains: Aᴴ A x = Aᴴ b.

extension TrainMatrix {
  /// The matrix Aᴴ: rows and columns exchanged, numbers conjugated.
  func adjoint() throws(TTKitError) -> TrainMatrix {
    var result: [Tensor<T>] = []
    for core in cores {
      let swapped = try core.transposed([0, 2, 1, 3])
      try result.append(
        T.dtype == T.Real.dtype ? swapped : swapped.map { $0.conjugate })
    }
    return try TrainMatrix(cores: result)
  }

  /// This matrix times `other`; exact, ranks multiply.
  func composed(_ other: TrainMatrix) throws(TTKitError) -> TrainMatrix {
    var result: [Tensor<T>] = []
    for (x, y) in zip(cores, other.cores) {
      let (a, m, n, b) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
      let (c, p, d) = (y.shape[0], y.shape[2], y.shape[3])
      // (a m b, n) · (n, c p d), then the ranks of both side by side.
      let left = try x.transposed([0, 1, 3, 2]).reshaped([a * m * b, n])
      let right = try y.transposed([1, 0, 2, 3]).reshaped([n, c * p * d])
      let shape = [try checkedProduct([a, c]), m, p, try checkedProduct([b, d])]
      try result.append(
        product(left, right).reshaped([a, m, b, c, p, d]).transposed([0, 3, 1, 4, 2, 5])
          .reshaped(shape))
    }
    return try TrainMatrix(cores: result)
  }
}
