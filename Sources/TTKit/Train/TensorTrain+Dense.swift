/// From trains back to dense tensors.

extension TensorTrain {
  /// All elements.
  ///
  /// - Complexity: O(N r) multiplications for N elements; memory: little more than the result, because
  ///   the last product, of a left and a right half, makes it in one go.
  /// - Throws: `.sizeOverflow` when the tensor has more elements than an `Int` counts; `.outOfMemory`.
  public func dense() throws(TTKitError) -> Tensor<T> {
    let total = try checkedProduct(shape)
    _ = try checkedProduct([total, MemoryLayout<T>.stride])
    if order == 1 { return cores[0].reshaped(shape) }
    let cut = cheapestCut(total)
    var left = cores[0].matrix(lastAxes: 1)
    var exponent = 0
    for core in cores[1..<cut] {
      let (next, total) = try core.leftMultiplied(by: left, exponent)
      left = next.matrix(lastAxes: 1)
      exponent = total
    }
    var right = cores[order - 1].matrix(lastAxes: 2)
    for core in cores[cut..<(order - 1)].reversed() {
      let (next, total) = try core.rightMultiplied(by: right, exponent)
      right = next.matrix(lastAxes: 2)
      exponent = total
    }
    let (a, b) = try (ScaledTensor(left), ScaledTensor(right))
    return try product(a.tensor, b.tensor).reshaped(shape)
      .scaled(byPowerOfTwo: exponent + a.exponent + b.exponent)
  }

  /// The bond where the two halves together are smallest.
  private func cheapestCut(_ total: Int) -> Int {
    var best = (cut: 1, size: Double.infinity)
    var left = 1.0
    for cut in 1..<order {
      left *= Double(shape[cut - 1])
      let size = (left + Double(total) / left) * Double(ranks[cut])
      if size < best.size { best = (cut, size) }
    }
    return best.cut
  }
}
