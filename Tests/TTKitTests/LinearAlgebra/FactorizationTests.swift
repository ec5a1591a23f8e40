import Testing

@testable import TTKit

@Suite struct FactorizationTests {
  @Test(arguments: [[1, 1], [5, 3], [3, 5], [17, 17], [64, 3], [2, 40]])
  func qr_andLQ_reproduceTheMatrix(shape: [Int]) throws {
    var random = TestRandom(seed: 1)
    let a = try random.tensor(shape)
    let (q, r) = try qr(a)
    #expect(largestDifference(try product(q, r), a) < 1e-14)
    let gram = try product(q, q, .conjugateTransposed, .plain)
    #expect(largestDifference(gram, try .identity(q.shape[1])) < 1e-14)
    let (l, p) = try lq(a)
    #expect(largestDifference(try product(l, p), a) < 1e-14)
    let rows = try product(p, p, .plain, .conjugateTransposed)
    #expect(largestDifference(rows, try .identity(p.shape[0])) < 1e-14)
  }

  @Test(arguments: [[1, 1], [5, 3], [3, 5], [40, 17]])
  func svd_reproducesTheMatrix(shape: [Int]) throws {
    var random = TestRandom(seed: 2)
    let a = try random.tensor(shape)
    let (u, s, vh) = try svd(a)
    let k = s.count
    let scaled = try Tensor<Double>(shape: [k, shape[1]]) { out in
      vh.withSpan { v in
        for i in v.indices { out[i] = v[i] * s[i / shape[1]] }
      }
    }
    #expect(largestDifference(try product(u, scaled), a) < 1e-14)
    #expect(zip(s, s.dropFirst()).allSatisfy { $0 >= $1 })
  }

  /// A workspace query answers in the routine's own precision, which may be below the number meant.
  @Test(arguments: [1, 30, (1 << 24) + 1, 27_000_001, 27_018_003])
  func workspaceLength_isNeverBelowTheNumberAskedFor(asked: Int) {
    #expect(workspaceLength(Float(asked)) >= asked)
    #expect(workspaceLength(Complex<Float>(Float(asked), 0)) >= asked)
    #expect(workspaceLength(Double(asked)) == asked + 1)
  }
}
