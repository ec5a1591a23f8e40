/// Networks as trains, and through them as arrays.

extension TensorNetwork {
  /// The same tensor as a train.
  ///
  /// - Returns: ranks: the number of terms of a canonical network; those of the Tucker core as a train; at
  ///   most products of two ranks for a hierarchical one, cut down by `truncation`.
  /// - Error: rounding, and what `truncation` allows.
  public func train(
    _ truncation: Truncation = Truncation(), executor: Executor = Executor()
  ) throws(TTKitError) -> TensorTrain<T> {
    try truncation.check(order: order)
    switch form {
    case .canonical:
      let exact = try TensorTrain(cores: canonicalCores())
      return truncation.isGiven ? try exact.rounded(truncation, executor: executor) : exact
    case .tucker:
      let inner = try TensorTrain(decomposing: cores[0], truncation, executor: executor)
      return try TensorTrain(
        cores: zip(inner.cores, cores[1...]).map { (core, factor) throws(TTKitError) in
          try widened(core, by: factor)
        }, error: inner.error)
    case .hierarchicalTucker(let hierarchy):
      let chain = try chain(2 * order - 2, hierarchy)
      return try TensorTrain(cores: chain).rounded(truncation, executor: executor)
    }
  }

  /// All elements.
  public func dense() throws(TTKitError) -> Tensor<T> { try train().dense() }

  /// Diagonal cores; the weights go into the first.
  private func canonicalCores() throws(TTKitError) -> [Tensor<T>] {
    let rank = cores[0].shape[0]
    let factors = Array(cores[1...])
    let weighted = try factors[0].transposed([1, 0]).rowsMultiplied(by: cores[0])
    if order == 1 {
      let ones = try Tensor<T>(shape: [1, rank]) { out in for i in out.indices { out[i] = .one } }
      return [try product(ones, weighted).reshaped([1, shape[0], 1])]
    }
    var result = [try weighted.transposed([1, 0]).reshaped([1, shape[0], rank])]
    for factor in factors[1..<(order - 1)] {
      let columns = try factor.transposed([1, 0])
      let n = factor.shape[0]
      try result.append(
        Tensor.assembled(
          shape: [rank, n, rank],
          (0..<rank).map { (r) throws(TTKitError) in
            ([r, 0, r], try columns.block(at: [r, 0], shape: [1, n]).reshaped([1, n, 1]))
          }))
    }
    let last = try factors[order - 1].transposed([1, 0])
    return result + [last.reshaped([rank, shape[order - 1], 1])]
  }

  /// Core (a, r, b) with its mode multiplied by a factor (n, r).
  private func widened(
    _ core: Tensor<T>, by factor: Tensor<T>
  ) throws(TTKitError) -> Tensor<T> {
    let (a, r, b) = (core.shape[0], core.shape[1], core.shape[2])
    let rows = try core.transposed([0, 2, 1]).reshaped([a * b, r])
    let wide = try product(rows, factor, .plain, .transposed)
    return try wide.reshaped([a, b, factor.shape[0]]).transposed([0, 2, 1])
  }

  /// The modes below a node as cores whose last right bond is the node's own.
  private func chain(_ node: Int, _ hierarchy: HierarchyShape) throws(TTKitError) -> [Tensor<T>] {
    let core = cores[node]
    if node < order { return [core.reshaped([1, core.shape[0], core.shape[1]])] }
    let pair = hierarchy.transfers[node - order]
    var left = try chain(pair.left, hierarchy)
    let (a, b) = (core.shape[0], core.shape[1])
    let own = core.count / (a * b)  // the root has none: 1
    // The left bond travels beside the right node's cores to its last one.
    for one in try chain(pair.right, hierarchy) { try left.append(carried(one, beside: a)) }
    let last = left.removeLast()
    let merged = try product(
      last.matrix(lastAxes: 1).reshaped([last.count / (a * b), a * b]), core.reshaped([a * b, own]))
    return left + [merged.reshaped([last.shape[0], last.shape[1], own])]
  }

  /// 1 ⊗ core: shape (bond p, n, bond q).
  private func carried(_ core: Tensor<T>, beside bond: Int) throws(TTKitError) -> Tensor<T> {
    let (p, n, q) = (core.shape[0], core.shape[1], core.shape[2])
    return try Tensor.assembled(
      shape: [checkedProduct([bond, p]), n, checkedProduct([bond, q])],
      (0..<bond).map { ([$0 * p, 0, $0 * q], core) })
  }
}

extension Tensor where Element: Scalar {
  /// Row i times factors[i].
  fileprivate func rowsMultiplied(by factors: Tensor) throws(TTKitError) -> Tensor {
    let columns = shape[1]
    let all = factors.elements
    return try Tensor.assembled(
      shape: shape,
      all.enumerated().map { (i, factor) throws(TTKitError) in
        ([i, 0], try block(at: [i, 0], shape: [1, columns]).scaled(by: factor))
      })
  }
}
