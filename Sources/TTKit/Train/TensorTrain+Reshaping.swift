/// Modes merged and split.

extension TensorTrain {
  /// The same elements in row-major order under another shape.
  ///
  /// Where shapes share a boundary nothing has to cross it: modes are merged until the next length divides
  /// their product, which is then split off. Merging is exact; after any splitting the train is rounded.
  /// - Returns: the train of shape `modes`; `error` that of the rounding.
  /// - Complexity: merged modes come as one core, so lengths like (4, 9) to (6, 6) cost what 36 does.
  /// - Throws: `.invalidArgument` for lengths below 1 or another number of elements; `.sizeOverflow`,
  ///   `.outOfMemory`; as ``rounded(_:executor:progress:)``.
  public func reshaped(
    modes: [Int], _ truncation: Truncation = Truncation(), executor: Executor = Executor(),
    progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorTrain {
    try truncation.check(order: modes.count)
    try checkModes(modes)
    var source = cores[...]
    var result: [Tensor<T>] = []
    var current: Tensor<T>?
    var exponent = 0
    var isSplit = false
    for n in modes {
      if n == 1 {
        // The identity, before whatever comes next.
        let rank = current?.shape[0] ?? result.last?.shape[2] ?? 1
        result.append(try Tensor<T>.identity(rank).reshaped([rank, 1, rank]))
        continue
      }
      while current.map({ $0.shape[1] % n != 0 || $0.shape[1] == 1 }) ?? true {
        let next = source.removeFirst()  // there is one, as checkModes has seen
        (current, exponent) = try merged(current, next, exponent)
      }
      guard let thick = current else { break }
      let (a, length, b) = (thick.shape[0], thick.shape[1], thick.shape[2])
      if length == n {
        result.append(thick)
        current = nil
        continue
      }
      // Both lengths divide the core's elements.
      let matrix = thick.reshaped([a * n, thick.count / (a * n)])
      guard matrix.largestComponent > 0 else { return try .zero(shape: modes) }
      let (left, right) = try rankSplit(matrix)
      result.append(left.reshaped([a, n, left.shape[1]]))
      current = right.reshaped([right.shape[0], length / n, b])
      isSplit = true
    }
    // Only modes of length 1 are left.
    for core in source {
      let (last, total) = try merged(result.removeLast(), core, exponent)
      result.append(last)
      exponent = total
    }
    result = try absorb(exponent, into: result, at: result.count - 1)
    let train = try TensorTrain(checking: result)
    let isWished = truncation.maxRank != nil || truncation.maxRanks != nil
    guard isSplit || isWished || truncation.relative > 0 || truncation.absolute > 0 else {
      return train
    }
    return try train.rounded(truncation, executor: executor, progress: progress)
  }

  /// - Throws: `.invalidArgument` unless `modes` has as many elements as this tensor; `.sizeOverflow`.
  private func checkModes(_ modes: [Int]) throws(TTKitError) {
    guard (1...Self.maxOrder).contains(modes.count) else {
      throw .invalidArgument("\(modes.count) modes, expected 1 to \(Self.maxOrder)")
    }
    func mismatch() -> TTKitError {
      .invalidArgument(
        "shape \(describe(shape)) cannot become \(describe(modes)): the numbers of elements differ")
    }
    // Products of all lengths may be beyond any integer: only what is merged and not yet split counts.
    var rest = 1
    var source = shape[...]
    for (k, n) in modes.enumerated() {
      guard n >= 1 else { throw .invalidArgument("modes[\(k)] is \(n), expected at least 1") }
      while rest % n != 0 {
        guard let next = source.popFirst() else { throw mismatch() }
        rest = try checkedProduct([rest, next])
      }
      rest /= n
    }
    guard rest == 1, source.allSatisfy({ $0 == 1 }) else { throw mismatch() }
  }

  /// Two neighbouring cores as one.
  private func merged(
    _ x: Tensor<T>?, _ y: Tensor<T>, _ exponent: Int
  ) throws(TTKitError) -> (Tensor<T>, Int) {
    guard let x else { return (y, exponent) }
    let (near, next) = try (ScaledTensor(x, exponent: exponent), ScaledTensor(y))
    let pair = try product(near.tensor.matrix(lastAxes: 1), next.tensor.matrix(lastAxes: 2))
    let modes = x.shape[1] * y.shape[1]  // fits, as checkModes has seen
    return (pair.reshaped([x.shape[0], modes, y.shape[2]]), near.exponent + next.exponent)
  }
}

/// `a` (m, n), not zero, as a product (m, k) (k, n) of numerical rank k.
private func rankSplit<T: Scalar>(
  _ a: Tensor<T>
) throws(TTKitError) -> (left: Tensor<T>, right: Tensor<T>) {
  let near = try ScaledTensor(a)
  let side: BasisSide = a.shape[0] > a.shape[1] ? .columns : .rows
  let basis = try GramBasis(near.tensor, side, gramTriangle(near.tensor, side))
  guard side == .columns else {
    return (try basis.factor.scaled(byPowerOfTwo: near.exponent), basis.q)
  }
  let right = try basis.factor.transposed([1, 0]).conjugated()
  return (basis.q, try right.scaled(byPowerOfTwo: near.exponent))
}
