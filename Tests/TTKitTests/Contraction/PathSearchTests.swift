import Testing

@testable import TTKit

private func network(_ text: String, _ shapes: [[Int]]) throws -> ContractionNetwork {
  let equation = try ContractionEquation(parsing: text)
  return ContractionNetwork(
    lengths: try equation.lengths(shapes), operands: StepBuilder.openAxes(equation),
    result: AxisSet(equation.result), cost: CostModel(dtype: .float32))
}

/// All orders of pairs.
private func leastTime(_ network: ContractionNetwork) -> Double {
  var least = Double.infinity
  func visit(_ live: [Int], _ path: ContractionPath, _ next: Int) {
    guard live.count > 1 else {
      least = min(least, network.time(path))
      return
    }
    for (i, a) in live.enumerated() {
      for b in live[(i + 1)...] {
        var longer = path
        longer.pairs.append((a, b))
        visit(live.filter { $0 != a && $0 != b } + [next], longer, next + 1)
      }
    }
  }
  visit(Array(network.operands.indices), ContractionPath(), network.operands.count)
  return least
}

@Suite struct PathSearchTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func exactSearch_findsTheBestOfAllOrders(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let problem = try RandomEinsum(&random, mostOperands: 5, lengths: [2, 8, 30], axes: 7)
    guard problem.shapes.count > 1 else { return }
    let network = try network(problem.equation.description, problem.shapes)
    let found = network.time(try PathSearch.path(network))
    #expect(found <= leastTime(network) * (1 + 1e-12))
  }

  /// Greedy with local search against the exact optimum, where both can be had.
  @Test func searchedPaths_areNearTheBest() throws {
    var random = TestRandom(seed: 12)
    for _ in 0..<4 {
      let problem = try ring(&random, 8)
      let exact = asNetwork(problem)
      let best = exact.time(try PathSearch.path(exact))
      var tree = ContractionTree(exact, PathSearch.greedyPath(exact, trial: 0))
      let greedy = tree.time(exact)
      #expect(abs(greedy - exact.time(tree.path)) <= 1e-9 * greedy)
      tree.improve(exact, subtree: 6)
      #expect(tree.time(exact) <= greedy && tree.time(exact) <= 1.5 * best)
    }
  }

  /// Forty operands: the result agrees with contracting in the order given.
  @Test func manyOperands_areContracted() throws {
    var random = TestRandom(seed: 13)
    let problem = try ring(&random, 40)
    let lengths = [Int](repeating: 2, count: problem.equation.names.count)
    let shapes = problem.equation.operands.map { $0.map { lengths[$0] } }
    let plan = try ContractionPlan(problem.equation, shapes: shapes, dtype: .float64)
    let operands = shapes.map { shape in
      (0..<shape.reduce(1, *)).map { _ in 1 + random.uniform() }
    }
    #expect(plan.path.count == 39)
    let found = try plan.evaluate(operands, as: Double.self)[0]
    var tensors: [NamedTensor<Double>] = []
    for (k, axes) in problem.equation.operands.enumerated() {
      tensors.append(
        NamedTensor(
          axes: axes.map { Axis(problem.equation.names[$0], 2) },
          tensor: try Tensor(shape: shapes[k], elements: operands[k])))
    }
    let expected = try contract(tensors, to: []).elements[0]
    #expect(abs(found - expected) <= 1e-10 * abs(expected))
  }

  private struct Ring {
    let equation: ContractionEquation
    let lengths: [Int]
  }

  /// A ring of matrices with chords.
  private func ring(_ random: inout TestRandom, _ count: Int) throws -> Ring {
    var operands = (0..<count).map { [$0, ($0 + 1) % count] }
    var axes = count
    for k in stride(from: 0, to: count - 3, by: 3) {
      operands[k].append(axes)
      operands[(k + 2 + random.below(3)) % count].append(axes)
      axes += 1
    }
    let equation = ContractionEquation(
      operands: operands, result: [], names: (0..<axes).map { "x\($0)" })
    return Ring(equation: equation, lengths: (0..<axes).map { _ in 2 + random.below(30) })
  }

  private func asNetwork(_ ring: Ring) -> ContractionNetwork {
    ContractionNetwork(
      lengths: ring.lengths, operands: StepBuilder.openAxes(ring.equation), result: AxisSet(),
      cost: CostModel(dtype: .float32))
  }
}
