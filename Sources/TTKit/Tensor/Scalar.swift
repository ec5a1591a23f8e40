/// The four number types that algorithms are generic over.

/// float32, float64, complex64 or complex128.
///
/// Only arithmetic; products and factorisations of matrices are in LinearAlgebra.
public protocol Scalar: BitwiseCopyable, Sendable, Equatable {
  /// The type of norms and singular values.
  associatedtype Real: RealScalar

  static var dtype: DType { get }
  static var zero: Self { get }
  static var one: Self { get }
  /// The number with real part `value` and imaginary part 0.
  init(real value: Real)
  /// The number of the type closest to real + i · imaginary; a real type drops the latter.
  init(_ real: Double, imaginary: Double)
  var realPart: Real { get }
  var conjugate: Self { get }
  /// |x|, without avoidable overflow.
  var magnitude: Real { get }
  var isFinite: Bool { get }
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
}

/// float32 or float64.
public protocol RealScalar: Scalar, BinaryFloatingPoint where Real == Self {}

extension Float: RealScalar {
  public typealias Real = Float
  public static var dtype: DType { .float32 }
  public static var one: Float { 1 }
  @inlinable public init(real value: Float) { self = value }
  @inlinable public init(_ real: Double, imaginary: Double) { self = Float(real) }
  @inlinable public var realPart: Float { self }
  @inlinable public var conjugate: Float { self }
}

extension Double: RealScalar {
  public typealias Real = Double
  public static var dtype: DType { .float64 }
  public static var one: Double { 1 }
  @inlinable public init(real value: Double) { self = value }
  @inlinable public init(_ real: Double, imaginary: Double) { self = real }
  @inlinable public var realPart: Double { self }
  @inlinable public var conjugate: Double { self }
}

extension Complex: Scalar {
  public static var dtype: DType { Real.dtype == .float32 ? .complex64 : .complex128 }
  public static var zero: Self { Self(0, 0) }
  public static var one: Self { Self(1, 0) }
  @inlinable public init(real value: Real) { self.init(value, 0) }
  @inlinable public init(_ real: Double, imaginary: Double) {
    self.init(Real(real), Real(imaginary))
  }
  @inlinable public var realPart: Real { real }
  @inlinable public var conjugate: Self { Self(real, -imaginary) }
  @inlinable public var isFinite: Bool { real.isFinite && imaginary.isFinite }
  public var magnitude: Real {
    let large = max(abs(real), abs(imaginary))
    let small = min(abs(real), abs(imaginary))
    guard large > 0, large.isFinite else { return large }
    let ratio = small / large
    return large * (1 + ratio * ratio).squareRoot()
  }
}
