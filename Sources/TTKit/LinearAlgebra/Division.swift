/// Division of the four number types.

extension Scalar {
  /// 1 / x; not finite for 0.
  @inline(__always)
  var reciprocal: Self {
    if Self.dtype == Real.dtype { return Self(real: 1 / realPart) }
    // conj(x) / |x|² in two steps, so that |x|² need not be representable.
    let scale = Self(real: 1 / magnitude)
    return conjugate * scale * scale
  }

  /// self / x; for real numbers rounded once, and finite even where 1 / x is not.
  @inline(__always)
  func divided(by x: Self) -> Self {
    Self.dtype == Real.dtype ? Self(real: realPart / x.realPart) : self * x.reciprocal
  }
}
