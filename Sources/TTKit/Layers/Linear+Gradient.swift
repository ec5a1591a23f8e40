/// The backward pass of a linear layer: all gradients from one plan, made once for a number of rows.

extension Linear {
  /// Gradients of ⟨gradient, x Wᵀ + b⟩: with respect to x, to every core as decoded, to the bias.
  ///
  /// Rows are taken in tiles whose products stay within `memoryLimit`: what is recomputed for each tile are
  /// products of cores among themselves.
  /// - Parameters:
  ///   - x, gradient: (rows, inFeatures) and (rows, outFeatures) in the layer's dtype, any strides.
  ///   - gradX, gradCores, gradBias: where results go; nil for what is not wanted. Shapes are those of x,
  ///     of the cores, of the bias; nothing overlaps. The caller has checked all this.
  ///   - memoryLimit: bytes of workspace, as far as single rows allow; nil: about a cache's.
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  public func vjp(
    _ x: StridedView, _ gradient: StridedView, gradX: StridedView?, gradCores: [StridedView]?,
    gradBias: StridedView?, memoryLimit: Int? = nil, executor: Executor = Executor()
  ) throws(TTKitError) {
    let limit = memoryLimit ?? Self.cachedBytes
    if dtype == .float64 {
      try backward(Double.self, x, gradient, gradX, gradCores, limit, executor)
    } else {
      try backward(Float.self, x, gradient, gradX, gradCores, limit, executor)
    }
    if let gradBias { try sumRows(gradient, into: gradBias, executor) }
  }

  static var cachedBytes: Int { 32 << 20 }

  private func backward<T: RealScalar>(
    _ type: T.Type, _ x: StridedView, _ gradient: StridedView, _ gradX: StridedView?,
    _ gradCores: [StridedView]?, _ limit: Int, _ executor: Executor
  ) throws(TTKitError) {
    let rows = x.shape[0]
    var first = 0
    for (index, term) in matrix.terms.enumerated() {
      let own = gradCores.map { Array($0[first..<(first + term.cores.count)]) }
      defer { first += term.cores.count }
      if try backInLanes(term, index, x, gradient, gradX, own, type, executor) {
        try own.map { (own) throws(TTKitError) in try term.maskGradients(own, type) }
        continue
      }
      let wish = GradientCache.Wish(
        term: index, rows: rows, x: gradX != nil, cores: gradCores != nil, limit: limit)
      let cores = try term.operands(type).map(\.tensor)
      let prepared = try term.input.map { (shape) throws(TTKitError) in
        try PreparedOperator<T>(shape, executor: executor)
      }
      let lifted = try prepared.map { (prepared) throws(TTKitError) in
        try prepared.lifted(x.copied(as: T.self), executor: executor)
      }
      // The gradient of what an operator made of x, where there is one, is folded to that of x.
      var wide: Tensor<T>?
      if gradX != nil, let prepared {
        wide = try Tensor<T>(shape: [rows, prepared.shape.outputs], zeroed: true) { _ in }
      }
      let input = lifted?.wholeView ?? x
      let target = wide?.wholeView ?? gradX
      // The gradient of x adds up over terms.
      try gradients.backward(
        term.equation, dtype, wish, x: input, cores: cores.map(\.wholeView), gradient: gradient,
        gradX: target, addsX: index > 0 && wide == nil,
        gradCores: cores.indices.map { gradCores?[first + $0] }, executor: executor)
      withExtendedLifetime((cores, lifted)) {}
      if let gradX, let prepared, let wide {
        let folded = try prepared.folded(wide)
        gradX.write(index > 0 ? try added(gradX.copied(as: T.self), folded) : folded)
      }
      try own.map { (own) throws(TTKitError) in try term.maskGradients(own, type) }
    }
  }

  /// The gradients of a term in lanes; false where they are not the way.
  private func backInLanes<T: RealScalar>(
    _ term: Term, _ index: Int, _ x: StridedView, _ gradient: StridedView, _ gradX: StridedView?,
    _ gradCores: [StridedView]?, _ type: T.Type, _ executor: Executor
  ) throws(TTKitError) -> Bool {
    let rows = x.shape[0]
    // Half a line of rows at least: lanes past them do nothing.
    guard term.input == nil, 2 * rows >= LaneNetwork<T>.width,
      let input = LaneGradient.Rows<T>(x), let above = LaneGradient.Rows<T>(gradient),
      let lanes = gradients.lanes(index, term.equation, type, outputs: matrix.rows)
    else { return false }
    let target = gradX.map { LaneGradient.Rows<T>($0) }
    if let target, target == nil { return false }
    let cores = try term.operands(type).map(\.tensor)
    try lanes.execute(
      cores, x: input, above: above, rows: rows, gradX: target ?? nil, adds: index > 0,
      gradCores: gradCores, executor: executor)
    return true
  }
}

extension Term {
  /// Gradients of entries that are not kept become 0.
  func maskGradients<T: RealScalar>(
    _ gradients: [StridedView], _ type: T.Type
  ) throws(TTKitError) {
    guard let sparse = cores[0].storage as? SparseStorage else { return }
    try sparse.mask(gradients[0], cores[0], type)
  }
}

/// The sum of all rows of a matrix: the gradient of a bias.
func sumRows(
  _ a: StridedView, into sum: StridedView, _ executor: Executor
) throws(TTKitError) {
  let plan = try ContractionPlan(
    ContractionEquation(operands: [[0, 1]], result: [1], names: ["z", "i"]), shapes: [a.shape],
    dtype: a.dtype, executor: executor)
  try plan.execute([a], into: sum)
}
