/// Training a weight of few bits: cores, inputs and outputs are rounded on the way forward, and gradients reach
/// the cores and the scales of all grids.
///
/// y = Q(Q(x; s_x) W(Q(cores; s_k))ᵀ + b; s_y) with Q the fake quantisation of ``FakeQuantizer``. Stored with the
/// same scales, cores are those of the forward pass bit for bit.
/// Source: Z. Yang et al., Quantization-Aware and Tensor-Compressed Training of Transformers for Natural
/// Language Understanding, Interspeech 2023.

public final class QuantizedTraining: Sendable {
  /// Gives the equation; its own cores are not used.
  public let matrix: CompressedMatrix
  public let dtype: DType
  let coreQuantizer: FakeQuantizer
  let activationQuantizer: FakeQuantizer
  let executor: Executor
  let gradients = GradientCache()
  private let known = RecentValues<Int, [ContractionPlan]>()

  public var coreShapes: [[Int]] { matrix.cores.map(\.shape) }

  /// - Throws: `.invalidArgument` for bits out of 2 to 8, for activations that are transformed
  ///   first and for sparse terms.
  public init(
    _ layer: Linear, coreBits: Int, activationBits: Int, rule: FakeQuantizer.Rule,
    executor: Executor = Executor()
  ) throws(TTKitError) {
    guard layer.matrix.terms.allSatisfy({ $0.input == nil }) else {
      throw .invalidArgument(
        "\(layer.matrix.spec) transforms its inputs; expected a format made of cores alone")
    }
    guard layer.matrix.sparseTerms.isEmpty else {
      throw .invalidArgument(
        "\(layer.matrix.spec) keeps entries apart, which integers cannot hold; expected a format of "
          + "full cores")
    }
    matrix = layer.matrix
    dtype = layer.dtype
    coreQuantizer = try FakeQuantizer(bits: coreBits, rule: rule)
    activationQuantizer = try FakeQuantizer(bits: activationBits, rule: rule)
    self.executor = executor
  }

  /// The contraction of each term for so many rows, made once.
  func plans(rows: Int) throws(TTKitError) -> [ContractionPlan] {
    try known.value(of: rows) { () throws(TTKitError) in
      try matrix.terms.map { (term) throws(TTKitError) in
        let (network, shapes) = try term.equation.applied(toRows: rows)
        return try ContractionPlan(network, shapes: shapes, dtype: dtype, executor: executor)
      }
    }
  }
}

/// What one forward pass was given and what it made of it, for the way back.
public struct TrainingPass<T: RealScalar>: Sendable {
  let x: Tensor<T>
  let cores: [Tensor<T>]
  let scales: [Tensor<T>]
  let inputScale: Tensor<T>?
  let outputScale: Tensor<T>?
  let hasBias: Bool
  /// Rounded inputs, x itself without a scale; rounded cores.
  let input: Tensor<T>
  let rounded: [Tensor<T>]
  /// (rows, out features): before and after rounding.
  let exact: Tensor<T>
  public let y: Tensor<T>
}

/// Gradients of one pass, each in the shape of what it belongs to.
public struct TrainingGradients<T: RealScalar>: Sendable {
  public let x: Tensor<T>?
  public let cores: [Tensor<T>]
  public let scales: [Tensor<T>]
  public let inputScale: Tensor<T>?
  public let outputScale: Tensor<T>?
  public let bias: Tensor<T>?
}

