/// A contraction made ready: order, memory and kernels are chosen once, executing allocates nothing.
internal import Synchronization

/// Never changes once made: any number of threads may execute it, each with a workspace of its own.
public final class ContractionPlan: Sendable {
  public let equation: ContractionEquation
  /// Of the operands, then of the index vectors.
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
  /// How operands are read, when not by plain axes alone.
  let reads: ReadPlan?
  let places: ExtraPlaces
  let executor: Executor
  /// What a plan of complex numbers runs on.
  let complex: ComplexPlan?
  let gradientPlan = Mutex<GradientPlan?>(nil)

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

  /// - Parameter conjugated: operands whose conjugate is meant.
  init(
    complex equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    spread: ResultSpread? = nil, conjugated: [Bool]? = nil, known: [Int] = [],
    effort: PathEffort = .quick, executor: Executor
  ) throws(TTKitError) {
    let complex = try ComplexPlan(
      equation, shapes: shapes, dtype: dtype, memoryLimit: memoryLimit, spread: spread,
      conjugated: conjugated ?? equation.operands.map { _ in false }, known: known, effort: effort,
      executor: executor)
    self.complex = complex
    self.spread = spread
    self.equation = equation
    self.shapes = shapes
    self.dtype = dtype
    self.executor = executor
    let real = complex.real
    resultShape = real.resultShape.dropLast()
    lengths = try equation.lengths(shapes, known: known)
    path = complex.path.pairs
    (flops, bytes, workspaceSize) = (real.flops, real.bytes, real.workspaceSize)
    (predictedTime, nodes, steps, map) = (real.predictedTime, real.nodes, real.steps, real.map)
    (reads, places) = (nil, real.places)
  }

  init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    constants: [Bool]?, mostConstant: Int = .max, scheme: CostModel.Scheme = .panels,
    spread: ResultSpread? = nil, effort: PathEffort = .quick,
    path: ContractionPath? = nil, known: [Int] = [], executor: Executor
  ) throws(TTKitError) {
    guard dtype == .float32 || dtype == .float64 else {
      throw .unsupportedDType(
        "a contraction of \(dtype.name), expected float32, float64, complex64 or complex128")
    }
    let lengths = try equation.lengths(shapes, known: known)
    for shape in shapes { _ = try checkedProduct(shape.map { max($0, 1) } + [64]) }
    let inner = equation.result.map { lengths[$0] }
    let resultShape = spread?.shape ?? inner
    _ = try checkedProduct(resultShape.map { max($0, 1) } + [64])
    let reads = try ReadPlan(equation, shapes, lengths, dtype, target: spread)
    let constants = constants ?? equation.operands.map { _ in false }
    // Whatever the steps take, this comes behind it.
    let extra = try ExtraPlaces(
      after: 0, spread: spread, inner: inner, dtype: dtype, reads: reads)
    let found = try PlanSearch(
      equation: equation, lengths: lengths, dtype: dtype, constants: constants,
      memoryLimit: memoryLimit ?? .max, mostConstant: mostConstant, scheme: scheme,
      effort: effort, given: path,
      reserved: extra.byteCount == 0 ? 0 : extra.byteCount + 64
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
    self.reads = reads
    places = try ExtraPlaces(
      after: found.map.byteCount, spread: spread, inner: inner, dtype: dtype, reads: reads)
    workspaceSize = places.byteCount
    (flops, bytes) = try StepCosts.total(found.steps, found.nodes, lengths, dtype)
  }
}
