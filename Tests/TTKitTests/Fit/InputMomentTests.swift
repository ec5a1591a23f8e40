import Testing

@testable import TTKit

/// Correlated inputs with a mean: (count, n).
private func inputs(_ count: Int, _ n: Int, _ random: inout TestRandom) throws -> Tensor<Double> {
  let mixing = try random.tensor([n, n])
  let plain = try random.tensor([count, n])
  let skewed = try Tensor<Double>(shape: [n, n]) { out in
    mixing.withSpan { span in
      for i in out.indices { out[i] = span[i] / Double(1 + i / n) }
    }
  }
  return try product(plain, skewed).map { $0 + 0.2 }
}

/// Sums of x xᵀ with a 1 appended to x.
private func augmented(_ x: Tensor<Double>) throws -> Tensor<Double> {
  let wide = try x.resized(rows: x.shape[0], columns: x.shape[1] + 1)
  let ones = try Tensor<Double>(shape: wide.shape) { out in
    wide.withSpan { span in
      let n = wide.shape[1]
      for i in out.indices { out[i] = i % n == n - 1 ? 1 : span[i] }
    }
  }
  return try product(ones, ones, .transposed, .plain)
}

/// ‖X (W − W')ᵀ‖ / ‖X Wᵀ‖ by the definition.
private func outputError(
  _ x: Tensor<Double>, _ w: Tensor<Double>, _ matrix: CompressedMatrix
) throws -> Double {
  let lost = try subtracted(w, matrix.dense(Double.self))
  return try product(x, lost, .plain, .transposed).norm / product(x, w, .plain, .transposed).norm
}

private func made(
  _ sums: Tensor<Double>, width: Int, usesMean: Bool
) throws -> InputMoment {
  try InputMoment(sums: sums, width: width, usesMean: usesMean)
}

private func fit(
  _ w: Tensor<Double>, _ spec: String, _ x: Tensor<Double>?, usesMean: Bool = false
) throws -> CompressedMatrix {
  let moment = try x.map { x in
    try made(augmented(x), width: w.shape[1], usesMean: usesMean)
  }
  return try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec), moment: moment)
}

@Suite struct InputMomentTests {
  @Test(arguments: [
    "dense@int4(group=row)", "dense@int3(group=8)", "dense@int2(group=8, symmetric=false)",
    "dense@int4(group=tensor)", "dense@kmeans3", "dense@kmeans2(group=row)",
  ])
  func compensation_halvesTheErrorOfCorrelatedOutputs(spec: String) throws {
    var random = TestRandom(seed: 1)
    let (w, x) = (try random.tensor([40, 24]), try inputs(400, 24, &random))
    let plain = try outputError(x, w, fit(w, spec, nil))
    let fitted = try fit(w, spec, x)
    let error = try outputError(x, w, fitted)
    #expect(error < 0.6 * plain, "\(spec): \(error) against \(plain)")
    #expect(abs(error - fitted.outputError) < 1e-4 * error)
  }

  @Test func compensation_ofInt8_keepsWithinTheGrid() throws {
    var random = TestRandom(seed: 2)
    let (w, x) = (try random.tensor([9, 16]), try inputs(100, 16, &random))
    let fitted = try fit(w, "dense@int8(group=8)", x)
    #expect(fitted.error < 0.01)
    #expect(try outputError(x, w, fitted) < outputError(x, w, fit(w, "dense@int8(group=8)", nil)))
  }

