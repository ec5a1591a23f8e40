/// Cores held as plain floating-point numbers.
internal import CTTKKernels

/// The part and the checks that all four floating-point storages share.
protocol FloatStorage: Storage {
  static var dtype: DType { get }
  init()
}

extension FloatStorage {
  public static var names: [String] { [dtype.name] }
  public init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) { self.init() }
  public var call: Spec.Call { Spec.Call(Self.dtype.name) }
  public var computeDType: DType { Self.dtype == .float64 ? .float64 : .float32 }

  public func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    [StoragePart.Layout(name: "core", dtypes: [Self.dtype], shape: shape)]
  }

  public func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let bytes = try encodeFloats(core, as: Self.dtype)
    return [StoragePart(name: "core", dtype: Self.dtype, shape: core.shape, bytes: bytes)]
  }

  public func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    decodeFloats(parts[0].bytes, Self.dtype, range, into: &out)
  }
}

public struct Float64Storage: FloatStorage {
  static let dtype = DType.float64
  public init() {}
}

public struct Float32Storage: FloatStorage {
  static let dtype = DType.float32
  public init() {}
}

public struct Float16Storage: FloatStorage {
  static let dtype = DType.float16
  public init() {}
}

public struct BFloat16Storage: FloatStorage {
  static let dtype = DType.bfloat16
  public init() {}
}
