import Testing

@testable import TTKit

/// A storage by its spec.
func storage(_ text: String) throws -> any Storage {
  try Registry.storage(try #require(Spec(parsing: "dense@\(text)").terms[0].storage))
}

/// Decoded values of an encoded core, which also went through the parts of a file.
func stored(_ values: [Float], _ shape: [Int], _ text: String) throws -> [Float] {
  let storage = try storage(text)
  let encoded = try EncodedCore(Tensor(shape: shape, elements: values), storage: storage)
  let again = try EncodedCore(shape: shape, storage: storage, parts: encoded.parts)
  return try again.decoded(Float.self).elements
}

func relativeError(_ a: [Float], _ b: [Float]) -> Double {
  let whole = a.reduce(0.0) { $0 + Double($1) * Double($1) }
  let rest = zip(a, b).reduce(0.0) {
    $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
  }
  return whole == 0 ? (rest == 0 ? 0 : .infinity) : (rest / whole).squareRoot()
}

/// Sums of twelve uniform numbers: close to Gaussian, deviation 1.
func gaussian(_ count: Int, seed: UInt64) -> [Float] {
  var random = TestRandom(seed: seed)
  return (0..<count).map { _ in
    (0..<12).reduce(Float(0)) { sum, _ in sum + Float(random.uniform()) }
  }
}

private let groupings = ["1", "3", "16", "64", "row", "tensor"]

@Suite struct IntegerStorageTests {
  @Test func specs_areReadAndWrittenBack() throws {
    for text in [
      "int2(group=32)", "int3(group=row)", "int4(group=tensor, symmetric=false)", "int8(group=64)",
    ] {
      #expect(try storage(text).call.description == text)
    }
    #expect(try storage("int4").call.description == "int4(group=64)")
    #expect(try storage("int4(symmetric=true)").call.description == "int4(group=64)")
    for wrong in [
      "int1", "int9", "int0", "int4(group=0)", "int4(group=column)", "int4(symmetric=1)",
    ] {
      #expect(throws: TTKitError.self) { try storage(wrong) }
    }
  }

  /// Every width to 70, bits and grouping: within half a step of the plain grid by the maximum, on average.
  @Test(arguments: 2...8, [true, false])
  func errors_areNoWorseThanThoseOfTheMaximum(bits: Int, isSymmetric: Bool) throws {
    for width in 1...70 {
      let values = gaussian(2 * width, seed: UInt64(width))
      let grouping = groupings[width % groupings.count]
      let found = try stored(
        values, [2, width], "int\(bits)(group=\(grouping), symmetric=\(isSymmetric))")
      let grid = try GroupGrid(shape: [2, width], Sharing.named(grouping))
      for index in 0..<grid.count {
        let range = grid.elements(index)
        let x = Array(values[range])
        let step = x.map(\.magnitude).max()! / Float(1 << (bits - 1) - 1)
        let plain = x.map { ($0 / step).rounded() * step }
        // 2^-10: scales are rounded to float16.
        let bound = relativeError(x, plain) + 0x1p-10
        #expect(relativeError(x, Array(found[range])) <= bound, "\(grouping), width \(width)")
      }
    }
  }

  @Test(arguments: 2...8, [true, false])
  func specialRows_haveTheirResult(bits: Int, isSymmetric: Bool) throws {
    let text = "int\(bits)(group=row, symmetric=\(isSymmetric))"
    #expect(try stored([0, 0, -0, 0], [1, 4], text) == [0, 0, 0, 0])
    // One value: only its scale, a float16, is rounded.
    #expect(relativeError([5], try stored([5], [1, 1], text)) <= 0x1p-11)
    let rows: [[Float]] = [
      [3, 3, 3], [-3, -3, -3], [1e30, -1e30, 1e30], [1e-42, 1e-42, 1e-42], [1e-45, 0, 0],
      [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0], [2, -1, 0],
      [.greatestFiniteMagnitude, .greatestFiniteMagnitude / 2, 0],
    ]
    for row in rows {
      let found = try stored(row, [1, 3], text)
      #expect(found.allSatisfy { $0.isFinite })
      // A step of two bits is half the range.
      #expect(relativeError(row, found) <= 1 / Double(1 << (bits - 2)), "\(row) became \(found)")
      for (x, y) in zip(row, found) where x == 0 { #expect(y == 0, "zero left the grid: \(found)") }
    }
  }

  @Test func nonFiniteValues_areRefused() throws {
    for value in [Double.nan, .infinity, 1e300] {
      let matrix = try Tensor<Double>(shape: [1, 2], elements: [1, value])
      #expect(throws: TTKitError.self) {
        try EncodedCore(matrix, storage: IntegerStorage(bits: 4)).decoded(Double.self)
      }
    }
  }

  /// Rows with a range of forty deviations, as some layers of real models have: zero is on the grid, so
  /// small weights are rounded both ways, and no direction of the input sees a common offset.
  @Test(arguments: ["int4(group=row)", "int4(group=row, symmetric=false)", "int4(group=64)"])
  func outlierRows_keepTheirSums(text: String) throws {
    var values = gaussian(1536, seed: 40).map { $0 * 0.02 }
    values[700] = 0.8
    let found = try stored(values, [1, 1536], text)
    let offset = zip(values, found).reduce(0.0) { $0 + Double($1.1 - $1.0) }
    let spread = zip(values, found).reduce(0.0) { $0 + Double(($1.1 - $1.0) * ($1.1 - $1.0)) }
    // Unrelated errors add up like a random walk; errors of one sign would give √1536 ≈ 39.
    #expect(
      abs(offset) <= 4 * spread.squareRoot(), "coherent error \(offset / spread.squareRoot())")
  }

  /// Measured by others for a Gaussian matrix, 4 bits a row with a chosen clip: 0.124.
  @Test func aGaussianMatrix_hasTheKnownError() throws {
    let values = gaussian(64 * 384, seed: 1)
    #expect(relativeError(values, try stored(values, [64, 384], "int4(group=row)")) < 0.118)
    #expect(relativeError(values, try stored(values, [64, 384], "int3(group=row)")) < 0.23)
    #expect(relativeError(values, try stored(values, [64, 384], "int2(group=row)")) < 0.45)
    #expect(relativeError(values, try stored(values, [64, 384], "int8(group=row)")) < 0.01)
  }

  /// Every range decodes as the whole does: the way embeddings read rows.
  @Test(arguments: [
    "int3(group=5)", "int4(group=row, symmetric=false)", "int6(group=tensor)", "kmeans5(group=4)",
    "lloyd3", "pairs5(group=row)", "quads4",
  ])
  func ranges_decodeAsTheWhole(text: String) throws {
    let (shape, values) = ([5, 13], gaussian(65, seed: 2))
    let core = try EncodedCore(Tensor(shape: shape, elements: values), storage: storage(text))
    let whole = try core.decoded(Float.self).elements
    for start in stride(from: 0, to: 65, by: 4) {
      for end in stride(from: start, through: 65, by: 3) {
        let part = try Tensor<Double>(shape: [end - start]) { out in
          core.storage.decode(core.parts, shape: shape, range: start..<end, into: &out)
        }
        #expect(part.elements == whole[start..<end].map(Double.init))
      }
    }
  }

  @Test func bytesOnDisk_areCodesAndScales() throws {
    let core = try Tensor(shape: [6, 100], elements: gaussian(600, seed: 4))
    func bytes(_ text: String) throws -> Int {
      try EncodedCore(core, storage: storage(text)).byteCount
    }
    #expect(try bytes("int4(group=32)") == 6 * 50 + 6 * 4 * 2)
    #expect(try bytes("int3(group=row)") == 6 * 38 + 6 * 2)
    #expect(try bytes("int2(group=tensor, symmetric=false)") == 6 * 25 + 2 + 1)
    #expect(try bytes("int8(group=64)") == 600 + 6 * 2 * 2)
    #expect(try bytes("kmeans4") == 6 * 50 + 16 * 4)
    #expect(try bytes("kmeans4(group=row)") == 6 * 50 + 6 * 16 * 2)
  }
}

extension Sharing {
  static func named(_ text: String) -> Sharing {
    text == "row" ? .row : text == "tensor" ? .tensor : .group(Int(text)!)
  }
}
