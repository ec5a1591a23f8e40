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

  @Test func operandsThereAreNot_areRefused() throws {
    let plan = try plan("ij->i", [[3, 4]])
    #expect(throws: TTKitError.self) { try plan.gradient(of: 1) }
    #expect(throws: TTKitError.self) { try plan.gradient(of: -1) }
    #expect(throws: TTKitError.self) { try plan.gradient(of: 0).gradient(of: 0) }
  }
}
