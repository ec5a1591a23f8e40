/// What a plan does, step by step, and where everything lies meanwhile.

/// One pair of nodes, or the sum over some axes of one.
struct ContractionStep: Sendable {
  /// Nodes: the left one gives tiles of rows, the right one panels of columns; nil: a sum of the left.
  let left: Int
  let right: Int?
  let output: Int
  /// Axes of both operands and the result; of left and result; of right and result; summed.
  var batch: [Int] = []
  var rows: [Int] = []
  var columns: [Int] = []
  var inner: [Int] = []
  /// Depends on constants alone: done once.
  var isConstant = false
}

/// An operand, an intermediate or the result.
struct ContractionNode: Sendable {
  enum Place: Sendable, Equatable {
    case operand(Int)
    /// Element offset in the workspace, or in the memory of constants.
    case intermediate(Int)
    case result
  }

  var axes: [Int]
  var place: Place
  var isConstant = false
  /// Steps by axis number, for intermediates; 0 where the node lacks the axis.
  var strides: [Int] = []
}

/// Turns a path into nodes and steps.
struct StepBuilder {
  let equation: ContractionEquation
  let lengths: [Int]
  let cost: CostModel
  let constants: [Bool]
  private(set) var nodes: [ContractionNode] = []
  private(set) var steps: [ContractionStep] = []

  init(
    _ equation: ContractionEquation, _ lengths: [Int], _ cost: CostModel, constants: [Bool],
    path: ContractionPath
  ) throws(TTKitError) {
    self.equation = equation
    self.lengths = lengths
    self.cost = cost
    self.constants = constants
    var current: [Int] = []
    let open = Self.openAxes(equation)
    for (k, axes) in equation.operands.enumerated() {
      let unique = axes.enumerated().filter { !axes[..<$0.offset].contains($0.element) }
        .map(\.element)
      nodes.append(
        ContractionNode(axes: unique, place: .operand(k), isConstant: constants[k]))
      current.append(k)
    }
    if equation.operands.count == 1 {
      let summed = nodes[0].axes.filter { !equation.result.contains($0) }
      let kept = equation.result
      nodes.append(ContractionNode(axes: kept, place: .result))
      steps = [
        ContractionStep(left: 0, right: nil, output: 1, rows: kept, inner: summed)
      ]
      return
    }
    for k in equation.operands.indices {
      let kept = nodes[k].axes.filter { open[k].contains($0) }
      guard kept.count < nodes[k].axes.count else { continue }
      let summed = nodes[k].axes.filter { !open[k].contains($0) }
      current[k] = try add(
        ContractionStep(
          left: k, right: nil, output: nodes.count, rows: kept, inner: summed,
          isConstant: constants[k]), kept)
    }
    try follow(path, current)
  }

  /// For each operand the axes that others or the result have too: the rest is summed at once.
  static func openAxes(_ equation: ContractionEquation) -> [AxisSet] {
    var uses = [Int](repeating: 0, count: equation.names.count)
    for axes in equation.operands { for axis in Set(axes) { uses[axis] += 1 } }
    for axis in equation.result { uses[axis] += 2 }
    return equation.operands.map { axes in AxisSet(axes.filter { uses[$0] > 1 }) }
  }

  private mutating func follow(
    _ path: ContractionPath, _ operands: [Int]
  ) throws(TTKitError) {
    var current: [Int] = operands
    var live = Set(operands.indices)
    for (i, (a, b)) in path.pairs.enumerated() {
      live.remove(a)
      live.remove(b)
      var outside = AxisSet(equation.result)
      for other in live { outside = outside.union(AxisSet(nodes[current[other]].axes)) }
      let isLast = i == path.pairs.count - 1
      let step = pair(current[a], current[b], outside, isLast: isLast)
      if isLast {
        nodes.append(ContractionNode(axes: equation.result, place: .result))
        steps.append(step)
      } else {
        _ = try add(step, step.batch + step.rows + step.columns)
      }
      current.append(nodes.count - 1)
      live.insert(current.count - 1)
    }
  }

  /// The step of two nodes with the cheaper of both as panels.
  private func pair(_ a: Int, _ b: Int, _ outside: AxisSet, isLast: Bool) -> ContractionStep {
    let first = oriented(a, b, outside, isLast: isLast)
    let second = oriented(b, a, outside, isLast: isLast)
    if nodes[a].isConstant != nodes[b].isConstant { return nodes[b].isConstant ? first : second }
    return time(second) < time(first) ? second : first
  }

  private func oriented(
    _ left: Int, _ right: Int, _ outside: AxisSet, isLast: Bool
  ) -> ContractionStep {
    let shared = nodes[right].axes.filter { nodes[left].axes.contains($0) }
    var step = ContractionStep(left: left, right: right, output: nodes.count)
    func sorted(_ axes: [Int]) -> [Int] {
      isLast ? equation.result.filter { axes.contains($0) } : axes
    }
    step.batch = sorted(shared.filter { outside.contains($0) })
    step.inner = shared.filter { !outside.contains($0) }
    step.rows = sorted(nodes[left].axes.filter { !shared.contains($0) })
    step.columns = sorted(nodes[right].axes.filter { !shared.contains($0) })
    step.isConstant = nodes[left].isConstant && nodes[right].isConstant
    return step
  }

  private func time(_ step: ContractionStep) -> Double {
    func size(_ axes: [Int]) -> Double { axes.reduce(1) { $0 * Double(max(lengths[$1], 1)) } }
    let (batch, m, n) = (size(step.batch), size(step.rows), size(step.columns))
    var time = cost.time(batch: batch, m: m, n: n, k: size(step.inner))
    // A result that is not in the order of rows and columns is scattered.
    if !equation.result.elementsEqual(step.batch + step.rows + step.columns) {
      time += batch * m * n * 1e-9
    }
    return time
  }

  /// Adds a step whose output is a compact intermediate with these axes.
  private mutating func add(
    _ step: ContractionStep, _ axes: [Int]
  ) throws(TTKitError) -> Int {
    _ = try checkedProduct(axes.map { max(lengths[$0], 1) } + [64])
    var strides = [Int](repeating: 0, count: lengths.count)
    for (axis, stride) in zip(axes, rowMajorStrides(axes.map { lengths[$0] })) {
      strides[axis] = stride
    }
    nodes.append(
      ContractionNode(
        axes: axes, place: .intermediate(0), isConstant: step.isConstant, strides: strides))
    steps.append(step)
    return nodes.count - 1
  }

  /// Gives intermediates their places: constants in memory of their own, the others in the workspace,
  /// where memory is used again after the last reader. Returns the elements of both.
  mutating func place() throws(TTKitError) -> (constants: Int, workspace: Int) {
    var constants = 0
    var regions = MemoryRegions()
    for step in steps {
      if case .intermediate = nodes[step.output].place {
        // Lines of 64 bytes for any element of at least 4; each count was checked with room to spare.
        let raw = nodes[step.output].axes.reduce(1) { $0 * max(lengths[$1], 1) }
        let count = (raw + 15) / 16 * 16
        if step.isConstant {
          nodes[step.output].place = .intermediate(constants)
          constants = try MemoryRegions.sum(constants, count)
        } else {
          nodes[step.output].place = .intermediate(try regions.place(step.output, count: count))
        }
      }
      // Every node is read by one step.
      regions.release(step.left)
      if let right = step.right { regions.release(right) }
    }
    return (constants, regions.count)
  }
}
