/// Sizes of tensors and exact scaling, safe for all finite numbers.
internal import CTTKKernels

extension Tensor where Element: Scalar {
  /// The largest |component|; not finite if any element is not.
  public var largestComponent: Double {
    // In bounds: a complex element is two components.
    switch Element.dtype {
    case .float32: return unsafe Double(maxAbs32(storage.buffer.base, count))
    case .float64: return unsafe maxAbs64(storage.buffer.base, count)
    case .complex64: return unsafe Double(maxAbs32(storage.buffer.base, 2 * count))
    default: return unsafe maxAbs64(storage.buffer.base, 2 * count)
    }
  }

  public var isFinite: Bool { largestComponent.isFinite }

  /// The Frobenius norm: no overflow or underflow on the way, infinite only if the norm itself is.
  public var norm: Double {
    let largest = largestComponent
    guard largest > 0, largest.isFinite else { return largest }
    // Squares of float32 fit a double; those of doubles beyond 2^±400 are scaled by a power of two.
    // 2^1000 lifts even the smallest subnormal far enough, and is itself a number.
    let exponent = abs(Int(largest.exponent)) > 400 ? max(Int(largest.exponent), -1000) : 0
    return scaledByPowerOfTwo(sumOfSquares(scale: -exponent).squareRoot(), exponent)
  }

  /// ∑ |x|² of x·2^scale, summed in float64 in blocks.
  private func sumOfSquares(scale exponent: Int) -> Double {
    let scale = scaledByPowerOfTwo(1, exponent)
    // In bounds: a complex element is two components.
    switch Element.dtype {
    case .float32:
      return unsafe ttkk_active().pointee.sum_squares_f32(count, as32(storage.buffer.base))
    case .complex64:
      return unsafe ttkk_active().pointee.sum_squares_f32(2 * count, as32(storage.buffer.base))
    case .float64:
      return unsafe ttkk_active().pointee.sum_squares_f64(count, as64(storage.buffer.base), scale)
    default:
      return unsafe ttkk_active().pointee.sum_squares_f64(
        2 * count, as64(storage.buffer.base), scale)
    }
  }

  /// Every element times 2^exponent: exact unless the result is subnormal or overflows.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @specialized(where Element == Complex<Float>)
  @specialized(where Element == Complex<Double>)
  public func scaled(byPowerOfTwo exponent: Int) throws(TTKitError) -> Tensor {
    if exponent == 0 { return self }
    let factors = powerOfTwoFactors(exponent, Element.Real.self)
    return try Tensor(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in
        for i in span.indices {
          var value = span[i]
          for factor in factors { value = value * Element(real: factor) }
          out[i] = value
        }
      }
    }
  }

  /// Every element times `factor`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @specialized(where Element == Complex<Float>)
  @specialized(where Element == Complex<Double>)
  public func scaled(by factor: Element) throws(TTKitError) -> Tensor {
    try Tensor(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in for i in span.indices { out[i] = factor * span[i] } }
    }
  }
}

/// value · 2^exponent with one rounding where the result is normal; infinite or 0 beyond the range.
public func scaledByPowerOfTwo(_ value: Double, _ exponent: Int) -> Double {
  powerOfTwoFactors(exponent, Double.self).reduce(value, *)
}

/// The same for any scalar.
public func scaledByPowerOfTwo<T: Scalar>(_ value: T, _ exponent: Int) -> T {
  exponent == 0
    ? value
    : powerOfTwoFactors(exponent, T.Real.self).reduce(value) { $0 * T(real: $1) }
}

/// Powers of two whose product is 2^exponent, each of them representable.
///
/// Exponents past any float's range are cut: their products have reached infinity or 0 long before.
private func powerOfTwoFactors<R: RealScalar>(_ exponent: Int, _ type: R.Type) -> [R] {
  let step = R.dtype == .float32 ? 120 : 1000
  var left = min(max(exponent, -40 * step), 40 * step)
  var factors: [R] = []
  while left != 0 {
    let part = min(max(left, -step), step)
    factors.append(R(sign: .plus, exponent: R.Exponent(part), significand: 1))
    left -= part
  }
  return factors
}

private func as32<T>(_ base: UnsafeMutablePointer<T>) -> UnsafePointer<Float> {
  unsafe UnsafeRawPointer(base).assumingMemoryBound(to: Float.self)
}
private func as64<T>(_ base: UnsafeMutablePointer<T>) -> UnsafePointer<Double> {
  unsafe UnsafeRawPointer(base).assumingMemoryBound(to: Double.self)
}
private func maxAbs32<T>(_ base: UnsafeMutablePointer<T>, _ count: Int) -> Float {
  unsafe ttkk_active().pointee.max_abs_f32(count, as32(base))
}
private func maxAbs64<T>(_ base: UnsafeMutablePointer<T>, _ count: Int) -> Double {
  unsafe ttkk_active().pointee.max_abs_f64(count, as64(base))
}
