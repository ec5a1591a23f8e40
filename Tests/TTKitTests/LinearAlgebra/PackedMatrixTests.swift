import Testing

@testable import TTKit

@Suite struct PackedMatrixTests {
  /// Sizes around tile heights (6, 12), panel widths (8 to 32) and depth blocks.
  @Test(arguments: [1, 2, 5, 6, 7, 12, 13, 31, 241, 260], [1, 3, 31, 32, 33, 65])
  func products_agreeWithTheDefinition(rows: Int, outputs: Int) throws {
    for inputs in [1, 7, 193] {
      var random = TestRandom(seed: UInt64(rows * 1000 + outputs))
      let x = try random.tensor([rows, inputs])
      let w = try random.tensor([outputs, inputs])
      let single = try multiply(x.converted(to: Float.self), w.converted(to: Float.self), 1)
      let double = try multiply(x, w, 1)
      let exact = try referenceProduct(x, w)
      // |x|, |w| <= 1/2: each of k products is rounded, and each of k sums of at most k/4.
      let k = Double(inputs)
      #expect(largestDifference(double, exact) <= 2 * k * k * 0x1p-53)
      #expect(largestDifference(single, try exact.converted(to: Float.self)) <= k * k * 0x1p-24)
    }
  }

  @Test func threads_doNotChangeABit() throws {
    var random = TestRandom(seed: 9)
    let x = try random.tensor([300, 200]).converted(to: Float.self)
    let w = try random.tensor([310, 200]).converted(to: Float.self)
    let one = try multiply(x, w, 1)
    for threads in [2, 3, 8] {
      #expect(try multiply(x, w, threads).elements == one.elements)
    }
  }

  @Test func biasAndAccumulation_areAdded() throws {
    var random = TestRandom(seed: 10)
    let x = try random.tensor([5, 300])
    let w = try random.tensor([40, 300])
    let bias = try random.tensor([40])
    let plain = try multiply(x, w, 1)
    let packed = try PackedMatrix(w, executor: .serial)
    var y = try Buffer<Double>(count: 200)
    let scratch = try Buffer<Double>(count: 5 * packed.scratchOfRow)
    for accumulate in [false, true] {
      packed.multiply(
        x.storage.buffer.base, rows: 5, into: y.base,
        bias: accumulate ? nil : bias.storage.buffer.base, accumulate: accumulate,
        scratch: scratch.base, executor: .serial)
    }
    y.withMutableSpan { span in
      for i in 0..<200 {
        let expected = 2 * plain.elements[i] + bias.elements[i % 40]
        #expect(abs(span[i] - expected) < 1e-12)
      }
    }
  }

  private func multiply<T: RealScalar>(
    _ x: Tensor<T>, _ w: Tensor<T>, _ threads: Int
  ) throws -> Tensor<T> {
    let packed = try PackedMatrix(w, executor: Executor(threads: threads))
    let y = try Buffer<T>(count: x.shape[0] * w.shape[0])
    let scratch = try Buffer<T>(count: x.shape[0] * packed.scratchOfRow)
    packed.multiply(
      x.storage.buffer.base, rows: x.shape[0], into: y.base, bias: nil, accumulate: false,
      scratch: scratch.base, executor: Executor(threads: threads))
    return Tensor(shape: [x.shape[0], w.shape[0]], buffer: y)
  }
}
