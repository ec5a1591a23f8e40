/// The backward pass of a term with rows side by side in lanes: what it does, planned once.
///
/// A tile of rows runs forward as in ``LaneNetwork``, keeping what steps read, and back: each step then meets
/// the batch in two products. Gradients of the packed operands add up over tiles; what cores made among
/// themselves is taken apart once at the end, so that nothing but tiles grows with the rows.

final class LaneGradient: Sendable {
  /// From the gradient of what a step multiplies by to those of the cores it was made of.
  struct Operand: Sendable {
    /// Of the equation's operands after the activations.
    let cores: [Int]
    let plan: GradientPlan
    /// For one core alone: where its elements are among the sums, by axis.
    let strides: [Int]?
  }

  let plan: ContractionPlan
  let layout: LaneLayout
  let operands: [Operand]
  /// Where the gradient of each step's operand is among the sums.
  let places: [Int]
  let sumCount: Int
  /// Elements of x of one row, and of the matrix' rows.
  let inputs: Int
  let outputs: Int
  private static let mostParts = 16

  /// - Parameters:
  ///   - outputs: rows of the matrix; those of the term past it are padding.
  /// - Throws: `.invalidArgument` when the term has no lanes; what planning throws.
  init(
    _ equation: Equation, _ plan: ContractionPlan, width: Int, outputs: Int
  ) throws(TTKitError) {
    let layout = try LaneLayout(plan, width: width, outputs: outputs)
    self.plan = plan
    self.layout = layout
    self.outputs = outputs
    inputs = equation.columnCount
    var (operands, places): ([Operand], [Int]) = ([], [])
    var count = 0
    for (step, lane) in layout.steps {
      guard let right = step.right else { throw .internal("a sum among lanes") }
      let cores = Self.cores(below: right, plan)
      let result = step.batch + step.columns + step.inner
      let made = ContractionEquation(
        operands: cores.map { plan.equation.operands[$0] }, result: result,
        names: plan.equation.names)
      operands.append(
        Operand(
          cores: cores.map { $0 - 1 },
          plan: try GradientPlan(
            made, shapes: cores.map { plan.shapes[$0] }, dtype: plan.dtype),
          strides: Self.strides(made, plan.lengths)))
      places.append(count)
      count = try MemoryRegions.sum(count, lane.batch * lane.rows * lane.inner)  // as the panels
    }
    self.operands = operands
    self.places = places
    sumCount = count
  }

  /// Strides of the result along the axes of the only operand; nil when there are more, or others.
  private static func strides(_ equation: ContractionEquation, _ lengths: [Int]) -> [Int]? {
    let axes = equation.operands[0]
    guard equation.operands.count == 1, Set(axes).count == axes.count,
      axes.sorted() == equation.result.sorted()
    else { return nil }
    let steps = rowMajorStrides(equation.result.map { lengths[$0] })
    return axes.map { steps[equation.result.firstIndex(of: $0)!] }  // the same axes
  }

  /// Operands of the equation that a constant node is made of.
  private static func cores(below node: Int, _ plan: ContractionPlan) -> [Int] {
    if case .operand(let k) = plan.nodes[node].place { return [k] }
    guard let step = plan.steps.first(where: { $0.output == node }) else { return [] }
    return cores(below: step.left, plan) + (step.right.map { cores(below: $0, plan) } ?? [])
  }

  /// Runs of tiles that are added up by themselves, by the rows alone.
  func parts(tiles: Int) -> Int { min(max(tiles / 8, 1), Self.mostParts) }

  /// The cheaper of the network with cores merged and as they are; nil where a term has neither.
  static func make<T: RealScalar>(
    _ equation: Equation, _ type: T.Type, outputs: Int
  ) -> LaneGradient? {
    // A product of two matrices meets the batch in four large products anyway.
    guard equation.factors == nil else { return nil }
    let width = LaneNetwork<T>.width
    let found = [equation.rowCount.multipliedReportingOverflow(by: equation.columnCount).0, 1]
      .compactMap { most -> LaneGradient? in
        guard
          let plan = try? TermNetwork<T>.plan(
            equation, rows: width, scheme: .lanes, isPrepared: true, mostConstant: max(most, 1))
        else { return nil }
        return try? LaneGradient(equation, plan, width: width, outputs: outputs)
      }
    return found.min { $0.cost(width) < $1.cost(width) }
  }

  /// Multiply-adds of a tile, in the panels that the gradients of operands fill.
  private func cost(_ width: Int) -> Double {
    layout.steps.reduce(0.0) { sum, step in
      let lane = step.lane
      let whole = Double((lane.inner + width - 1) / width * width)
      let (inner, rows) = (Double(lane.inner), Double(lane.rows))
      // A transposed element costs about as much as 24 multiply-adds.
      return sum + Double(lane.batch * lane.columns) * (rows * (2 * inner + whole) + 24 * inner)
    }
  }
}
