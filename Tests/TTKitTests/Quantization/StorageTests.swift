import Testing

@testable import TTKit

@Suite struct StorageTests {
  private func roundTrip(
    _ core: Tensor<Double>, _ spec: String
  ) throws -> (core: Tensor<Double>, bytes: Int) {
    let storage = try Registry.storage(Spec(parsing: "dense@" + spec).terms[0].storage!)
    let encoded = try EncodedCore(core, storage: storage)
    let again = try EncodedCore(shape: encoded.shape, storage: storage, parts: encoded.parts)
    return (try again.decoded(Double.self), encoded.byteCount)
  }

  @Test(arguments: [[1, 1], [3, 7], [5, 64], [2, 65], [4, 3, 5], [130]])
  func floats_keepTheirDigits(shape: [Int]) throws {
    var random = TestRandom(seed: 4)
    let core = try random.tensor(shape)
    let count = core.count
    for (spec, bytes, error) in [
      ("float64", 8, 0), ("float32", 4, 0x1p-25), ("float16", 2, 0x1p-12), ("bfloat16", 2, 0x1p-9),
    ] {
      let (found, size) = try roundTrip(core, spec)
      #expect(size == bytes * count)
      // |x| <= 1/2: half a unit in the last place.
      #expect(largestDifference(found, core) <= error)
    }
  }

  @Test(arguments: [[1, 1], [3, 7], [5, 64], [2, 65], [4, 3, 5], [130], [1, 200]])
  func int8_errorIsHalfAStepOfItsGroup(shape: [Int]) throws {
    var random = TestRandom(seed: 5)
    let core = try random.tensor(shape)
    for group in [1, 7, 64, 1000] {
      let (found, _) = try roundTrip(core, "int8(group=\(group))")
      let width = shape.count == 2 ? shape[1] : core.count
      for (i, (a, b)) in zip(found.elements, core.elements).enumerated() {
        let row = i / width
        let g = (i % width) / group
        let columns = (g * group)..<min(width, (g + 1) * group)
        let largest = columns.map { abs(core.elements[row * width + $0]) }.max()!
        // Half a step, and a float16 scale that may be 2^-11 off: at code 127 that is 0.062 steps.
        #expect(abs(a - b) <= largest / 127 * 0.57)
      }
    }
  }

  @Test func int8_holdsZerosExactly_andAnyRange() throws {
    let values = [0, 1e30, -1e30, 0, 0, 0, 1e-30, 0, 1e-42, 0, 0, 0]
    let core = try Tensor(shape: [3, 4], elements: values)
    let (found, _) = try roundTrip(core, "int8(group=4)")
    for (a, b) in zip(found.elements, values) {
      if b == 0 { #expect(a == 0) } else { #expect(abs(a - b) <= abs(b) * 0.01 + 1e-44) }
    }
  }

  @Test func valuesBeyondTheRange_areRefused() throws {
    let core = try Tensor(shape: [1], elements: [1e6])
    #expect(throws: TTKitError.self) { try roundTrip(core, "float16") }
    let huge = try Tensor(shape: [1], elements: [1e300])
    for spec in ["float32", "bfloat16", "int8"] {
      #expect(throws: TTKitError.self) { try roundTrip(huge, spec) }
    }
  }

  @Test func partsOfAnotherShape_areRefused() throws {
    let storage = IntegerStorage(group: 4)
    let encoded = try EncodedCore(
      try Tensor(shape: [2, 8], elements: [Double](repeating: 1, count: 16)), storage: storage)
    #expect(throws: TTKitError.self) {
      try EncodedCore(shape: [2, 9], storage: storage, parts: encoded.parts)
    }
    #expect(throws: TTKitError.self) {
      try EncodedCore(shape: [2, 8], storage: storage, parts: [encoded.parts[0]])
    }
  }
}
