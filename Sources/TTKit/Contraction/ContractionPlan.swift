/// A contraction made ready: order, memory and kernels are chosen once, executing allocates nothing.
internal import Synchronization

/// Never changes once made: any number of threads may execute it, each with a workspace of its own.
public final class ContractionPlan: Sendable {
  public let equation: ContractionEquation
  public let shapes: [[Int]]
  public let resultShape: [Int]
  public let dtype: DType
  /// Pairs in order: operands are 0 ..< n, the result of pair i is n + i.
  public let path: [(left: Int, right: Int)]
  /// Multiply-adds times two of one execute.
  public let flops: Int
  /// Bytes that the steps read and write at least.
  public let bytes: Int
  /// Bytes of workspace that one execute needs.
  public let workspaceSize: Int
  /// Predicted seconds of one execute on one thread.
  let predictedTime: Double
  let lengths: [Int]
  let nodes: [ContractionNode]
  let steps: [ContractionStep]
  let map: WorkspaceMap
  /// How the contraction's result becomes the plan's, when it is not the same.
  let spread: ResultSpread?
  let executor: Executor
  /// What a plan of complex numbers runs on.
  let complex: ComplexPlan?
  private let all = Mutex<GradientPlan?>(nil)

  /// Plans `equation` for operands of these shapes, float32, float64, complex64 or complex128.
  ///
  /// - Parameters:
  ///   - memoryLimit: bytes of workspace that execute may need; nil: as many as the fastest order takes.
  ///   - effort: how long to search for the order.
  /// - Throws: `.invalidArgument` for shapes that do not fit; `.unsupportedDType`; `.sizeOverflow` when
  ///   sizes or every order exceed Int or the limit.
  public convenience init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int? = nil,
    effort: PathEffort = .quick, executor: Executor = Executor()
  ) throws(TTKitError) {
    if dtype == .complex64 || dtype == .complex128 {
      try self.init(
        complex: equation, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, effort: effort,
        executor: executor)
      return
    }
    try self.init(
      equation, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, constants: nil,
      effort: effort, executor: executor)
  }

  private init(
    complex equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    effort: PathEffort, executor: Executor
  ) throws(TTKitError) {
    let complex = try ComplexPlan(
      equation, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, effort: effort,
      executor: executor)
    self.complex = complex
    self.equation = equation
    self.shapes = shapes
    self.dtype = dtype
    self.executor = executor
    let real = complex.real
    resultShape = real.resultShape.dropLast()
    lengths = try equation.lengths(shapes)
    path = complex.path.pairs
    (flops, bytes, workspaceSize) = (real.flops, real.bytes, real.workspaceSize)
    (predictedTime, nodes, steps, map) = (real.predictedTime, real.nodes, real.steps, real.map)
    spread = nil
  }

  init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    constants: [Bool]?, mostConstant: Int = .max, scheme: CostModel.Scheme = .panels,
    spread: ResultSpread? = nil, effort: PathEffort = .quick,
    path: ContractionPath? = nil, executor: Executor
  ) throws(TTKitError) {
    guard dtype == .float32 || dtype == .float64 else {
      throw .unsupportedDType(
        "a contraction of \(dtype.name), expected float32, float64, complex64 or complex128")
    }
    let lengths = try equation.lengths(shapes)
    for shape in shapes { _ = try checkedProduct(shape.map { max($0, 1) } + [64]) }
    let inner = equation.result.map { lengths[$0] }
    let resultShape = spread?.shape ?? inner
    _ = try checkedProduct(resultShape.map { max($0, 1) } + [64])
    let innerBytes = try checkedProduct(inner.map { max($0, 1) } + [64]) / 64 * dtype.size
    let spreadBytes = spread == nil ? 0 : innerBytes + 64
    let constants = constants ?? equation.operands.map { _ in false }
    let found = try PlanSearch(
      equation: equation, lengths: lengths, dtype: dtype, constants: constants,
      memoryLimit: memoryLimit ?? .max, mostConstant: mostConstant, scheme: scheme,
      effort: effort, given: path
    ).run()
    self.equation = equation
    self.shapes = shapes
    self.resultShape = resultShape
    self.dtype = dtype
    self.lengths = lengths
    self.executor = executor
    self.path = found.path.pairs
    complex = nil
    nodes = found.nodes
    steps = found.steps
    map = found.map
    predictedTime = found.time
    self.spread = spread
    let (size, overflow) = found.map.byteCount.addingReportingOverflow(spreadBytes)
    guard !overflow else {
      throw .sizeOverflow("the workspace exceeds the address space; use smaller sizes")
    }
    workspaceSize = size
    (flops, bytes) = try StepCosts.total(found.steps, found.nodes, lengths, dtype)
  }
}

extension ContractionPlan {
  /// Writes the gradients of ⟨above, contraction of operands⟩ with respect to every operand.
  ///
  /// - Parameters: shapes and dtype as planned, any strides; results, by operand, overlap nothing. The
  ///   caller has checked all this.
  /// - Throws: `.invalidArgument` for a plan that is a gradient itself; what planning throws.
  public func gradients(
    _ operands: [StridedView], above: StridedView, into results: [StridedView]
  ) throws(TTKitError) {
    try requireGradient()
    var plan = all.withLock { $0 }
    if plan == nil {
      let made = try GradientPlan(equation, shapes: shapes, dtype: dtype)
      all.withLock { $0 = made }
      plan = made
    }
    try plan?.execute(operands, above: above, into: results, executor: executor)
  }

  func requireGradient() throws(TTKitError) {
    guard spread == nil else {
      throw .invalidArgument(
        "this is a gradient with axes of its own, which has no plan of a gradient; plan the "
          + "equation")
    }
    guard complex == nil else {
      throw .unsupportedDType("gradients of \(dtype.name), expected float32 or float64")
    }
  }
}

/// Flops and bytes of steps.
enum StepCosts {
  static func flops(_ step: ContractionStep, _ lengths: [Int]) throws(TTKitError) -> Int {
    let all = step.batch + step.rows + step.columns + step.inner
    return try checkedProduct([step.right == nil ? 1 : 2] + all.map { lengths[$0] })
  }

  static func bytes(
    _ step: ContractionStep, _ nodes: [ContractionNode], _ lengths: [Int], _ dtype: DType
  ) throws(TTKitError) -> Int {
    var sum = 0
    for node in [step.left, step.right ?? step.output, step.output] {
      let size = try checkedProduct(nodes[node].axes.map { lengths[$0] } + [dtype.size, 4])
      sum += size / 4  // three numbers below 2^61
    }
    return sum
  }

  static func total(
    _ steps: [ContractionStep], _ nodes: [ContractionNode], _ lengths: [Int], _ dtype: DType
  ) throws(TTKitError) -> (flops: Int, bytes: Int) {
    var total = (flops: 0, bytes: 0)
    for step in steps where !step.isConstant {
      let (flops, tooMany) = total.flops.addingReportingOverflow(try self.flops(step, lengths))
      let (bytes, tooLarge) = total.bytes.addingReportingOverflow(
        try self.bytes(step, nodes, lengths, dtype))
      guard !tooMany, !tooLarge else {
        throw .sizeOverflow("the contraction takes more than 2^63 - 1 flops; use smaller sizes")
      }
      total = (flops, bytes)
    }
    return total
  }
}
