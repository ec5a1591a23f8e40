/// The gradients of a contraction with respect to its operands, planned together.
///
/// Reverse mode through the tree of the forward path: products of all operands before and after one are made
/// once and serve every gradient, so all gradients together take at most three times the forward flops.
/// Where the path merges a layer's cores into two factors, the batch is met in four products:
/// Z. Yang et al., CoMERA, NeurIPS 2024.
public final class GradientPlan: Sendable {
  /// Where an array is found.
  enum Place: Sendable {
    case operand(Int)
    /// The gradient of the result.
    case above
    /// Elements of memory, by offset and shape.
    case memory(Int, [Int])
    /// The gradient of an operand.
    case result(Int)
  }

  /// One product with the plan that makes it.
  struct Step: Sendable {
    let plan: ContractionPlan
    let inputs: [Place]
    let output: Place
  }

  let shapes: [[Int]]
  let resultShape: [Int]
  let dtype: DType
  let steps: [Step]
  /// Bytes of the products that are kept.
  let memorySize: Int
  /// Bytes of workspace of one execute.
  public let workspaceSize: Int
  /// Of one execute.
  public let flops: Int

  /// - Parameters:
  ///   - wanted: operands whose gradients are asked for; nil for all.
  ///   - path: of the forward contraction; nil to search for one.
  /// - Throws: what planning throws.
  public convenience init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, wanted: [Bool]? = nil
  ) throws(TTKitError) {
    try self.init(equation, shapes: shapes, dtype: dtype, wanted: wanted, path: nil)
  }

  init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, wanted: [Bool]?,
    path: ContractionPath?
  ) throws(TTKitError) {
    let lengths = try equation.lengths(shapes)
    let wanted = wanted ?? equation.operands.map { _ in true }
    var builder = GradientBuilder(equation, shapes, lengths, dtype)
    if wanted.count == 1 {
      if wanted[0] { try builder.addOnly() }
    } else if let path {
      try builder.add(path, wanted)
    } else {
      let network = ContractionNetwork(
        lengths: lengths, operands: StepBuilder.openAxes(equation),
        result: AxisSet(equation.result), cost: CostModel(dtype: dtype))
      try builder.add(PathSearch.path(network), wanted)
    }
    self.shapes = shapes
    self.dtype = dtype
    resultShape = equation.result.map { lengths[$0] }
    steps = builder.steps
    let elements = try checkedProduct([builder.regions.count, dtype.size, 64]) / 64
    memorySize = (elements + 63) / 64 * 64
    let most = steps.reduce(0) { max($0, $1.plan.workspaceSize) }
    workspaceSize = try MemoryRegions.sum(try MemoryRegions.sum(memorySize, most), 128)
    var flops = 0
    for step in steps { flops = try MemoryRegions.sum(flops, step.plan.flops) }
    self.flops = flops
  }
}

/// Lists the steps: forward but for the last pair, then back.
private struct GradientBuilder {
  private let equation: ContractionEquation
  private let shapes: [[Int]]
  private let lengths: [Int]
  private let dtype: DType
  private(set) var steps: [GradientPlan.Step] = []
  private(set) var regions = MemoryRegions()
  /// By node: axes, and where its value is.
  private var nodes: [(axes: [Int], place: GradientPlan.Place)] = []

  init(
    _ equation: ContractionEquation, _ shapes: [[Int]], _ lengths: [Int], _ dtype: DType
  ) {
    self.equation = equation
    self.shapes = shapes
    self.lengths = lengths
    self.dtype = dtype
  }

  private mutating func memory(_ id: Int, _ axes: [Int]) throws(TTKitError) -> GradientPlan.Place {
    let shape = axes.map { lengths[$0] }
    let count = try checkedProduct(shape.map { max($0, 1) } + [64]) / 64
    return .memory(try regions.place(id, count: (count + 15) / 16 * 16), shape)
  }

  private mutating func add(
    _ inputs: [(axes: [Int], place: GradientPlan.Place)], _ axes: [Int],
    _ output: GradientPlan.Place, spread: ResultSpread? = nil
  ) throws(TTKitError) {
    let plan = try ContractionPlan(
      ContractionEquation(
        operands: inputs.map(\.axes), result: axes, names: equation.names),
      shapes: inputs.map { $0.axes.map { lengths[$0] } }, dtype: dtype, memoryLimit: nil,
      constants: nil, spread: spread, executor: .serial)
    steps.append(
      GradientPlan.Step(plan: plan, inputs: inputs.map(\.place), output: output))
  }

  /// The gradient of one operand alone.
  mutating func addOnly() throws(TTKitError) {
    try addLeaf(0, [(equation.result, .above)], equation.result)
  }

  /// The gradient of operand k from what has the axes `present`.
  private mutating func addLeaf(
    _ k: Int, _ inputs: [(axes: [Int], place: GradientPlan.Place)], _ present: [Int]
  ) throws(TTKitError) {
    let made = ResultSpread.made(equation.operands[k], present: Set(present))
    let spread = ResultSpread(equation, k, made: made, shape: shapes[k], lengths: lengths)
    try add(inputs, made, .result(k), spread: spread)
  }

  mutating func add(_ path: ContractionPath, _ wanted: [Bool]) throws(TTKitError) {
    let open = StepBuilder.openAxes(equation)
    var isWanted = wanted
    for (k, axes) in equation.operands.enumerated() {
      let kept = axes.enumerated()
        .filter { open[k].contains($0.element) && !axes[..<$0.offset].contains($0.element) }
        .map(\.element)
      if kept == axes {
        nodes.append((axes, .operand(k)))
      } else {
        nodes.append((kept, try memory(k, kept)))
        try add([(axes, .operand(k))], kept, nodes[k].place)
      }
    }
    var live = LiveAxes(open + [AxisSet(equation.result)], lengths.map { Double($0) })
    for (i, (left, right)) in path.pairs.enumerated() {
      let (a, b) = (AxisSet(nodes[left].axes), AxisSet(nodes[right].axes))
      let kept = live.kept(a, b)
      live.replace(a, b, by: kept)
      isWanted.append(isWanted[left] || isWanted[right])
      if i == path.pairs.count - 1 {
        nodes.append((equation.result, .above))
        break
      }
      let shared = nodes[left].axes.filter(kept.contains)
      let axes = shared + nodes[right].axes.filter { kept.contains($0) && !shared.contains($0) }
      nodes.append((axes, try memory(nodes.count, axes)))
      try add([nodes[left], nodes[right]], axes, nodes[nodes.count - 1].place)
    }
    try goBack(path, isWanted)
  }

  /// From the gradient of each product to those of its factors.
  private mutating func goBack(
    _ path: ContractionPath, _ isWanted: [Bool]
  ) throws(TTKitError) {
    let leaves = equation.operands.count
    var above: [Int: (axes: [Int], place: GradientPlan.Place)] = [
      nodes.count - 1: (equation.result, .above)
    ]
    for (i, (left, right)) in path.pairs.enumerated().reversed() {
      let top = leaves + i
      guard let gradient = above[top] else { continue }
      for (child, other) in [(left, right), (right, left)] where isWanted[child] {
        let inputs = [gradient, nodes[other]]
        if child < leaves {
          try addLeaf(child, inputs, nodes[child].axes)
        } else {
          let axes = nodes[child].axes
          above[child] = (axes, try memory(nodes.count + child, axes))
          try add(inputs, axes, above[child]!.place)  // just set
        }
      }
      for done in [left, right, nodes.count + top] { regions.release(done) }
    }
  }
}
