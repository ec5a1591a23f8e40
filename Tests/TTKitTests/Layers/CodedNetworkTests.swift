import Testing

@testable import TTKit

/// A network of random cores in this storage, and the same of their magnitudes.
private func member(
  _ format: String, _ storage: String, _ rows: Int, _ columns: Int, _ scale: Double = 1
) throws -> (matrix: CompressedMatrix, size: CompressedMatrix) {
  var random = TestRandom(seed: 11)
  let spec = try Spec(parsing: "\(format)@\(storage)").terms[0]
  let format = try Registry.format(spec.format)
  let storage = try Registry.storage(spec.storage!)
  let equation = try format.equation(rows: rows, columns: columns)
  var (cores, sizes) = ([EncodedCore](), [EncodedCore]())
  for shape in equation.coreShapes {
    let core = try random.tensor(shape).map { $0 * scale }
    cores.append(try EncodedCore(core, storage: storage))
    let values = try cores[cores.count - 1].decoded(Double.self).map { abs($0) }
    sizes.append(try EncodedCore(values, storage: Float64Storage()))
  }
  func matrix(_ cores: [EncodedCore], _ storage: any Storage) -> CompressedMatrix {
    let term = Term(
      format: format, storage: storage, equation: equation, cores: cores, columns: columns)
    return CompressedMatrix(rows: rows, columns: columns, terms: [term], error: .nan)
  }
  return (matrix(cores, storage), matrix(sizes, Float64Storage()))
}

private func layouts(_ matrix: CompressedMatrix, rows: Int) throws -> [CodedLayout] {
  try matrix.terms.flatMap { term in
    try TermNetwork<Float>.plan(term.equation, rows: rows, isPrepared: true, mostConstant: 1)
      .codedLayouts(term.cores, everything: true).compactMap { $0 }
  }
}

private func run(
  _ matrix: CompressedMatrix, _ form: LayerForm, _ x: Tensor<Float>, threads: Int = 1
) throws -> [Float] {
  let factors = try PreparedFactors<Float>(matrix, form: form, executor: .serial)
  let plan = try LinearPlan(
    PlanForms(forms: [(40, factors)], bias: nil), maxRows: 40,
    executor: threads == 1 ? .serial : Executor(threads: threads))
  let workspace = try Buffer<UInt8>(count: plan.workspaceSize)
  let y = try Buffer<Float>(count: x.shape[0] * plan.outFeatures)
  plan.execute(x.storage.buffer.base, rows: x.shape[0], into: y.base, workspace: workspace.base)
  return Tensor(shape: [x.shape[0] * plan.outFeatures], buffer: y).elements
}

/// Outputs of packed codes against float64: within 4 K eps of the sum of all magnitudes, K additions and
/// factors of an output.
private func check(
  _ format: String, _ storage: String, _ rows: Int, _ columns: Int, scale: Double = 1
) throws {
  let (matrix, size) = try member(format, storage, rows, columns, scale)
  let (w, bound) = (try matrix.dense(Double.self), try size.dense(Double.self))
  let terms = matrix.terms[0].cores.reduce(0) { $0 + $1.shape.reduce(1, *) }
  let k = Double(min(terms, rows + columns + 512))
  for count in [1, 3, 8, 19] {
    let x = try Tensor(shape: [count, columns], elements: gaussian(count * columns, seed: 3))
    let wide = try x.converted(to: Double.self)
    let expected = try referenceProduct(wide, w).elements
    let sizes = try referenceProduct(wide.map { abs($0) }, bound).elements
    for tile in [1, 16] {
      let form = LayerForm.codes(rows: tile, everything: true)
      let found = try run(matrix, form, x)
      expectClose(
        found.map { Double($0) }, expected,
        sizes.map { 4 * k * Double(Float.ulpOfOne) * $0 + 1e-37 },
        "\(format)@\(storage), \(count) rows in tiles of \(tile)")
      #expect(try run(matrix, form, x, threads: 3) == found)
    }
  }
}

private let shared = [
  "int2(group=tensor)", "int3(group=row)", "int4(group=row)", "int5(group=tensor)",
  "int8(group=row)", "int4(group=row, symmetric=false)", "int8(group=row, symmetric=false)",
  "kmeans1", "kmeans3", "kmeans4",
]

@Suite struct CodedNetworkTests {
  /// Every inner length: units of 16 and 32 codes that are full, begun, and left over.
  @Test(arguments: shared)
  func cores_ofOneScale_multiplyAsFloats(storage: String) throws {
    for inner in [1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 70] {
      let format = "block_tensor_train(rows=3x5, columns=2x\(inner), rank=2)"
      // Tiny cores are multiplied by each other.
      let found = try layouts(member(format, storage, 15, 2 * inner).matrix, rows: 1)
      #expect(inner < 16 || !found.isEmpty)
      try check(format, storage, 15, 2 * inner)
    }
  }

