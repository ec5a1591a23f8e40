/// The quantiser of a training loop: rounds to a grid with a learnable step and stays in floats.
///
/// y = clamp(round(x / s), low, high) · s. Inside the range the gradient passes to x, and s gets
/// (round(x/s) − x/s) of it; outside x gets none, and s the bound.
/// Sources: S. Esser et al., Learned Step Size Quantization, ICLR 2020 (gradients of s divided by
/// √(elements · high)); Z. Yang et al., Interspeech 2023 (not divided).
internal import CTTKKernels

/// Rounding to 2 to 8 bits with one step for a tensor, a row or a group.
public struct FakeQuantizer: Sendable {
  public enum Rule: Sendable { case lsq, plain }

  public let bits: Int
  public let isSigned: Bool
  public let rule: Rule

  /// - Throws: `.invalidArgument` for bits out of 2 to 8.
  public init(bits: Int, isSigned: Bool = true, rule: Rule = .lsq) throws(TTKitError) {
    guard (2...8).contains(bits) else {
      throw .invalidArgument("bits is \(bits), expected 2 to 8")
    }
    (self.bits, self.isSigned, self.rule) = (bits, isSigned, rule)
  }

  var low: Int { isSigned ? -(1 << (bits - 1)) : 0 }
  var high: Int { isSigned ? 1 << (bits - 1) - 1 : 1 << bits - 1 }

  /// The rounded values.
  /// - Parameter scales: one element, or (rows) or (rows, groups of a row) for a matrix; positive.
  public func quantize<T: RealScalar>(
    _ x: Tensor<T>, scales: Tensor<T>, group: Int = 0
  ) throws(TTKitError) -> Tensor<T> {
    let grid = try grid(x.shape, scales, group)
    let y = try Buffer<T>(count: x.count)
    for index in 0..<grid.count {
      let elements = grid.elements(index)
      // In bounds: the elements of a group, on both sides; one scale a group.
      unsafe round(
        elements.count, x.storage.buffer.base + elements.lowerBound,
        scales.storage.buffer.base[index], y.base + elements.lowerBound)
    }
    return Tensor(shape: x.shape, buffer: y)
  }

  /// Gradients of x and of the scales for the gradient of y.
  public func gradients<T: RealScalar>(
    _ x: Tensor<T>, scales: Tensor<T>, group: Int = 0, grad: Tensor<T>
  ) throws(TTKitError) -> (x: Tensor<T>, scales: Tensor<T>) {
    let grid = try grid(x.shape, scales, group)
    guard grad.shape == x.shape else {
      throw .invalidArgument(
        "grad has shape \(describe(grad.shape)), expected \(describe(x.shape)) as x has")
    }
    let gradX = try Buffer<T>(count: x.count)
    let gradScales = try Buffer<T>(count: scales.count)
    for index in 0..<grid.count {
      let elements = grid.elements(index)
      let weight =
        rule == .plain ? 1 : 1 / (Double(elements.count) * Double(high)).squareRoot()
      // In bounds: the elements of a group, of all three; one scale a group.
      let sum = unsafe backward(
        elements.count, x.storage.buffer.base + elements.lowerBound,
        scales.storage.buffer.base[index], grad.storage.buffer.base + elements.lowerBound,
        gradX.base + elements.lowerBound)
      unsafe gradScales.base[index] = T(sum * weight)
    }
    return (
      Tensor(shape: x.shape, buffer: gradX), Tensor(shape: scales.shape, buffer: gradScales)
    )
  }

  /// How the scales are shared, from their shape.
  private func grid<T: RealScalar>(
    _ shape: [Int], _ scales: Tensor<T>, _ group: Int
  ) throws(TTKitError) -> GroupGrid {
    guard group >= 0 else {
      throw .invalidArgument("group is \(group), expected at least 0")
    }
    let sharing: Sharing
    if group > 0 {
      sharing = .group(group)
    } else if scales.count == 1 {
      sharing = .tensor
    } else if scales.shape.count == 2, scales.shape[1] > 1 {
      let width = shape.last ?? 1
      sharing = .group(max((width + scales.shape[1] - 1) / scales.shape[1], 1))
    } else {
      sharing = .row
    }
    let grid = try GroupGrid(shape: shape, sharing)
    try grid.require(scales, for: shape)
    return grid
  }

  private func round<T: RealScalar>(
    _ n: Int, _ x: UnsafePointer<T>, _ scale: T, _ y: UnsafeMutablePointer<T>
  ) {
    let kernels = unsafe ttkk_active().pointee
    let (low, high) = (Double(low), Double(high))
    // Rebinding is right: T is the type its dtype names. In bounds: n elements of both.
    let (x, y) = unsafe (UnsafeRawPointer(x), UnsafeMutableRawPointer(y))
    if T.dtype == .float32 {
      unsafe kernels.fake_quantize_f32(
        n, x.assumingMemoryBound(to: Float.self), Float(scale), Float(low), Float(high),
        y.assumingMemoryBound(to: Float.self))
    } else {
      unsafe kernels.fake_quantize_f64(
        n, x.assumingMemoryBound(to: Double.self), Double(scale), low, high,
        y.assumingMemoryBound(to: Double.self))
    }
  }

  private func backward<T: RealScalar>(
    _ n: Int, _ x: UnsafePointer<T>, _ scale: T, _ grad: UnsafePointer<T>,
    _ gradX: UnsafeMutablePointer<T>
  ) -> Double {
    let kernels = unsafe ttkk_active().pointee
    let (low, high) = (Double(low), Double(high))
    // Rebinding is right: T is the type its dtype names. In bounds: n elements of all.
    let (x, grad) = unsafe (UnsafeRawPointer(x), UnsafeRawPointer(grad))
    let out = UnsafeMutableRawPointer(gradX)
    if T.dtype == .float32 {
      return unsafe kernels.fake_quantize_vjp_f32(
        n, x.assumingMemoryBound(to: Float.self), Float(scale), Float(low), Float(high),
        grad.assumingMemoryBound(to: Float.self), out.assumingMemoryBound(to: Float.self))
    }
    return unsafe kernels.fake_quantize_vjp_f64(
      n, x.assumingMemoryBound(to: Double.self), Double(scale), low, high,
      grad.assumingMemoryBound(to: Double.self), out.assumingMemoryBound(to: Double.self))
  }
}
