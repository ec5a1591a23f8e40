import CTTKKernels
import Testing

@testable import TTKit

@Suite struct FakeQuantizerTests {
  /// Law 20, for every width to 70, all bits, both signs.
  @Test(arguments: 2...8, [true, false])
  func values_roundWithinHalfAStep_onceAndInOrder(bits: Int, isSigned: Bool) throws {
    let quantizer = try FakeQuantizer(bits: bits, isSigned: isSigned)
    var random = TestRandom(seed: UInt64(bits))
    for width in 1...70 {
      let scale = Float(0.01 + 0.1 * abs(random.uniform()))
      let scales = try Tensor(shape: [1], elements: [scale])
      let values = (0..<width).map { _ in Float(random.uniform()) }.sorted()
      let y = try quantizer.quantize(Tensor(shape: [width], elements: values), scales: scales)
      #expect(try quantizer.quantize(y, scales: scales).elements == y.elements, "idempotent")
      let found = y.elements
      #expect(zip(found, found.dropFirst()).allSatisfy { $0 <= $1 }, "monotone")
      let (low, high) = (Float(quantizer.low) * scale, Float(quantizer.high) * scale)
      for (x, y) in zip(values, found) {
        // 2^-22: x / s and y are rounded.
        if x >= low && x <= high { #expect(abs(x - y) <= scale / 2 + 0x1p-22 * abs(x)) }
        if x < low { #expect(y == low) }
        if x > high { #expect(y == high) }
      }
      let grad = try Tensor(shape: [width], elements: [Float](repeating: 1, count: width))
      let passed = try quantizer.gradients(
        Tensor(shape: [width], elements: values), scales: scales, grad: grad
      ).x.elements
      for (x, g) in zip(values, passed) {
        let level = x / scale
        #expect(
          g == (level >= Float(quantizer.low) && level <= Float(quantizer.high) ? 1 : 0))
      }
    }
  }

  /// Away from the steps y is linear in s with slope round(x/s), the derivative by plain calculus; the
  /// straight-through rule takes x/s off inside, which the difference must show.
  @Test(arguments: [FakeQuantizer.Rule.lsq, .plain])
  func scaleGradients_followTheRule(rule: FakeQuantizer.Rule) throws {
    let quantizer = try FakeQuantizer(bits: 4, rule: rule)
    var random = TestRandom(seed: 7)
    let shape = [3, 20]
    let x = try random.tensor(shape)
    let grad = try random.tensor(shape)
    for scaleShape in [[1], [3], [3, 1], [3, 4], [3, 3]] {
      let scales = try Tensor<Double>(
        shape: scaleShape, elements: (0..<scaleShape.reduce(1, *)).map { 0.03 + 0.01 * Double($0) })
      let found = try quantizer.gradients(x, scales: scales, grad: grad)
      #expect(found.scales.shape == scaleShape)
      let groups = scales.count == 1 ? 1 : scaleShape.count == 1 ? 1 : scaleShape[1]
      let group = scales.count == 1 ? 60 : (20 + groups - 1) / groups
      var expected = [Double](repeating: 0, count: scales.count)
      var counts = expected
      for i in 0..<60 {
        let index = scales.count == 1 ? 0 : i / 20 * groups + i % 20 / group
        let level = x.elements[i] / scales.elements[index]
        let clamped = min(max(level, -8), 7)
        expected[index] +=
          grad.elements[i] * (clamped == level ? level.rounded(.toNearestOrEven) - level : clamped)
        counts[index] += 1
      }
      for (index, value) in found.scales.elements.enumerated() {
        let divisor = rule == .plain ? 1 : (counts[index] * 7).squareRoot()
        #expect(abs(value - expected[index] / divisor) <= 1e-12, "\(scaleShape)")
      }
    }
  }

  /// A grid of trained steps is the grid of the storage: the same bits.
  @Test func roundedValues_areThoseThatCodesDecodeTo() throws {
    let quantizer = try FakeQuantizer(bits: 4)
    let values = gaussian(64, seed: 1)
    let scale: Float = 0.3
    let y = try quantizer.quantize(
      Tensor(shape: [64], elements: values), scales: Tensor(shape: [1], elements: [scale]))
    for level in levels {
      var codes = [UInt8](repeating: 0, count: 64)
      var decoded = [Float](repeating: 0, count: 64)
      kernels(level).encode_codes(64, values, scale, 8, 15, &codes)
      kernels(level).decode_codes(64, codes, scale, 8, &decoded)
      #expect(decoded == y.elements)
    }
  }

  @Test(arguments: levels)
  func kernels_giveTheSameBitsAtEveryLevel(level: String) {
    let (table, base) = (kernels(level), kernels("base"))
    let x = gaussian(70, seed: 2)
    let grad = gaussian(70, seed: 3)
    for n in 0...70 {
      var (a, b) = ([Float](repeating: -1, count: n + 1), [Float](repeating: -1, count: n + 1))
      table.fake_quantize_f32(n, x, 0.3, -4, 3, &a)
      base.fake_quantize_f32(n, x, 0.3, -4, 3, &b)
      #expect(a == b && a[n] == -1)
      let first = table.fake_quantize_vjp_f32(n, x, 0.3, -4, 3, grad, &a)
      #expect(first == base.fake_quantize_vjp_f32(n, x, 0.3, -4, 3, grad, &b) && a == b)
    }
  }

  @Test func badInput_isRefusedOrStays() throws {
    for bits in [0, 1, 9, -3] {
      #expect(throws: TTKitError.self) { try FakeQuantizer(bits: bits) }
    }
    let quantizer = try FakeQuantizer(bits: 4)
    let x = try Tensor<Float>(shape: [2, 3], elements: [1, .nan, .infinity, -.infinity, 0, 1e30])
    for bad: Float in [0, -1, .nan, .infinity] {
      let scales = try Tensor(shape: [1], elements: [bad])
      #expect(throws: TTKitError.self) { try quantizer.quantize(x, scales: scales) }
    }
    for shape in [[2, 4], [3], [0], [2, 2, 1]] {
      let scales = try Tensor<Float>(
        shape: shape, elements: [Float](repeating: 1, count: shape.reduce(1, *)))
      #expect(throws: TTKitError.self) { try quantizer.quantize(x, scales: scales) }
    }
    let tiny = try Tensor<Float>(shape: [2], elements: [1e-45, 1])
    let y = try quantizer.quantize(x, scales: tiny).elements
    #expect(y[0] == 7 * Float(1e-45) && y[1].isNaN && y[2] == 7 * Float(1e-45))
    #expect(y[3] == -8 && y[4] == 0 && y[5] == 7)
  }
}
