/// A contraction made ready: order, memory and kernels are chosen once, executing allocates nothing.

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

  /// Plans `equation` for operands of these shapes, float32 or float64.
  ///
  /// - Parameters:
  ///   - memoryLimit: bytes of workspace that execute may need; nil: as many as the fastest order takes.
  ///   - constants: operands that never change, for ``PreparedContraction``.
  /// - Throws: `.invalidArgument` for shapes that do not fit; `.unsupportedDType`; `.sizeOverflow` when
  ///   sizes or every order exceed Int or the limit.
  public convenience init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int? = nil,
    executor: Executor = Executor()
  ) throws(TTKitError) {
    try self.init(
      equation, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, constants: nil,
      executor: executor)
  }

  init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    constants: [Bool]?, mostConstant: Int = .max, scheme: CostModel.Scheme = .panels,
    spread: ResultSpread? = nil, executor: Executor
  ) throws(TTKitError) {
    guard dtype == .float32 || dtype == .float64 else {
      throw .unsupportedDType("a contraction of \(dtype.name), expected float32 or float64")
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
      memoryLimit: memoryLimit ?? .max, mostConstant: mostConstant, scheme: scheme
    ).run()
    self.equation = equation
    self.shapes = shapes
    self.resultShape = resultShape
    self.dtype = dtype
    self.lengths = lengths
    self.executor = executor
    path = found.path.pairs
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
