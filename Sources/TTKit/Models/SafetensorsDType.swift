/// The element types of safetensors files; more than the library computes with, since any may be copied.

public enum SafetensorsDType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8e5m2 = "F8_E5M2"
  case float8e4m3 = "F8_E4M3"
  case float8e8m0 = "F8_E8M0"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case int64 = "I64"
  case uint64 = "U64"
  case float64 = "F64"
  case complex64 = "C64"

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .float8e8m0: return 1
    case .int16, .uint16, .float16, .bfloat16: return 2
    case .int32, .uint32, .float32: return 4
    case .int64, .uint64, .float64, .complex64: return 8
    }
  }

  /// The same type in the library; nil when it has none.
  public var dtype: DType? {
    switch self {
    case .bool: return .bool
    case .uint8: return .uint8
    case .int8: return .int8
    case .int16: return .int16
    case .float16: return .float16
    case .bfloat16: return .bfloat16
    case .int32: return .int32
    case .float32: return .float32
    case .int64: return .int64
    case .float64: return .float64
    case .complex64: return .complex64
    case .float8e5m2, .float8e4m3, .float8e8m0, .uint16, .uint32, .uint64: return nil
    }
  }

  /// How we store a dtype. Complex numbers have no name that every reader knows: they are stored as
  /// floats with a last axis of 2.
  public init(storing dtype: DType) {
    switch dtype {
    case .bool: self = .bool
    case .uint8: self = .uint8
    case .int8: self = .int8
    case .int16: self = .int16
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .int32: self = .int32
    case .float32, .complex64: self = .float32
    case .int64: self = .int64
    case .float64, .complex128: self = .float64
    }
  }
}
