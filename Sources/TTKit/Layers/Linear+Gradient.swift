/// The backward pass of a linear layer: every gradient is a contraction, planned like any other.

extension Linear {
  /// Gradients of ⟨gradient, x Wᵀ + b⟩: with respect to x, to every core as decoded, to the bias.
  ///
  /// The batch is met as early or late as is predicted to be cheapest; the workspace is allocated here.
  /// - Parameters:
  ///   - x, gradient: (rows, inFeatures) and (rows, outFeatures) in the layer's dtype, any strides.
  ///   - gradX, gradCores, gradBias: where results go; nil for what is not wanted. Shapes are those of x,
  ///     of the cores, of the bias; nothing overlaps. The caller has checked all this.
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  public func vjp(
    _ x: StridedView, _ gradient: StridedView, gradX: StridedView?, gradCores: [StridedView]?,
    gradBias: StridedView?, executor: Executor = Executor()
  ) throws(TTKitError) {
    if dtype == .float64 {
      try backward(Double.self, x, gradient, gradX, gradCores, executor)
    } else {
      try backward(Float.self, x, gradient, gradX, gradCores, executor)
    }
    guard let gradBias else { return }
    let plan = try ContractionPlan(
      ContractionEquation(operands: [[0, 1]], result: [1], names: ["z", "i"]),
      shapes: [gradient.shape], dtype: dtype, executor: executor)
    try plan.execute([gradient], into: gradBias)
  }

  private func backward<T: RealScalar>(
    _ type: T.Type, _ x: StridedView, _ gradient: StridedView, _ gradX: StridedView?,
    _ gradCores: [StridedView]?, _ executor: Executor
  ) throws(TTKitError) {
    var first = 0
    for (index, term) in matrix.terms.enumerated() {
      let equation = term.equation
      let rows = x.shape[0]
      let forward = try TermNetwork<T>.plan(
        equation, rows: rows, isPrepared: false, mostConstant: .max)
      let cores = try term.operands(type).map(\.tensor)
      let columnDigits = equation.columns.map(\.length)
      func split(_ view: StridedView, _ digits: [Int]) -> StridedView {
        view.split([[rows], digits], order: Array(0...digits.count))
      }
      let prepared = try term.input.map { (shape) throws(TTKitError) in
        try PreparedOperator<T>(shape, executor: executor)
      }
      let lifted = try prepared.map { (prepared) throws(TTKitError) in
        try prepared.lifted(x.copied(as: T.self), executor: executor)
      }
      let input = split(lifted?.wholeView ?? x, columnDigits)
      let output = split(gradient, equation.rows.map(\.length))
      var operands = [input]
      for core in cores { operands.append(core.wholeView) }
      if let gradX {
        var given = operands
        given[0] = output
        let plan = try forward.gradient(of: 0, executor: executor)
        if let prepared {
          try Self.addFolded(plan, given, prepared, columnDigits, to: gradX, adding: index > 0)
        } else {
          try plan.execute(given, into: split(gradX, columnDigits), adding: index > 0)
        }
      }
      if let gradCores {
        for k in cores.indices {
          var given = operands
          given[k + 1] = output
          try forward.gradient(of: k + 1, executor: executor).execute(
            given, into: gradCores[first + k])
        }
      }
      withExtendedLifetime((cores, lifted)) {}
      first += cores.count
    }
  }

  /// The gradient of what an operator made of x, folded to that of x.
  private static func addFolded<T: RealScalar>(
    _ plan: ContractionPlan, _ operands: [StridedView], _ prepared: PreparedOperator<T>,
    _ digits: [Int], to gradX: StridedView, adding: Bool
  ) throws(TTKitError) {
    let wide = try Tensor<T>(
      shape: [gradX.shape[0], prepared.shape.outputs], zeroed: true
    ) { _ in }
    // Nobody else has this memory yet.
    try plan.execute(
      operands,
      into: wide.wholeView.split(
        [[gradX.shape[0]], digits], order: Array(0...digits.count)))
    let folded = try prepared.folded(wide)
    gradX.write(adding ? try added(gradX.copied(as: T.self), folded) : folded)
  }
}
