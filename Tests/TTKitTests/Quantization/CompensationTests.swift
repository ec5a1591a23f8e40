import Testing

@testable import TTKit

/// Pairs of neighbours on the lattice of even sums, times a step: the simplest vector code.
private struct PairStorage: ColumnStorage {
  static let names = ["test_pairs"]
  static let step: Float = 0.2
  init() {}
  init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) {}
  var call: Spec.Call { Spec.Call("test_pairs") }
  var computeDType: DType { .float32 }

  func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    [StoragePart.Layout(name: "values", dtypes: [.float32], shape: shape)]
  }

  func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let single = try core.converted(to: Float.self)
    let n = core.shape[1]
    return try PairStorage.parts(
      Tensor<Float>(shape: core.shape) { out in
        single.withSpan { span in
          for i in stride(from: 0, to: out.count, by: n) {
            for j in stride(from: 0, to: n, by: 2) {
              let pair = nearest(span[i + j], j + 1 < n ? span[i + j + 1] : 0)
              out[i + j] = pair.0
              if j + 1 < n { out[i + j + 1] = pair.1 }
            }
          }
        }
      })
  }

  static func parts(_ values: Tensor<Float>) throws(TTKitError) -> [StoragePart] {
    [
      StoragePart(
        name: "values", dtype: .float32, shape: values.shape,
        bytes: try encodeFloats(values, as: .float32))
    ]
  }

  func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    decodeFloats(parts[0].bytes, .float32, range, into: &out)
  }

  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder {
    PairCoder(shape: matrix.shape)
  }
}

/// The nearest even pair: round both, and the one that is further off the other way if the sum is odd.
private func nearest(_ x: Float, _ y: Float) -> (Float, Float) {
  let step = PairStorage.step
  var (a, b) = ((x / step).rounded(), (y / step).rounded())
  let (da, db) = (x / step - a, y / step - b)
  if Int(a + b) % 2 != 0 {
    if abs(da) > abs(db) { a += da > 0 ? 1 : -1 } else { b += db > 0 ? 1 : -1 }
  }
  return (a * step, b * step)
}

private final class PairCoder: ColumnCoder {
  let width = 2
  private let shape: [Int]
  private var values: [Float]

  init(shape: [Int]) {
    self.shape = shape
    values = [Float](repeating: .nan, count: shape[0] * shape[1])
  }

  func code(
    _ first: Int, _ given: UnsafePointer<Float>, metric: [Float]?,
    into decoded: UnsafeMutablePointer<Float>
  ) {
    let (rows, columns) = (shape[0], shape[1])
    let isWhole = first + 1 < columns
    for r in 0..<rows {
      let pair = nearest(given[r], isWhole ? given[rows + r] : 0)
      decoded[r] = pair.0
      values[r * columns + first] = pair.0
      if isWhole {
        decoded[rows + r] = pair.1
        values[r * columns + first + 1] = pair.1
      }
    }
  }

  func parts() throws(TTKitError) -> [StoragePart] {
    try PairStorage.parts(Tensor(shape: shape, elements: values))
  }
}

@Suite struct CompensationTests {
  /// More columns than a block, an odd number of them, and correlated inputs.
  @Test func vectorCodes_areCompensated() throws {
    var random = TestRandom(seed: 1)
    let w = try random.tensor([20, 131]).converted(to: Float.self)
    let mixing = try random.tensor([131, 40])
    let x = try product(random.tensor([300, 40]), mixing, .plain, .transposed)
    let moment = InputMoment(matrix: try product(x, x, .transposed, .plain))
    let storage = PairStorage()
    func error(_ parts: [StoragePart]) throws -> Double {
      let core = try EncodedCore(shape: w.shape, storage: storage, parts: parts)
      return try moment.squaredNorm(subtracted(w, core.decoded(Float.self))).squareRoot()
    }
    let plain = try error(storage.encode(w))
    let compensated = try error(Compensation.encode(w, storage, moment))
    #expect(compensated < 0.5 * plain, "\(compensated) against \(plain)")
  }

  /// The pass forward hands errors on from one block of columns to the next: descent, which would make up for what
  /// is not handed on, left out.
  @Test func passForward_reachesBeyondABlock() throws {
    var random = TestRandom(seed: 11)
    let n = 3 * Compensation.block + 5
    let w = try random.tensor([30, n]).converted(to: Float.self)
    let x = try product(random.tensor([600, 40]), random.tensor([n, 40]), .plain, .transposed)
    let moment = InputMoment(matrix: try product(x, x, .transposed, .plain))
    let storage = try Registry.storage(Spec.Call("int3"))
    let columns = try #require(storage as? any ColumnStorage)
    let forward = try Compensation(w, columns, moment, weighsColumns: true, descends: false)
    let plain = try EncodedCore(shape: w.shape, storage: storage, parts: storage.encode(w))
    let (cost, without) = try (forward.cost(), forward.cost(of: plain.decoded(Float.self)))
    #expect(cost < 0.3 * without, "\(cost) against \(without)")
  }

  /// Pairs and fours far apart in their rows, the last of a row short of coordinates; with a codebook of the
  /// tensor and of rows, and Kashin's pairs.
  @Test(arguments: [
    "dense@pairs4", "dense@quads8", "dense@pairs6(group=row)", "dense@lloyd3", "rotation@pairs4",
    "kashin@kmeans3",
  ])
  func codesOfVectors_areCompensated(spec: String) throws {
    var random = TestRandom(seed: 3)
    let (rows, n) = (40, spec.hasPrefix("dense") ? 131 : 96)
    let w = try random.tensor([rows, n]).converted(to: Float.self)
    let x = try product(random.tensor([300, 30]), random.tensor([n, 30]), .plain, .transposed)
    let moment = InputMoment(matrix: try product(x, x, .transposed, .plain))
    func error(_ moment: InputMoment?, in metric: InputMoment) throws -> (Double, Int) {
      let found = try CompressedMatrix.fit(view(w), spec: Spec(parsing: spec), moment: moment)
      return (
        try metric.squaredNorm(subtracted(w, found.dense(Float.self))).squareRoot(), found.byteCount
      )
    }
    let (plain, bytes) = try error(nil, in: moment)
    let (compensated, same) = try error(moment, in: moment)
    #expect(compensated < 0.6 * plain, "\(spec): \(compensated) against \(plain)")
    #expect(same == bytes)
  }

