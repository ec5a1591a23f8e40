import Testing

@testable import TTKit

@Suite struct GradientTests {
  /// ⟨f(.., v, ..), g⟩ = ⟨v, gradient⟩: f is linear in each operand, so this holds to rounding.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func gradients_areAdjoint(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    for _ in 0..<15 {
      let problem = try RandomEinsum(&random, mostOperands: 4, lengths: [1, 2, 3], axes: 5)
      let plan = try ContractionPlan(problem.equation, shapes: problem.shapes, dtype: .float64)
      let count = plan.resultShape.reduce(1, *)
      let g = (0..<count).map { _ in random.uniform() }
      let value = zip(problem.expected, g).reduce(0) { $0 + $1.0 * $1.1 }
      for k in problem.operands.indices {
        var operands = problem.operands
        operands[k] = g
        let gradient = try plan.gradient(of: k)
        #expect(gradient.resultShape == problem.shapes[k])
        for turned in [false, true] {
          let found = try gradient.evaluate(operands, as: Double.self, turned: turned)
          let other = zip(found, problem.operands[k]).reduce(0) { $0 + $1.0 * $1.1 }
          #expect(
            abs(value - other) <= 1e-12 * Double(count + 1), "\(problem.equation.description)")
        }
      }
    }
  }

  /// Element by element, where the operand has axes that are summed at once or come twice.
  @Test(
    arguments: [
      ("ij->i", [[3, 4]]), ("ii->i", [[4, 4]]), ("ii->", [[4, 4]]),
      ("iji,k->j", [[3, 2, 3], [2]]),
      ("ij,jk->ik", [[3, 4], [4, 2]]),
    ] as [(String, [[Int]])])
  func gradients_areDerivatives(text: String, shapes: [[Int]]) throws {
    var random = TestRandom(seed: 9)
    let equation = try ContractionEquation(parsing: text)
    let lengths = try equation.lengths(shapes)
    let operands = shapes.map { shape in (0..<shape.reduce(1, *)).map { _ in random.uniform() } }
    let plan = try plan(text, shapes)
    let g = (0..<plan.resultShape.reduce(1, *)).map { _ in random.uniform() }
    for k in operands.indices {
      var given = operands
      given[k] = g
      let found = try plan.gradient(of: k).evaluate(given, as: Double.self)
      for i in found.indices {
        // f is linear in the operand: its derivative is f at the unit vector.
        var unit = operands
        unit[k] = operands[k].indices.map { $0 == i ? 1 : 0 }
        let derivative = naiveEinsum(equation, unit, lengths)
        let expected = zip(derivative, g).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(found[i] - expected) <= 1e-14, "\(text), operand \(k), element \(i)")
      }
    }
  }

  /// All gradients from one plan are those of each alone; adding adds.
  @Test(arguments: [5, 6, 7, 8] as [UInt64])
  func gradientsTogether_areThoseOfEachAlone(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    for _ in 0..<15 {
      let problem = try RandomEinsum(&random, mostOperands: 5, lengths: [1, 2, 3], axes: 6)
      let plan = try ContractionPlan(problem.equation, shapes: problem.shapes, dtype: .float64)
      let g = try random.tensor(plan.resultShape)
      let operands = try zip(problem.shapes, problem.operands).map {
        try Tensor(shape: $0, elements: $1)
      }
      let results = try problem.shapes.map { shape in
        try Tensor<Double>(shape: shape, zeroed: true) { _ in }
      }
      let together = try GradientPlan(problem.equation, shapes: problem.shapes, dtype: .float64)
      for _ in 0..<2 {
        try together.execute(
          operands.map(\.wholeView), above: g.wholeView, into: results.map(\.wholeView),
          adding: results.map { _ in true })
      }
      for k in operands.indices {
        var given = problem.operands
        given[k] = g.elements
        let alone = try plan.gradient(of: k).evaluate(given, as: Double.self)
        for (a, b) in zip(results[k].elements, alone) {
          #expect(abs(a - 2 * b) <= 1e-12 * (1 + abs(b)), "\(problem.equation.description), \(k)")
        }
      }
    }
  }

  /// A chain of n factors shares its products: at most three times the forward flops.
  @Test func gradientsTogether_shareProducts() throws {
    let n = 10
    let text = (0..<n).map { "{x\($0)}{x\($0 + 1)}" }.joined(separator: ",") + "->{x0}{x\(n)}"
    let equation = try ContractionEquation(parsing: text)
    let shapes = [[Int]](repeating: [20, 20], count: n)
    let plan = try ContractionPlan(equation, shapes: shapes, dtype: .float64)
    let together = try GradientPlan(equation, shapes: shapes, dtype: .float64)
    #expect(together.flops <= 3 * plan.flops)
  }

  @Test func operandsThereAreNot_areRefused() throws {
    let plan = try plan("ij->i", [[3, 4]])
    #expect(throws: TTKitError.self) { try plan.gradient(of: 1) }
    #expect(throws: TTKitError.self) { try plan.gradient(of: -1) }
    #expect(throws: TTKitError.self) { try plan.gradient(of: 0).gradient(of: 0) }
  }
}
