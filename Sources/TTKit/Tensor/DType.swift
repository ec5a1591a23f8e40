/// The element types that arrays and files may hold, numbered as in the C header.
public enum DType: Int32, Sendable, CaseIterable {
  case float32 = 1
  case float64 = 2
  case complex64 = 3
  case complex128 = 4
  case float16 = 5
  case bfloat16 = 6
  case int8 = 7
  case int32 = 8
  case int64 = 9
  case uint8 = 10
  case int16 = 11
  case bool = 12

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .int8, .uint8, .bool: return 1
    case .float16, .bfloat16, .int16: return 2
    case .float32, .int32: return 4
    case .float64, .int64, .complex64: return 8
    case .complex128: return 16
    }
  }

  /// Bytes that addresses must be a multiple of: those of one real number.
  public var alignment: Int {
    switch self {
    case .complex64, .complex128: return size / 2
    default: return size
    }
  }

  /// NumPy's name.
  public var name: String { String(describing: self) }
}
