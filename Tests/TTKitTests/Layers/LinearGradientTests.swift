import Testing

@testable import TTKit

private let specs = [
  "dense", "low_rank(rank=3)", "train(rows=4x6, columns=3x4, rank=4)",
  "train_matrix(rows=4x3x2, columns=2x3x2, rank=4)",
  "block_tensor_train(rows=4x6, columns=3x4, rank=2)", "monarch(blocks=3)",
  "kronecker(rows=4x6, columns=3x4)", "cp(rows=4x6, columns=3x4, rank=3)",
  "tucker(rows=4x6, columns=3x4, rank=2)", "low_rank(rank=2) + kronecker(rows=4x6, columns=3x4)",
]

@Suite struct LinearGradientTests {
  private func dot(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double {
    zip(a.elements, b.elements).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The layer is linear in x and in every core, so gradients are adjoint exactly.
  @Test(arguments: specs, [1, 5, 40, 301])
  func gradients_areAdjoint(spec: String, rows: Int) throws {
    var random = TestRandom(seed: UInt64(rows))
    let matrix = try fitted(random.tensor([24, 12]), spec)
    let bias = try random.tensor([24])
    let layer = try withExtendedLifetime(bias) {
      try Linear(matrix: matrix, bias: Bias(view(bias)))
    }
    let (x, g) = (try random.tensor([rows, 12]), try random.tensor([rows, 24]))
    // NaN where nothing was written.
    func empty(_ shape: [Int]) throws -> Tensor<Double> {
      try Tensor(shape: shape, elements: [Double](repeating: .nan, count: shape.reduce(1, *)))
    }
    let gradX = try empty([rows, 12])
    let gradCores = try matrix.cores.map { try empty($0.shape) }
    let gradBias = try empty([24])
    try layer.vjp(
      view(x), view(g), gradX: view(gradX), gradCores: gradCores.map { try view($0) },
      gradBias: view(gradBias))
    let bound = 1000 * Double.ulpOfOne * Double(rows)
    let product = try referenceProduct(x, matrix.dense(Double.self))
    #expect(abs(dot(product, g) - dot(x, gradX)) <= bound)
    #expect(
      largestDifference(
        try referenceProduct(g, matrix.dense(Double.self).transposed([1, 0])), gradX) <= bound)
    var first = 0
    for term in matrix.terms {
      let alone = CompressedMatrix(rows: 24, columns: 12, terms: [term], error: .nan)
      let part = dot(try referenceProduct(x, alone.dense(Double.self)), g)
      for (k, core) in term.cores.enumerated() {
        let found = dot(try core.decoded(Double.self), gradCores[first + k])
        #expect(abs(part - found) <= bound, "core \(k): \(part), \(found)")
      }
      first += term.cores.count
    }
    let sums = (0..<24).map { j in (0..<rows).reduce(0) { $0 + g.elements[$1 * 24 + j] } }
    #expect(zip(sums, gradBias.elements).allSatisfy { abs($0 - $1) <= bound })
  }

  /// The same bits for any number of threads, and rows that are no neighbours.
  @Test(arguments: specs)
  func threadsAndStrides_changeNothing(spec: String) throws {
    var random = TestRandom(seed: 11)
    let rows = 301
    let weight = try random.tensor([24, 12]).converted(to: Float.self)
    let matrix = try CompressedMatrix.fit(view(weight), spec: Spec(parsing: spec))
    withExtendedLifetime(weight) {}
    let layer = try Linear(matrix: matrix, bias: nil)
    let x = try random.tensor([2 * rows, 12]).converted(to: Float.self)
    let g = try random.tensor([2 * rows, 24]).converted(to: Float.self)
    var results: [[[Float]]] = []
    for threads in [1, 2, 5] {
      let gradX = try Tensor<Float>(shape: [rows, 12], zeroed: true) { _ in }
      let cores = try matrix.cores.map { try Tensor<Float>(shape: $0.shape, zeroed: true) { _ in } }
      let every = try StridedView(
        data: view(x).data, shape: [rows, 12], strides: [24, 1], .float32)
      let above = try StridedView(
        data: view(g).data, shape: [rows, 24], strides: [48, 1], .float32)
      try layer.vjp(
        every, above, gradX: view(gradX), gradCores: cores.map { try view($0) }, gradBias: nil,
        executor: Executor(threads: threads))
      results.append([gradX.elements] + cores.map(\.elements))
    }
    withExtendedLifetime((x, g)) {}
    #expect(results[1] == results[0] && results[2] == results[0])
  }

  /// Each element against a central difference, exact for a function linear in the core.
  @Test(arguments: specs.dropLast())
  func coreGradients_areDerivatives(spec: String) throws {
    var random = TestRandom(seed: 8)
    let (made, cores) = try randomMember(spec, rows: 24, columns: 12, &random)
    let (x, g) = (try random.tensor([3, 12]), try random.tensor([3, 24]))
    let gradCores = try cores.map { try random.tensor($0.shape) }
    let layer = try Linear(matrix: made, bias: nil)
    try layer.vjp(
      view(x), view(g), gradX: nil, gradCores: gradCores.map { try view($0) }, gradBias: nil)
    for k in cores.indices {
      for i in [0, cores[k].count / 2, cores[k].count - 1] {
        func value(_ step: Double) throws -> Double {
          var moved = cores
          var elements = moved[k].elements
          elements[i] += step
          moved[k] = try Tensor(shape: moved[k].shape, elements: elements)
          let matrix = try CompressedMatrix.make(
            Spec(parsing: spec), rows: 24, columns: 12, cores: moved.map { try view($0) })
          return dot(try referenceProduct(x, matrix.dense(Double.self)), g)
        }
        let difference = try (value(0.5) - value(-0.5))
        #expect(abs(difference - gradCores[k].elements[i]) <= 1e-12)
      }
    }
  }

  @Test func noRows_giveZeros() throws {
    var random = TestRandom(seed: 9)
    let matrix = try fitted(random.tensor([24, 12]), specs[4])
    let layer = try Linear(matrix: matrix, bias: nil)
    let gradCores = try matrix.cores.map { try random.tensor($0.shape) }
    let (x, g) = (try random.tensor([0, 12]), try random.tensor([0, 24]))
    try layer.vjp(
      view(x), view(g), gradX: view(x), gradCores: gradCores.map { try view($0) }, gradBias: nil)
    #expect(gradCores.allSatisfy { $0.elements.allSatisfy { $0 == 0 } })
  }
}
