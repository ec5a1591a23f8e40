/// A complex number laid out as NumPy and BLAS have it: real part, then imaginary part.
///
/// Only what tensor algorithms need; products of matrices go through BLAS.
public struct Complex<Real: RealScalar>: Sendable, BitwiseCopyable, Equatable {
  public var real: Real
  public var imaginary: Real

  @inlinable public init(_ real: Real, _ imaginary: Real) {
    self.real = real
    self.imaginary = imaginary
  }

  @inlinable public static func + (a: Self, b: Self) -> Self {
    Self(a.real + b.real, a.imaginary + b.imaginary)
  }

  @inlinable public static func - (a: Self, b: Self) -> Self {
    Self(a.real - b.real, a.imaginary - b.imaginary)
  }

  @inlinable public static func * (a: Self, b: Self) -> Self {
    Self(
      a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
  }
}
