import CTTKKernels
import Testing

@testable import TTKit

/// A plan from text.
func plan(
  _ text: String, _ shapes: [[Int]], _ dtype: DType = .float64, memoryLimit: Int? = nil,
  executor: Executor = Executor()
) throws -> ContractionPlan {
  try ContractionPlan(
    ContractionEquation(parsing: text), shapes: shapes, dtype: dtype, memoryLimit: memoryLimit,
    executor: executor)
}

func expectClose(
  _ found: [Double], _ expected: [Double], _ bound: [Double], _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  for (i, (a, b)) in zip(found, expected).enumerated() where !(abs(a - b) <= bound[i]) {
    Issue.record("\(what): element \(i) is \(a), expected \(b)", sourceLocation: sourceLocation)
    return
  }
}

@Suite struct ContractionPlanTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func randomEquations_areTheirDefinition(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    for _ in 0..<15 {
      let sizes = [[1, 2, 3], [2, 3, 4, 5], [0, 1, 3], [1, 7]][random.below(4)]
      let problem = try RandomEinsum(&random, mostOperands: 6, lengths: sizes, axes: 5)
      let expected = problem.expected
      let double = try ContractionPlan(problem.equation, shapes: problem.shapes, dtype: .float64)
      let single = try ContractionPlan(problem.equation, shapes: problem.shapes, dtype: .float32)
      let text = "\(problem.equation.description) \(problem.shapes)"
      for turned in [false, true] {
        expectClose(
          try double.evaluate(problem.operands, as: Double.self, turned: turned), expected,
          problem.bound(.ulpOfOne), text)
        // Rounding the operands to float32 counts too.
        expectClose(
          try single.evaluate(problem.operands, as: Float.self, turned: turned), expected,
          problem.bound(2 * Double(Float.ulpOfOne)), text)
      }
    }
  }

  /// Sizes around tiles, panels and blocks of k, in every order of the result.
  @Test(
    arguments: [
      ("ij,jk->ik", [[1, 5], [5, 1]]), ("ij,jk->ki", [[13, 40], [40, 33]]),
      ("ij,jk->ik", [[250, 3], [3, 17]]), ("ij,jk->ik", [[3, 500], [500, 15]]),
      ("ij,jk->ik", [[241, 5], [5, 16]]), ("ji,jk->ik", [[400, 14], [400, 18]]),
      ("bij,bjk->bik", [[5, 7, 9], [5, 9, 18]]), ("bij,bjk->kib", [[17, 7, 9], [17, 9, 18]]),
      ("bij,bjk->ik", [[17, 7, 9], [17, 9, 18]]),
      ("abc,cd,db->ad", [[9, 8, 7], [7, 20], [20, 8]]),
      ("i,i->", [[1000], [1000]]), ("i,j->ij", [[30], [40]]), ("ij->ji", [[30, 40]]),
      ("ii->i", [[9, 9]]), ("ii->", [[9, 9]]), ("ij->", [[9, 8]]), (",i->i", [[], [5]]),
    ] as [(String, [[Int]])])
  func edges_areTheirDefinition(text: String, shapes: [[Int]]) throws {
    var random = TestRandom(seed: 3)
    let equation = try ContractionEquation(parsing: text)
    let operands = shapes.map { shape in (0..<shape.reduce(1, *)).map { _ in random.uniform() } }
    let lengths = try equation.lengths(shapes)
    let expected = naiveEinsum(equation, operands, lengths)
    let sums = naiveEinsum(equation, operands.map { $0.map(abs) }, lengths)
    for turned in [false, true] {
      expectClose(
        try plan(text, shapes).evaluate(operands, as: Double.self, turned: turned), expected,
        sums.map { 2000 * .ulpOfOne * $0 }, text)
      expectClose(
        try plan(text, shapes, .float32).evaluate(operands, as: Float.self, turned: turned),
        expected, sums.map { 2000 * Double(Float.ulpOfOne) * $0 }, text)
    }
  }

  @Test func hyperEdges_areBatchAxes() throws {
    var random = TestRandom(seed: 4)
    // A block tensor train with an activation, and CP: r is in five operands.
    for (text, shapes) in [
      ("zce,sbce,abcs->zab", [[3, 4, 5], [2, 6, 4, 5], [7, 6, 4, 2]]),
      ("ar,br,cr,dr,zcd->zab", [[4, 3], [5, 3], [2, 3], [6, 3], [4, 2, 6]]),
    ] {
      let equation = try ContractionEquation(parsing: text)
      let operands = shapes.map { shape in
        (0..<shape.reduce(1, *)).map { _ in random.uniform() }
      }
      let expected = naiveEinsum(equation, operands, try equation.lengths(shapes))
      let found = try plan(text, shapes).evaluate(operands, as: Double.self)
      expectClose(found, expected, expected.map { _ in 1e-13 }, text)
    }
  }

  @Test func threads_changeNoBit() throws {
    var random = TestRandom(seed: 6)
    for (text, shapes) in [
      ("ij,jk,kl->il", [[300, 200], [200, 250], [250, 90]]),
      ("bij,bjk->bik", [[20, 70, 90], [20, 90, 80]]),
    ] {
      let operands = shapes.map { shape in
        (0..<shape.reduce(1, *)).map { _ in random.uniform() }
      }
      let one = try plan(text, shapes, .float32, executor: .serial)
      let four = try plan(text, shapes, .float32, executor: Executor(threads: 4))
      #expect(
        try one.evaluate(operands, as: Float.self) == four.evaluate(operands, as: Float.self))
    }
  }

  @Test func aMemoryLimit_isKeptOrRefused() throws {
    let text = "ab,bc,cd,de->ae"
    let shapes = [[40, 40], [40, 400], [400, 40], [40, 40]]
    let free = try plan(text, shapes)
    #expect(
      try plan(text, shapes, memoryLimit: free.workspaceSize).workspaceSize <= free.workspaceSize)
    #expect(throws: TTKitError.self) { try plan(text, shapes, memoryLimit: 1000) }
    // An outer product first is fast here, but large: a limit forbids it.
    let outer = "ia,ja,kb,lb,ijkl->"
    let sizes = [[9, 2], [9, 2], [9, 2], [9, 2], [9, 9, 9, 9]]
    let wide = try plan(outer, sizes)
    var random = TestRandom(seed: 7)
    let operands = sizes.map { shape in (0..<shape.reduce(1, *)).map { _ in random.uniform() } }
    let expected = try wide.evaluate(operands, as: Double.self)[0]
    var refused = 0
    for part in 1...10 {
      let limit = wide.workspaceSize * part / 10
      do {
        let limited = try plan(outer, sizes, memoryLimit: limit)
        #expect(limited.workspaceSize <= limit)
        #expect(try abs(limited.evaluate(operands, as: Double.self)[0] - expected) <= 1e-12)
      } catch let error as TTKitError {
        #expect(error.message.contains("raise the limit"), "\(error.message)")
        refused += 1
      }
    }
    #expect(refused < 10)
  }

  @Test(
    arguments: [
      ("ab,bc->ac", [[2, 3], [4, 5]], "axis 'b' has length 3 in operand 0 and 4 in operand 1"),
      ("ab,bc->ac", [[2, 3]], "2 operands, 1 were given"),
      ("ab->a", [[2, 3, 4]], "gives it 2 axes"),
      ("ab->a", [[2, -3]], "negative length"),
      ("a,b,c->abc", [[1 << 31], [1 << 31], [1 << 31]], "exceeds"),
      ("ab,cd->abcd", [[1 << 16, 1 << 16], [1 << 16, 1 << 16]], "exceeds"),
    ] as [(String, [[Int]], String)])
  func shapesThatDoNotFit_areRefused(text: String, shapes: [[Int]], words: String) throws {
    do {
      _ = try plan(text, shapes)
      Issue.record("\(text) was accepted")
    } catch let error as TTKitError {
      #expect(error.message.contains(words), "\(error.message)")
    }
  }

  @Test func integers_areRefusedPolitely() {
    #expect(throws: TTKitError.self) { try plan("a->", [[2]], .int8) }
  }
}