extension QuantizedTraining {
  /// - Parameters:
  ///   - x: (rows, in features).
  ///   - cores: of ``coreShapes``.
  ///   - scales: one a core: one element, or one for each row or group of a matrix; positive.
  ///   - inputScale, outputScale: one element; nil leaves inputs or outputs as they are.
  ///   - bias: out features elements.
  /// - Throws: `.invalidArgument` for scales that do not suit, `.outOfMemory`, `.sizeOverflow`.
  public func forward<T: RealScalar>(
    x: Tensor<T>, cores: [Tensor<T>], scales: [Tensor<T>], inputScale: Tensor<T>? = nil,
    outputScale: Tensor<T>? = nil, bias: Tensor<T>? = nil
  ) throws(TTKitError) -> TrainingPass<T> {
    let rows = x.shape[0]
    var rounded: [Tensor<T>] = []
    for (core, scale) in zip(cores, scales) {
      rounded.append(try coreQuantizer.quantize(core, scales: scale))
    }
    let input = try inputScale.map { (scale) throws(TTKitError) in
      try activationQuantizer.quantize(x, scales: scale)
    }
    let start = try bias.map { (bias) throws(TTKitError) in try Self.repeated(bias, rows) }
    let exact =
      if let start { start } else {
        try Tensor<T>(shape: [rows, matrix.rows], zeroed: true) { _ in }
      }
    var first = 0
    for (index, (term, plan)) in zip(matrix.terms, try plans(rows: rows)).enumerated() {
      let digits = [term.equation.columns.map(\.length), term.equation.rows.map(\.length)]
      func split(_ tensor: Tensor<T>, _ digits: [Int]) -> StridedView {
        tensor.wholeView.split([[rows], digits], order: Array(0...digits.count))
      }
      let own = rounded[first..<(first + term.cores.count)]
      // Written through its view before anybody else sees it.
      try plan.execute(
        [split(input ?? x, digits[0])] + own.map(\.wholeView), into: split(exact, digits[1]),
        adding: index > 0 || start != nil)
      first += term.cores.count
    }
    withExtendedLifetime((rounded, input, exact)) {}
    let y = try outputScale.map { (scale) throws(TTKitError) in
      try activationQuantizer.quantize(exact, scales: scale)
    }
    return TrainingPass(
      x: x, cores: cores, scales: scales, inputScale: inputScale, outputScale: outputScale,
      hasBias: bias != nil, input: input ?? x, rounded: rounded, exact: exact, y: y ?? exact)
  }

  /// Gradients for `grad`, that of the pass' y.
  public func vjp<T: RealScalar>(
    _ pass: TrainingPass<T>, grad: Tensor<T>, wantsX: Bool
  ) throws(TTKitError) -> TrainingGradients<T> {
    let rows = pass.x.shape[0]
    let output = try pass.outputScale.map { (scale) throws(TTKitError) in
      try activationQuantizer.gradients(pass.exact, scales: scale, grad: grad)
    }
    let above = output?.x ?? grad
    let needsX = wantsX || pass.inputScale != nil
    let gradInput = try needsX ? Tensor<T>(shape: pass.x.shape, zeroed: true) { _ in } : nil
    var own: [Tensor<T>] = []
    for core in pass.cores { own.append(try Tensor<T>(shape: core.shape, zeroed: true) { _ in }) }
    var first = 0
    for (index, term) in matrix.terms.enumerated() {
      let range = first..<(first + term.cores.count)
      try gradients.backward(
        term.equation, dtype,
        GradientCache.Wish(
          term: index, rows: rows, x: needsX, cores: true, limit: Linear.cachedBytes),
        x: pass.input.wholeView, cores: pass.rounded[range].map(\.wholeView),
        gradient: above.wholeView, gradX: gradInput?.wholeView, addsX: index > 0,
        gradCores: own[range].map(\.wholeView), executor: executor)
      first = range.upperBound
    }
    withExtendedLifetime((above, gradInput, own)) {}
    var (cores, scales): ([Tensor<T>], [Tensor<T>]) = ([], [])
    for k in own.indices {
      let found = try coreQuantizer.gradients(
        pass.cores[k], scales: pass.scales[k], grad: own[k])
      cores.append(found.x)
      scales.append(found.scales)
    }
    var gradX = gradInput
    var gradInputScale: Tensor<T>?
    if let scale = pass.inputScale, let gradInput {
      let found = try activationQuantizer.gradients(pass.x, scales: scale, grad: gradInput)
      (gradX, gradInputScale) = (found.x, found.scales)
    }
    return TrainingGradients(
      x: wantsX ? gradX : nil, cores: cores, scales: scales, inputScale: gradInputScale,
      outputScale: output?.scales, bias: pass.hasBias ? try columnSums(above) : nil)
  }

  private func columnSums<T: RealScalar>(_ z: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let sums = try Tensor<T>(shape: [matrix.rows], zeroed: true) { _ in }
    try sumRows(z.wholeView, into: sums.wholeView, executor)
    withExtendedLifetime((z, sums)) {}
    return sums
  }

  private static func repeated<T: RealScalar>(
    _ row: Tensor<T>, _ count: Int
  ) throws(TTKitError) -> Tensor<T> {
    let n = row.count
    return try Tensor<T>(shape: [checkedProduct([count, n]) / max(n, 1), n]) { out in
      row.withSpan { span in
        for i in 0..<count {
          for j in 0..<n { out[i * n + j] = span[j] }
        }
      }
    }
  }
}
