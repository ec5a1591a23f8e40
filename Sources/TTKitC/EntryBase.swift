/// Entry points of ttkit/base.h.
internal import CTTKKernels
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_version() -> UInt32 {
  UInt32(TTK_VERSION_MAJOR) << 16 | UInt32(TTK_VERSION_MINOR) << 8 | UInt32(TTK_VERSION_PATCH)
}

@c @implementation
public func ttk_status_name(_ status: ttk_status) -> UnsafePointer<CChar>? {
  let names: [StaticString] = [
    "TTK_OK", "TTK_ERROR_ARGUMENT", "TTK_ERROR_DTYPE", "TTK_ERROR_SIZE", "TTK_ERROR_MEMORY",
    "TTK_ERROR_NONFINITE", "TTK_ERROR_CONVERGENCE", "TTK_ERROR_CANCELLED", "TTK_ERROR_IO",
    "TTK_ERROR_FORMAT", "TTK_ERROR_VERSION", "TTK_ERROR_INTERNAL",
  ]
  let unknown: StaticString = "TTK_ERROR_UNKNOWN"
  let name = names.indices.contains(Int(status)) ? names[Int(status)] : unknown
  // Static storage: valid for ever.
  return UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func ttk_last_error() -> UnsafePointer<CChar>? { ttkk_message() }

@c @implementation
public func ttk_kernel_level() -> UnsafePointer<CChar>? { ttkk_active().pointee.name }

@c @implementation
public func ttk_dtype_size(_ dtype: ttk_dtype) -> Int { DType(rawValue: dtype)?.size ?? 0 }
