import Testing

@testable import TTKit

/// Members of every family, 24 x 12, and sums of them.
private let specs = [
  "dense@int8(group=4)", "low_rank(rank=3)", "train(rows=4x6, columns=3x4, rank=4)",
  "train_matrix(rows=4x6, columns=3x4, rank=3)", "train_matrix(rows=4x3x2, columns=2x3x2, rank=4)",
  "block_tensor_train(rows=4x6, columns=3x4, rank=2)",
  "block_tensor_train(rows=4x3x2, columns=2x3x2, rank=2)", "monarch(blocks=3)",
  "kronecker(rows=4x6, columns=3x4)", "cp(rows=4x6, columns=3x4, rank=3)",
  "tucker(rows=4x6, columns=3x4, rank=2)",
  "low_rank(rank=2) + block_tensor_train(rows=4x6, columns=3x4, rank=1)",
]

@Suite struct LayerFormTests {
  private func multiply<T: RealScalar>(
    _ factors: PreparedFactors<T>, _ x: Tensor<T>, _ bias: Tensor<T>?, _ executor: Executor
  ) throws -> [Double] {
    let rows = x.shape[0]
    let forms = PlanForms(forms: [(100, factors)], bias: bias)
    let plan = try LinearPlan(forms, maxRows: 100, executor: executor)
    let workspace = try Buffer<UInt8>(count: plan.workspaceSize)
    let y = try Buffer<T>(count: rows * plan.outFeatures)
    plan.execute(x.storage.buffer.base, rows: rows, into: y.base, workspace: workspace.base)
    return Tensor(shape: [rows, plan.outFeatures], buffer: y).elements.map { Double($0) }
  }

  private func check<T: RealScalar>(_ spec: String, _ type: T.Type, eps: Double) throws {
    var random = TestRandom(seed: 3)
    let matrix = try fitted(random.tensor([24, 12]), spec)
    let w = try matrix.dense(Double.self)
    let bias = try random.tensor([24])
    var forms: [LayerForm] = [.dense]
    for most in [1, 30, 24 * 12] { forms.append(.lanes(mostConstant: most)) }
    for rows in [1, 7, 32] {
      for most in [1, 30, 24 * 12] { forms.append(.network(rows: rows, mostConstant: most)) }
      forms.append(.streamed(rows: rows))
    }
    for rows in [1, 2, 7, 33, 100] {
      let x = try random.tensor([rows, 12])
      let expected = try added(
        referenceProduct(x, w),
        Tensor(shape: [rows, 24], elements: (0..<rows).flatMap { _ in bias.elements })
      ).elements
      for form in forms {
        let factors = try PreparedFactors<T>(matrix, form: form, executor: .serial)
        let input = try x.converted(to: T.self)
        let found = try multiply(factors, input, bias.converted(to: T.self), .serial)
        expectClose(found, expected, expected.map { _ in 400 * eps }, "\(spec), \(form)")
        if case .streamed = form { #expect(factors.byteCount == 0) }
        if rows == 100 {
          let threads = Executor(threads: 4)
          let again = try multiply(factors, input, bias.converted(to: T.self), threads)
          #expect(again == found, "threads change bits: \(spec), \(form)")
        }
      }
    }
  }

  @Test(arguments: specs)
  func everyForm_isTheDenseProduct(spec: String) throws {
    try check(spec, Double.self, eps: .ulpOfOne)
    try check(spec, Float.self, eps: Double(Float.ulpOfOne))
  }

  /// The bytes a layer is stored in are enough for every format and storage.
  @Test(arguments: specs + specs.prefix(2).map { $0 + " + dense@int8(group=4)" })
  func theLayersOwnBytes_areEnough(spec: String) throws {
    var random = TestRandom(seed: 4)
    let matrix = try fitted(random.tensor([24, 12]), spec)
    let layer = try Linear(matrix: matrix, bias: nil)
    for limit in [layer.byteCount, 1] {
      let plan = try layer.prepare(maxRows: 10, memoryLimit: limit)
      #expect(plan.residentByteCount <= limit)
    }
  }

  /// Where cores save most flops the network is chosen, and it costs fewer than dense.
  @Test func fewFlops_areTaken() throws {
    var random = TestRandom(seed: 5)
    let spec = try Spec(parsing: "kronecker(rows=32x32, columns=32x32)")
    let cores = try [random.tensor([32, 32]), random.tensor([32, 32])]
    let matrix = try CompressedMatrix.make(
      spec, rows: 1024, columns: 1024, cores: cores.map { try view($0) })
    let choice = try LayerChoice(matrix, Double.self, memoryLimit: .max, maxRows: 64)
    for choice in choice.choices {
      switch choice.form {
      case .network, .lanes: break
      default: Issue.record("\(choice.form) was chosen for \(choice.bucket)")
      }
    }
    #expect(choice.flopsPerRow == 2 * 2 * 32 * 32 * 32)
    let layer = try Linear(matrix: matrix, bias: nil)
    #expect(layer.flops(rows: 64) == 64 * 4 * 32 * 32 * 32)
    let plan = try layer.prepare(maxRows: 64)
    #expect(plan.residentByteCount <= 3 * 2 * 32 * 32 * 8)  // a pack for each form
    #expect(plan.explain().hasPrefix("up to 1 rows: network"))
  }

  /// A plan for many rows holds what is fastest for few: the same packs as a plan for few.
  @Test func fewRows_haveTheirOwnForm() throws {
    var random = TestRandom(seed: 6)
    let spec = try Spec(parsing: "train_matrix(rows=16x16, columns=16x16, rank=16)")
    let cores = try [random.tensor([1, 16, 16, 16]), random.tensor([16, 16, 16, 1])]
    let matrix = try CompressedMatrix.make(
      spec, rows: 256, columns: 256, cores: cores.map { try view($0) })
    let one = try LayerChoice(matrix, Double.self, memoryLimit: nil, maxRows: 1)
    let many = try LayerChoice(matrix, Double.self, memoryLimit: nil, maxRows: 512)
    #expect(many.choices.map(\.bucket.end) == [1, 16, 128, 512])
    #expect(many.choices[0].form == one.choices[0].form)
    let layer = try Linear(matrix: matrix, bias: nil)
    let small = try layer.prepare(maxRows: 1)
    let large = try layer.prepare(maxRows: 512)
    #expect(large.sharesPack(with: small))
    #expect(large.residentByteCount <= 256 * 256 * 8 * 9 / 8)
    withExtendedLifetime(small) {}
  }
}
