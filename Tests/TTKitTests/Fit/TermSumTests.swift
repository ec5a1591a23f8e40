import Testing

@testable import TTKit

@Suite struct TermSumTests {
  private func matrix(_ seed: UInt64) throws -> Tensor<Double> {
    var random = TestRandom(seed: seed)
    return try random.tensor([24, 16])
  }

  private func sum(_ matrix: Tensor<Double>, _ spec: String) throws -> TermSum<Double> {
    var sum = TermSum(matrix, padsRows: false, executor: .serial)
    for term in try Spec(parsing: spec).terms {
      try sum.append(
        Registry.format(term.format), Registry.storage(term.storage ?? Spec.Call("float64")))
    }
    return sum
  }

  @Test(arguments: [
    "low_rank(rank=4) + dense@int8(group=8)", "dense@int8(group=16) + low_rank(rank=2)",
    "kronecker(rows=4x6, columns=4x4) + low_rank(rank=3)",
    "block_tensor_train(rows=4x6, columns=4x4, rank=1) + low_rank(rank=2) + kronecker(rows=6x4, columns=4x4)",
  ])
  func turns_neverIncreaseTheError(spec: String) throws {
    for seed in 1...3 {
      let matrix = try matrix(UInt64(seed))
      var sum = try sum(matrix, spec)
      let greedy = sum.error
      try sum.improve()
      #expect(sum.error <= greedy)
      let made = try fitted(matrix, spec)
      #expect(made.error == sum.error && made.terms.count == sum.terms.count)
    }
  }

  /// Two structures that compete for the same energy gain from turns.
  @Test func turns_gainWhereTermsCompete() throws {
    let matrix = try matrix(9)
    let spec = "kronecker(rows=4x6, columns=4x4) + low_rank(rank=3)"
    var sum = try sum(matrix, spec)
    let greedy = sum.error
    try sum.improve()
    #expect(sum.error < greedy)
  }

  @Test func aTermThatIsExact_leavesNothing() throws {
    let made = try fitted(try matrix(4), "dense + low_rank(rank=2)")
    #expect(made.error <= 24 * 16 * .ulpOfOne)
    #expect(made.spec.description == "dense@float64 + low_rank(rank=2)@float64")
  }
}