  @Test func lowRank_reachesTheOptimumOfTheMetric() throws {
    var random = TestRandom(seed: 3)
    for (m, n, r) in [(20, 12, 4), (8, 16, 3), (6, 6, 6)] {
      let (w, x) = (try random.tensor([m, n]), try inputs(200, n, &random))
      let fitted = try fit(w, "low_rank(rank=\(r))@float64", x)
      // Eckart-Young for the outputs: no rank-r map of the inputs does better.
      let s = try svd(product(x, w, .plain, .transposed)).s
      let tail = s.dropFirst(r).reduce(0) { $0 + $1 * $1 }.squareRoot()
      let best = tail / s.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(try outputError(x, w, fitted) - best) < 1e-6)
    }
  }

  @Test func lowRank_inFewBits_fitsItsLeftFactorToTheStoredRightOne() throws {
    var random = TestRandom(seed: 4)
    let (w, x) = (try random.tensor([32, 24]), try inputs(300, 24, &random))
    let spec = "low_rank(rank=16)@int4(group=8)"
    #expect(
      try outputError(x, w, fit(w, spec, x)) < 0.7 * outputError(x, w, fit(w, spec, nil)))
  }

  @Test(arguments: [
    "block_tensor_train(rows=6x4, columns=3x8, rank=2)", "monarch(blocks=4)",
    "train_matrix(rows=4x6, columns=6x4, rank=8)", "train(rows=4x6, columns=6x4, rank=6)",
    "kronecker(rows=4x6, columns=6x4)", "cp(rows=4x6, columns=6x4, rank=12)",
    "tucker(rows=4x6, columns=6x4, rank=4)",
    "low_rank(rank=4) + dense@int3(group=row)",
  ])
  func everyFormat_gainsFromInputs(spec: String) throws {
    var random = TestRandom(seed: 5)
    let (w, x) = (try random.tensor([24, 24]), try inputs(300, 24, &random))
    let (plain, fitted) = (try fit(w, spec, nil), try fit(w, spec, x))
    let (before, after) = (try outputError(x, w, plain), try outputError(x, w, fitted))
    #expect(after < 0.95 * before, "\(spec): \(after) against \(before)")
    #expect(fitted.byteCount <= plain.byteCount)
  }

  @Test func bias_takesUpTheMean() throws {
    var random = TestRandom(seed: 6)
    let (w, x) = (try random.tensor([10, 12]), try inputs(50, 12, &random))
    let fitted = try fit(w, "dense@int2(group=row)", x, usesMean: true)
    let change = try #require(fitted.biasChange).elements
    let lost = try subtracted(w, fitted.dense(Double.self))
    let outputs = try product(x, lost, .plain, .transposed)
    for i in 0..<10 {
      let mean = (0..<50).reduce(0.0) { $0 + outputs.elements[$1 * 10 + i] } / 50
      #expect(abs(mean - change[i]) < 1e-9)
    }
    #expect(try fit(w, "dense@int2", x).biasChange == nil)
  }

  /// One entry far beyond the grid, met by one input in twenty: what its row loses is no steady part.
  @Test func bias_leavesTheMeanOfAClippedRow() throws {
    var random = TestRandom(seed: 9)
    let (m, n, count) = (48, 32, 200)
    var (weight, x) = try (random.tensor([m, n]).elements, random.tensor([count, n]).elements)
    weight[3 * n + 5] = 12
    for k in 0..<count { x[k * n + 5] = k % 20 == 0 ? 50 : 0 }
    let (w, rare) = try (
      Tensor(shape: [m, n], elements: weight), Tensor(shape: [count, n], elements: x)
    )
    let fitted = try fit(w, "dense@int4(group=tensor)", rare, usesMean: true)
    let change = try #require(fitted.biasChange).elements
    let lost = try subtracted(w, fitted.dense(Double.self))
    let outputs = try product(rare, lost, .plain, .transposed).elements
    let whole = try product(rare, w, .plain, .transposed).elements
    func means(_ values: [Double]) -> [Double] {
      (0..<m).map { i in (0..<count).reduce(0.0) { $0 + values[$1 * m + i] } / Double(count) }
    }
    func spread(_ values: [Double], _ centres: [Double]) -> Double {
      values.indices.reduce(0.0) {
        let value = values[$1] - centres[$1 % m]
        return $0 + value * value
      }
    }
    let mean = means(outputs)
    #expect(mean[3].magnitude > 10)
    for i in 0..<m { #expect((change[i] - (i == 3 ? 0 : mean[i])).magnitude < 1e-9) }
    // The error told is of what the layer with this bias puts out.
    let told = (spread(outputs, change) / spread(whole, means(whole))).squareRoot()
    #expect((fitted.outputError - told).magnitude < 1e-6 * told)
  }

  @Test func poorMoments_haveADefinedResult() throws {
    var random = TestRandom(seed: 7)
    let w = try random.tensor([6, 8])
    let zero = try Tensor<Double>(shape: [8, 8], zeroed: true) { _ in }
    let one = try made(zero.map { _ in 2.0 }, width: 7, usesMean: true)
    let none = try made(zero, width: 8, usesMean: false)
    for (moment, w) in [(one, try w.resized(rows: 6, columns: 7)), (none, w)] {
      for spec in ["dense@int4(group=row)", "dense@kmeans2", "low_rank(rank=3)@int4"] {
        let made = try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec), moment: moment)
        #expect(made.error.isFinite && made.error < 1.5, "\(spec)")
      }
    }
  }

  @Test func wrongMoments_areRefused() throws {
    var random = TestRandom(seed: 8)
    let good = try product(random.tensor([8, 8]), Tensor.identity(8))
    let square = try product(good, good, .transposed, .plain)
    func refused(_ text: String, _ change: (Int, Double) -> Double) throws {
      let values = square.elements.enumerated().map { change($0.offset, $0.element) }
      let bad = try Tensor(shape: [8, 8], elements: values)
      #expect {
        try made(bad, width: 8, usesMean: false)
      } throws: { error in
        (error as? TTKitError)?.message.contains(text) ?? false
      }
    }
    try refused("NaN") { $0 == 9 ? .nan : $1 }
    try refused("symmetric") { $0 == 1 ? $1 + 1 : $1 }
    try refused("sum of squares") { $0 == 9 ? -1 : $1 }
    #expect(throws: TTKitError.self) {
      try made(square, width: 9, usesMean: false)
    }
    // No count in the corner: the (8, 8) moment taken for 7 inputs and a 1.
    let empty = try square.map { _ in 0.0 }
    #expect(throws: TTKitError.self) { try made(empty, width: 7, usesMean: true) }
    let indefinite = try Tensor<Double>(shape: [2, 2], elements: [1, 1e6, 1e6, 1])
    let moment = try made(indefinite, width: 2, usesMean: false)
    let w = try random.tensor([3, 2])
    for spec in ["dense@int4", "low_rank(rank=1)"] {
      #expect(throws: TTKitError.self) {
        try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec), moment: moment)
      }
    }
  }
}
