import Testing

@testable import TTKit

/// TT-SVD of tensors large enough for samples, in every dtype and from every kind of place.
@Suite struct DecompositionTests {
  /// 2^17 elements: peeled by samples twice before the rest is split.
  private static let shape = [Int](repeating: 2, count: 17)

  private static func lowRank<T: TestScalar>(
    _ type: T.Type, rank: Int = 4, noise: Double = 0, shape: [Int] = shape
  ) throws -> Tensor<T> {
    var random = TrainRandom(seed: UInt64(20 + rank))
    let exact = try random.train(shape, ranks: shape.dropLast().map { _ in rank }, type).dense()
    guard noise > 0 else { return exact }
    let other = try random.tensor(shape, type)
    let level = T(noise * exact.norm / other.norm, imaginary: 0)
    return try Tensor(
      shape: shape, elements: zip(exact.elements, other.elements).map { $0 + level * $1 })
  }

  private static func decomposed<T: Scalar>(
    _ source: RowSource<T>, _ truncation: Truncation, _ method: DecompositionMethod = .auto,
    seed: UInt64 = 0, limit: Int? = nil, threads: Int = 1
  ) throws(TTKitError) -> (train: TensorTrain<T>, report: DecompositionReport) {
    try TensorTrain.decomposing(
      source, DecompositionOptions(truncation, method: method, seed: seed, memoryLimit: limit),
      executor: Executor(threads: threads), progress: .silent)
  }

  private static func tolerance<T: Scalar>(_ type: T.Type) -> Double {
    T.Real.dtype == .float32 ? 1e-3 : 1e-8
  }

