import Testing

@testable import TTKit

@Suite struct EmbeddingTests {
  @Test(arguments: [
    "dense", "dense@float16", "dense@int8(group=8)", "low_rank(rank=5)",
    "train(rows=4x5x3, columns=4x6, rank=7)", "train_matrix(rows=4x4x4, columns=2x3x4, rank=9)",
    "train_matrix(rows=57, columns=24, rank=1)", "low_rank(rank=2) + dense@int8(group=12)",
  ])
  func rows_areThoseOfTheDenseTable(spec: String) throws {
    var random = TestRandom(seed: 21)
    let table = try random.tensor([57, 24])
    let layer = Embedding(
      matrix: try CompressedMatrix.fit(view(table), spec: Spec(parsing: spec), padsRows: true))
    let dense = try layer.matrix.dense(Double.self).elements
    for threads in [1, 2] {
      let plan = try layer.prepare(maxCount: 500, executor: Executor(threads: threads))
      for count in [1, 63, 64, 65, 500] {
        let ids = (0..<count).map { Int64(($0 * 31 + 7) % 57) }
        let y = try lookup(plan, ids)
        for (i, id) in ids.enumerated() {
          for j in 0..<24 {
            #expect(abs(y[i * 24 + j] - dense[Int(id) * 24 + j]) <= 1e-6)
          }
        }
      }
    }
  }

  @Test(arguments: [-1, 57, Int64.max, Int64.min])
  func idsOutOfRange_areNamed_andNothingIsWritten(bad: Int64) throws {
    var random = TestRandom(seed: 22)
    // The padded table has 60 rows; rows 57 to 59 can never be asked for.
    let spec = "train_matrix(rows=4x15, columns=4x6, rank=3)"
    let layer = Embedding(matrix: try fitted(random.tensor([57, 24]), spec, padsRows: true))
    let plan = try layer.prepare(maxCount: 3)
    do throws(TTKitError) {
      _ = try run(plan, [0, bad, 1])
      Issue.record("id \(bad) was accepted")
    } catch {
      #expect(error.message.contains("ids[1] is \(bad), expected 0 to 56"))
    }
  }

  private func lookup(_ plan: EmbeddingPlan, _ ids: [Int64]) throws -> [Double] {
    try run(plan, ids)
  }

  private func run(_ plan: EmbeddingPlan, _ ids: [Int64]) throws(TTKitError) -> [Double] {
    let source = try Tensor(shape: [ids.count], elements: ids)
    let workspace = try Buffer<UInt8>(count: plan.workspaceSize)
    let count = ids.count * plan.features
    if plan.dtype == .float64 {
      let y = try Buffer<Double>(count: count)
      try plan.execute(
        source.storage.buffer.base, .int64, count: ids.count, into: y.base,
        workspace: workspace.base)
      return Tensor(shape: [count], buffer: y).elements
    }
    let y = try Buffer<Float>(count: count)
    try plan.execute(
      source.storage.buffer.base, .int64, count: ids.count, into: y.base,
      workspace: workspace.base)
    return Tensor(shape: [count], buffer: y).elements.map(Double.init)
  }
}
