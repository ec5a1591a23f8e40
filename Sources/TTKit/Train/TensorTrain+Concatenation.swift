/// Several trains side by side in one.

extension TensorTrain {
  /// Trains one after the other along mode `axis`, as NumPy's concatenate; exact, ranks add.
  ///
  /// - Throws: `.invalidArgument` for no train, an axis out of range, or shapes that differ elsewhere;
  ///   `.sizeOverflow`, `.outOfMemory`.
  public static func concatenated(
    _ trains: [TensorTrain], alongMode axis: Int
  ) throws(TTKitError) -> TensorTrain {
    guard let first = trains.first else {
      throw .invalidArgument("no train to concatenate, expected at least one")
    }
    guard (0..<first.order).contains(axis) else {
      throw .invalidArgument("axis is \(axis), expected 0 to \(first.order - 1)")
    }
    for (position, train) in trains.enumerated() {
      var expected = first.shape
      if train.order == first.order { expected[axis] = train.shape[axis] }
      guard train.shape == expected else {
        throw .invalidArgument(
          "train \(position) has shape \(describe(train.shape)), expected that of train 0,"
            + " \(describe(first.shape)), but for mode \(axis)")
      }
    }
    return try joined(trains, alongMode: axis)
  }

  /// Every slice block diagonal, the ends, of rank 1, a row and a column of blocks; along `axis` the blocks
  /// have mode indices of their own. Of one mode only with an axis.
  static func joined(
    _ trains: [TensorTrain], alongMode axis: Int?
  ) throws(TTKitError) -> TensorTrain {
    let order = trains[0].order
    precondition(order > 1 || axis != nil, "vectors have no blocks")
    var result: [Tensor<T>] = []
    for k in 0..<order {
      let (first, last) = (k == 0, k == order - 1)
      var shape = [first ? 1 : 0, axis == k ? 0 : trains[0].shape[k], last ? 1 : 0]
      var blocks: [(offset: [Int], block: Tensor<T>)] = []
      for train in trains {
        let core = train.cores[k]
        let offset = [first ? 0 : shape[0], axis == k ? shape[1] : 0, last ? 0 : shape[2]]
        blocks.append((offset, core))
        // Sums of lengths of cores that exist in memory fit.
        if !first { shape[0] += core.shape[0] }
        if axis == k { shape[1] += core.shape[1] }
        if !last { shape[2] += core.shape[2] }
      }
      result.append(try .assembled(shape: shape, blocks))
    }
    return try TensorTrain(checking: result)
  }
}