  @Test(arguments: [
    "int2(group=16)", "int3(group=32)", "int3(group=16)", "int4(group=32)", "int6(group=16)",
    "int8(group=64)", "int4(group=16, symmetric=false)", "int8(group=32, symmetric=false)",
  ])
  func groupsOfInputs_multiplyAsFloats(storage: String) throws {
    for inner in [16, 32, 48, 64, 96] {
      let format = "block_tensor_train(rows=3x35, columns=2x\(inner), rank=2)"
      try check(format, storage, 105, 2 * inner)
    }
    let matrix = try member(
      "block_tensor_train(rows=3x35, columns=2x64, rank=2)", storage, 105, 128
    ).matrix
    #expect(try layouts(matrix, rows: 1).contains { $0.scales == .inner })
  }

  /// Groups that run along the outputs: activations take up their scales.
  @Test(arguments: ["int2(group=32)", "int3(group=32)", "int4(group=64)", "int8(group=64)"])
  func groupsOfOutputs_multiplyAsFloats(storage: String) throws {
    for format in [
      "train(rows=4x16, columns=16x4, rank=64)", "train(rows=8x8, columns=8x8, rank=64)",
      "tucker(rows=4x16, columns=16x4, rank=64)", "train_matrix(rows=8x8, columns=4x16, rank=32)",
    ] { try check(format, storage, 64, 64) }
    let train = try member(
      "train(rows=32x32, columns=32x32, rank=64)", storage, 1024, 1024
    ).matrix
    #expect(
      try layouts(train, rows: 1).contains {
        if case .outer = $0.scales { true } else { false }
      })
  }

  /// Groups across the ends of runs, too short ones, and storages without packed kernels become floats.
  @Test(arguments: [
    "int4(group=5)", "int4(group=24)", "int4(group=7, symmetric=false)", "kmeans5",
    "kmeans2(group=16)", "float16", "int4(group=32, symmetric=false)", "int8(group=20)",
  ])
  func otherGroups_multiplyAsFloats(storage: String) throws {
    try check("block_tensor_train(rows=6x7, columns=5x12, rank=3)", storage, 42, 60)
    try check("train(rows=6x7, columns=5x12, rank=30)", storage, 42, 60)
    try check("tucker(rows=6x7, columns=5x12, rank=5)", storage, 42, 60)
  }

  @Test(arguments: [
    "monarch(blocks=4)", "kronecker(rows=8x8, columns=8x8)",
    "train_matrix(rows=4x4x4, columns=4x4x4, rank=8)", "cp(rows=8x8, columns=8x8, rank=24)",
    "block_tensor_train(rows=4x4x4, columns=4x4x4, rank=4)",
  ])
  func everyFormat_multipliesAsFloats(format: String) throws {
    for storage in ["int4(group=row)", "int4(group=16)", "int8(group=64)", "kmeans2(group=row)"] {
      try check(format, storage, 64, 64)
    }
  }

  /// Scales that float16 does not hold, and results far from 1.
  @Test(arguments: [1e-9, 1e6])
  func scales_ofAnySize_multiplyAsFloats(scale: Double) throws {
    for storage in ["int4(group=16)", "int8(group=row)", "int3(group=row)"] {
      try check(
        "block_tensor_train(rows=6x8, columns=5x32, rank=3)", storage, 48, 160, scale: scale)
    }
    try check("train(rows=8x8, columns=8x8, rank=64)", "int4(group=64)", 64, 64, scale: scale)
  }

  /// Cores beyond a cache stay codes by themselves; a memory limit keeps smaller ones.
  @Test func plans_keepCodes() throws {
    let large = try Linear(
      matrix: member(
        "block_tensor_train(rows=32x32, columns=32x32, rank=8)", "int4(group=row)", 1024, 1024
      ).matrix, bias: nil)
    let plan = try large.prepare(maxRows: 1)
    // Narrower vectors unpack more slowly than floats are read.
    if TileKernel<Float>().width == 32 {
      #expect(plan.explain().contains("packed codes"))
      #expect(plan.residentByteCount < large.byteCount * 11 / 10)
    }
    let small = try Linear(
      matrix: member(
        "block_tensor_train(rows=8x8, columns=8x8, rank=2)", "int4(group=row)", 64, 64
      ).matrix, bias: nil)
    #expect(try !small.prepare(maxRows: 1).explain().contains("packed codes"))
    let limited = try small.prepare(maxRows: 1, memoryLimit: 6000)
    #expect(limited.explain().contains("packed codes"))
    #expect((1...6000).contains(limited.residentByteCount))
  }
}