  /// Laws 1 to 4 with a tail below and above the tolerance, by both ways.
  @Test(arguments: [DecompositionMethod.auto, .qr])
  func everyDType_keepsTheLaws(method: DecompositionMethod) throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let rtol = Self.tolerance(type)
      let a = try Self.lowRank(type, noise: 1e-2 * rtol)
      let (train, report) = try Self.decomposed(RowSource(a), Truncation(relative: rtol), method)
      let error = try relativeError(train.dense(), a)
      #expect(error <= rtol, "\(type)")
      // An upper bound; the triangle inequality and rounding make it larger, not much.
      #expect(train.error >= error - 64 * T.eps, "\(type)")
      #expect(train.error <= 2 * error + 64 * T.eps, "\(type)")
      #expect(report.error == train.error)
      #expect(report.method == (method == .qr ? .qr : .sampled), "\(type)")
      #expect(train.ranks.max() == 4, "\(type)")
      for core in train.cores.dropLast() {
        #expect(try orthogonalityError(core.matrix(lastAxes: 1)) <= 64 * T.eps, "\(type)")
      }
      // Blocks and panels, whatever the size of the tensor, take up to half a megabyte.
      let limit = a.byteCount * 3 / 10 + 1 << 19
      #expect(report.memory <= limit || method == .qr, "\(type): \(report.memory)")
    }
  }

  /// Law 22: bits depend on the seed, never on threads.
  @Test func threadsAndSeeds_decideNothingButTheSamples() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let a = try Self.lowRank(type, noise: 1e-3)
      let truncation = Truncation(relative: 1e-2)
      let one = try Self.decomposed(RowSource(a), truncation).train
      let two = try Self.decomposed(RowSource(a), truncation, threads: 2).train
      let other = try Self.decomposed(RowSource(a), truncation, seed: 7).train
      #expect(zip(one.cores, two.cores).allSatisfy { $0.elements == $1.elements }, "\(type)")
      #expect(zip(one.cores, other.cores).contains { $0.elements != $1.elements }, "\(type)")
      #expect(one.ranks == other.ranks)
    }
  }

  /// No sample of a few rows sees one element in 2^17; the pass that misses it finds it.
  @Test(arguments: [1e-3, 0.5])
  func aLonelySpike_isNotMissed(height: Double) throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let rtol = T.Real.dtype == .float32 ? 1e-4 : 1e-6
      let a = try Self.lowRank(type, noise: 1e-2 * rtol)
      for place in [0, 77_777, a.count - 1] {
        var values = a.elements
        values[place] = values[place] + T(height * a.norm, imaginary: 0)
        let b = try Tensor(shape: a.shape, elements: values)
        let (train, report) = try Self.decomposed(RowSource(b), Truncation(relative: rtol))
        #expect(try relativeError(train.dense(), b) <= rtol, "\(type) \(place)")
        #expect(train.ranks.max()! <= 5, "\(type) \(place)")
        #expect(report.method == .sampled && report.passes == 2, "\(type) \(place)")
      }
    }
  }

  @Test func slowlyFallingValues_keepTheTolerance() throws {
    // A Hilbert-like tensor with a random part over all scales: no small basis is good enough.
    var random = TrainRandom(seed: 51)
    let values = (0..<(1 << 17)).map { random.uniform() / Double(1 + $0 % 4099) }
    let a = try Tensor<Double>(shape: Self.shape, elements: values)
    for rtol in [0.3, 0.05] {
      let train = try Self.decomposed(RowSource(a), Truncation(relative: rtol)).train
      let error = try relativeError(train.dense(), a)
      #expect(error <= rtol && train.error >= error - 1e-12 && train.error <= 2 * error, "\(rtol)")
    }
    let capped = try Self.decomposed(RowSource(a), Truncation(maxRank: 6)).train
    #expect(capped.ranks.max() == 6)
    let error = try relativeError(capped.dense(), a)
    #expect(capped.error >= error - 1e-12 && capped.error <= 2 * error)
    #expect(throws: TTKitError.self) {
      try Self.decomposed(RowSource(a), Truncation(relative: 1e-9), .sampled)
    }
  }

  @Test(arguments: [1e300, 1e-300, 1.0])
  func extremeScales_keepRankAndError(scale: Double) throws {
    let a = try Self.lowRank(Double.self).scaled(by: scale)
    let train = try Self.decomposed(RowSource(a), Truncation(relative: 1e-10)).train
    #expect(train.ranks.max() == 4)
    let back = try train.dense().scaled(by: 1 / scale)
    #expect(try relativeError(back, a.scaled(by: 1 / scale)) < 1e-10)
  }

  @Test func constantsAndZeros_haveRankOne() throws {
    for value in [0, -2.5] {
      let a = try Tensor<Double>(
        shape: Self.shape, elements: [Double](repeating: value, count: 1 << 17))
      let train = try Self.decomposed(RowSource(a), Truncation(relative: 1e-12)).train
      #expect(train.ranks.allSatisfy { $0 == 1 })
      #expect(try relativeError(train.dense(), a) < 1e-12)
    }
    var spike = [Double](repeating: 0, count: 1 << 17)
    spike[4242] = 3
    let lonely = try Self.decomposed(
      RowSource(Tensor(shape: Self.shape, elements: spike)), Truncation(relative: 1e-12)
    ).train
    #expect(lonely.ranks.allSatisfy { $0 == 1 })
  }

  @Test func modesOfOne_andSkewShapes_areExact() throws {
    for shape in [[1, 2, 256, 1, 256, 1], [65_536, 2], [2, 65_536], [3, 1, 300, 7, 1, 20]] {
      let a = try Self.lowRank(Double.self, rank: 2, shape: shape)
      let train = try Self.decomposed(RowSource(a), Truncation(relative: 1e-11)).train
      #expect(try relativeError(train.dense(), a) < 1e-11, "\(shape)")
      #expect(train.ranks.max()! <= 2, "\(shape)")
    }
  }

  @Test func numbersThatAreNone_areRefused() throws {
    for value in [Double.nan, .infinity] {
      var values = try Self.lowRank(Double.self).elements
      values[99_999] = value
      let a = try Tensor(shape: Self.shape, elements: values)
      #expect(
        throws: TTKitError.nonFinite(
          "the tensor holds NaN or infinity; replace such elements first")
      ) {
        try Self.decomposed(RowSource(a), Truncation(relative: 1e-6))
      }
    }
  }

  /// Strides and reversed axes read in place give the error of a compact copy.
  @Test func anyStrides_giveTheSameTensor() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let rtol = Self.tolerance(type)
      let a = try Self.lowRank(type, noise: 1e-2 * rtol)
      let orders = [
        Array((0..<17).reversed()), [3, 1, 0, 2] + Array(4..<17), Array(1..<17) + [0],
      ]
      for order in orders {
        // The transposed array, read through strides that undo the transposition.
        let moved = try a.transposed(order)
        let steps = rowMajorStrides(moved.shape)
        var strides = [Int](repeating: 0, count: 17)
        for (position, axis) in order.enumerated() { strides[axis] = steps[position] }
        let found = try moved.withView(strides: strides, shape: a.shape) { view in
          try TensorTrain<T>.decomposing(
            view, DecompositionOptions(Truncation(relative: rtol)),
            executor: .serial, progress: .silent)
        }
        #expect(try relativeError(found.train.dense(), a) <= rtol, "\(type) \(order)")
        #expect(found.report.memory < a.byteCount / 4 + 3 << 18, "\(type) \(order)")
        #expect(found.train.ranks.max() == 4)
        for core in found.train.cores.dropLast() {
          #expect(try orthogonalityError(core.matrix(lastAxes: 1)) <= 64 * T.eps)
        }
      }
    }
  }

  /// A file gives the bits of memory; its limit is kept, or said to be too small.
  @Test func files_giveTheSameBits() throws {
    let a = try Self.lowRank(Double.self, noise: 1e-9)
    let folder = TemporaryFolder()
    let path = folder("tensor.bin")
    let bytes =
      [UInt8](repeating: 9, count: 24)
      + a.elements.flatMap { value in
        withUnsafeBytes(of: value) { Array($0) }
      }
    try writeAll(path, bytes)
    func run(_ limit: Int?, offset: Int = 24, shape: [Int] = Self.shape) throws -> (
      train: TensorTrain<Double>, report: DecompositionReport
    ) {
      try TensorTrain<Double>.decomposing(
        file: path, offset: offset, shape: shape,
        DecompositionOptions(Truncation(relative: 1e-7), memoryLimit: limit), executor: .serial,
        progress: .silent)
    }
    let inMemory = try Self.decomposed(RowSource(a), Truncation(relative: 1e-7)).train
    let (train, report) = try run(nil)
    #expect(zip(train.cores, inMemory.cores).allSatisfy { $0.elements == $1.elements })
    #expect(try run(report.memory).report.memory <= report.memory)
    #expect(throws: TTKitError.self) { try run(10_000) }
    #expect(throws: TTKitError.self) { try run(nil, offset: 32) }
    #expect(throws: TTKitError.self) { try run(nil, offset: -1) }
    #expect(throws: TTKitError.self) { try run(nil, shape: [.max, 4]) }
    #expect(throws: TTKitError.self) { try run(nil, shape: []) }
  }
}

extension Tensor {
  /// Calls `body` with a view of the elements under other strides.
  fileprivate func withView<R>(
    strides: [Int], shape: [Int], _ body: (StridedView) throws -> R
  ) throws -> R where Element: Scalar {
    let view = try StridedView(
      data: UnsafeMutableRawPointer(storage.buffer.base), shape: shape, strides: strides,
      dtype: Element.dtype)
    return try withExtendedLifetime(self) { try body(view) }
  }
}