  /// One grid or codebook for rows of which one reaches forty times as far: the others must not pay for it.
  @Test(arguments: ["int4(group=tensor)", "int3(group=tensor)", "kmeans4", "kmeans3"])
  func rowsThatShareAGrid_loseToNoOutlier(storage: String) throws {
    var random = TestRandom(seed: 4)
    let (rows, n) = (64, 64)
    var values = try random.tensor([rows, n]).elements
    for j in stride(from: 0, to: n, by: 9) { values[3 * n + j] *= 40 }
    let w = try Tensor<Float>(shape: [rows, n], elements: values.map { Float($0) })
    let x = try product(random.tensor([200, 40]), random.tensor([n, 40]), .plain, .transposed)
    let moment = InputMoment(matrix: try product(x, x, .transposed, .plain))
    func errors(_ used: InputMoment?) throws -> [Double] {
      let spec = try Spec(parsing: "dense@" + storage)
      let found = try CompressedMatrix.fit(view(w), spec: spec, moment: used).dense(Float.self)
      let difference = try subtracted(w, found)
      return try (0..<rows).map { r in
        try moment.squaredNorm(difference.block(at: [r, 0], shape: [1, n]))
      }
    }
    let (plain, compensated) = try (errors(nil), errors(moment))
    // An integer grid clips the row that reaches far, so that is rounded plainly.
    if storage.hasPrefix("int") {
      #expect(abs(compensated[3] - plain[3]) <= 1e-6 * plain[3])
    }
    let worse = (0..<rows).filter { compensated[$0] > plain[$0] && $0 != 3 }
    #expect(worse.isEmpty, "\(storage): rows \(worse)")
  }

  /// Column by column with one fixed grid, as the algorithm says, without blocks.
  @Test func scalarCodes_areNoWorseThanTheTextbookAlgorithm() throws {
    var random = TestRandom(seed: 2)
    let (rows, n) = (6, 70)
    let w = try random.tensor([rows, n])
    let x = try random.tensor([90, n])
    let h = try product(x, x, .transposed, .plain)
    let moment = InputMoment(matrix: h)
    let core = try EncodedCore(
      compensating: w, storage: IntegerStorage(bits: 3, group: .row), moment: moment)
    let scales = (0..<rows).map { Double(loadScale(core.parts[1].bytes, core.parts[1].dtype, $0)) }
    // Textbook: round column j, then the inverse of the remaining block of H spreads the error.
    let damped = try moment.damped(Compensation.damping)
    var rest = w.elements
    var coded = rest
    var inverse = try solvedRight(Tensor<Double>.identity(n), damped).elements
    for j in 0..<n {
      for r in 0..<rows {
        let level = max(-4, min(3, (rest[r * n + j] / scales[r]).rounded()))
        coded[r * n + j] = level * scales[r]
        let error = (rest[r * n + j] - coded[r * n + j]) / inverse[j * n + j]
        for k in j..<n { rest[r * n + k] -= error * inverse[j * n + k] }
      }
      let row = (0..<n).map { inverse[j * n + $0] }
      for a in 0..<n {
        for b in 0..<n { inverse[a * n + b] -= row[a] * row[b] / row[j] }
      }
    }
    let textbook = try moment.squaredNorm(
      subtracted(w, Tensor(shape: [rows, n], elements: coded)))
    let ours = try moment.squaredNorm(subtracted(w, core.decoded(Double.self)))
    #expect(ours <= 1.02 * textbook, "\(ours) against \(textbook)")
  }

  /// One grid for all rows, of which a few reach far: greedy rounding from weighted grids loses there.
  @Test(arguments: [
    IntegerStorage(bits: 4, group: .tensor), IntegerStorage(bits: 2, group: .tensor),
    IntegerStorage(bits: 3, group: .row),
  ])
  func compensated_isNeverWorseThanPlain(_ storage: IntegerStorage) throws {
    var random = TestRandom(seed: 4)
    let (rows, n) = (24, 64)
    var values = try random.tensor([rows, n]).elements
    for j in 0..<n { values[3 * n + j] *= 40 }
    values[5 * n + 7] = 60
    let w = try Tensor<Float>(shape: [rows, n], elements: values.map { Float($0) })
    var seen = try random.tensor([100, n]).elements
    for i in stride(from: 7, to: seen.count, by: n) { seen[i] *= 30 }
    let x = try Tensor<Double>(shape: [100, n], elements: seen)
    let moment = InputMoment(matrix: try product(x, x, .transposed, .plain))
    let metric = InputMoment(matrix: try moment.damped(Compensation.damping))
    func cost(_ parts: [StoragePart]) throws -> Double {
      let core = try EncodedCore(shape: w.shape, storage: storage, parts: parts)
      return try metric.squaredNorm(subtracted(w, core.decoded(Float.self)))
    }
    let plain = try cost(storage.encode(w))
    let compensated = try cost(Compensation.encode(w, storage, moment))
    #expect(compensated <= plain * (1 + 1e-4), "\(compensated) against \(plain)")
  }
}
