import Testing

@testable import TTKit

/// Specs for a matrix of 12 rows and 8 columns that hold it exactly, with the dtype they compute in.
private let exactSpecs: [(String, DType)] = [
  ("dense", .float64), ("dense@float32", .float32), ("low_rank(rank=8)", .float64),
  ("low_rank(rank=99)@float32", .float32), ("low_rank(rtol=1e-15)", .float64),
  ("train(rows=3x4, columns=2x4, rank=8)", .float64),
  ("train_matrix(rows=3x4, columns=2x4, rank=6)", .float64),
  ("train_matrix(rows=3x2x2, columns=2x2x2, rank=8)@float32", .float32),
  ("low_rank(rank=3) + low_rank(rank=5)", .float64), ("dense@int8(group=8) + dense", .float64),
  ("low_rank(rank=2) + train_matrix(rows=3x4, columns=2x4, rank=6)", .float64),
]

@Suite struct LinearTests {
  private func run(_ plan: LinearPlan, _ x: Tensor<Double>) throws -> Tensor<Double> {
    let rows = x.shape[0]
    let workspace = try Buffer<UInt8>(count: plan.workspaceSize)
    if plan.dtype == .float64 {
      let y = try Buffer<Double>(count: rows * plan.outFeatures)
      plan.execute(x.storage.buffer.base, rows: rows, into: y.base, workspace: workspace.base)
      return Tensor(shape: [rows, plan.outFeatures], buffer: y)
    }
    let single = try x.converted(to: Float.self)
    let y = try Buffer<Float>(count: rows * plan.outFeatures)
    plan.execute(single.storage.buffer.base, rows: rows, into: y.base, workspace: workspace.base)
    return try Tensor(shape: [rows, plan.outFeatures], buffer: y).converted(to: Double.self)
  }

  @Test(arguments: exactSpecs.indices)
  func layer_isTheDenseProductPlusBias(index: Int) throws {
    let (spec, dtype) = exactSpecs[index]
    var random = TestRandom(seed: UInt64(index + 1))
    let w = try random.tensor([12, 8])
    let bias = try random.tensor([12])
    let matrix = try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec))
    let eps = dtype == .float64 ? 0x1p-52 : 0x1p-23
    #expect(matrix.error <= 100 * eps)
    #expect(matrix.computeDType == dtype)
    #expect(largestDifference(try matrix.dense(Double.self), w) <= 100 * eps)
    let layer = try Linear(matrix: matrix, bias: Bias(view(bias)))
    let plan = try layer.prepare(maxRows: 20)
    for rows in [1, 2, 7, 20] {
      let x = try random.tensor([rows, 8])
      let expected = try added(
        referenceProduct(x, w),
        Tensor(shape: [rows, 12], elements: (0..<rows).flatMap { _ in bias.elements }))
      #expect(largestDifference(try run(plan, x), expected) <= 200 * eps)
    }
  }

  @Test func cores_makeTheLayerAgain() throws {
    for (spec, dtype) in exactSpecs where dtype == .float64 {
      var random = TestRandom(seed: 7)
      let w = try random.tensor([12, 8])
      let made = try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec))
      let cores = try made.cores.map { try $0.decoded(Double.self) }
      let plain = Spec(terms: made.spec.terms.map { Spec.Term(format: $0.format, storage: nil) })
      let again = try CompressedMatrix.make(
        plain, rows: 12, columns: 8, cores: cores.map { try view($0) })
      #expect(largestDifference(try again.dense(Double.self), try made.dense(Double.self)) == 0)
      #expect(again.error.isNaN)
    }
  }

  @Test func lowRank_errorIsTheTailOfTheSingularValues() throws {
    var random = TestRandom(seed: 8)
    let w = try random.tensor([12, 8])
    let s = try svd(w).s
    let whole = s.reduce(0) { $0 + $1 * $1 }
    for rank in 1...7 {
      let matrix = try CompressedMatrix.fit(view(w), spec: Spec(parsing: "low_rank(rank=\(rank))"))
      let tail = s.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
      #expect(abs(matrix.error - (tail / whole).squareRoot()) < 1e-13)
    }
  }

  @Test func tolerance_stopsAtTheSmallestRank() throws {
    var random = TestRandom(seed: 8)
    let w = try random.tensor([12, 8])
    for rtol in [0.9, 0.5, 0.1, 0.01] {
      for spec in ["low_rank(rtol=\(rtol))", "train_matrix(rows=3x4, columns=2x4, rtol=\(rtol))"] {
        let matrix = try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec))
        #expect(matrix.error <= rtol)
      }
    }
  }

  @Test func halfPrecisionWeights_areTakenAsTheyAre() throws {
    let bits = try Tensor<UInt16>(shape: [1, 4], elements: [0x3c00, 0xc000, 0x3555, 0x0001])
    let values = try StridedView(
      data: UnsafeMutableRawPointer(bits.storage.buffer.base), shape: [1, 4], strides: nil,
      dtype: .float16)
    let matrix = try CompressedMatrix.fit(values, spec: Spec(parsing: "dense"))
    #expect(matrix.spec.description == "dense@float16")
    #expect(try matrix.dense(Double.self).elements == [1, -2, 0.333251953125, 0x1p-24])
    #expect(matrix.error == 0)
  }

  @Test func plansOfALayer_shareOnePack() throws {
    var random = TestRandom(seed: 9)
    let w = try random.tensor([64, 64])
    let layer = try Linear(
      matrix: CompressedMatrix.fit(view(w), spec: Spec(parsing: "dense")), bias: nil)
    let first = try layer.prepare(maxRows: 1)
    let second = try layer.prepare(maxRows: 100)
    #expect(first.residentByteCount == second.residentByteCount)
    #expect(first.sharesPack(with: second))
  }

  @Test func aMemoryLimitBelowTheWeight_keepsNothing() throws {
    var random = TestRandom(seed: 9)
    let layer = try Linear(matrix: fitted(random.tensor([64, 64]), "dense"), bias: nil)
    // Nothing fits in less: the matrix is decoded in every execute.
    #expect(try layer.prepare(maxRows: 1, memoryLimit: 64 * 64 * 8 - 1).residentByteCount == 0)
    #expect(throws: TTKitError.self) { try layer.prepare(maxRows: 0) }
  }

  @Test(arguments: [
    ("train(rows=3x5, columns=2x4, rank=2)", "4x3"),
    ("train_matrix(rows=3x4, columns=2x5, rank=2)", "4x2"),
    ("train_matrix(rows=4x4, columns=2x4, rank=2)", "4x3"),
  ])
  func factorsThatDoNotFit_nameTheNearest(spec: String, nearest: String) throws {
    var random = TestRandom(seed: 9)
    let w = try random.tensor([12, 8])
    do throws(TTKitError) {
      _ = try CompressedMatrix.fit(
        try StridedView(
          data: UnsafeMutableRawPointer(w.storage.buffer.base), shape: w.shape, strides: nil,
          dtype: .float64), spec: try Spec(parsing: spec))
      Issue.record("accepted")
    } catch {
      #expect(error.message.contains(nearest), "\(error)")
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func nonFiniteWeights_areRefused(value: Double) throws {
    for position in [0, 5, 95] {
      var elements = [Double](repeating: 1, count: 96)
      elements[position] = value
      let w = try Tensor(shape: [12, 8], elements: elements)
      #expect(throws: TTKitError.self) {
        try CompressedMatrix.fit(view(w), spec: Spec(parsing: "dense"))
      }
    }
  }
}
