/// What every entry point is made of: errors to statuses, handles, options, arrays.
///
/// An entry point is three steps: check and convert, call the core, store the result. A Swift trap would
/// kill the host process, so nothing here may trap on what a caller passes.
internal import CTTKKernels
internal import CTTKit
internal import TTKit

/// Runs an entry point's body; an error becomes its status and the thread's last sentence.
func boundary(_ body: () throws(TTKitError) -> Void) -> ttk_status {
  do throws(TTKitError) {
    try body()
    return ttk_status(TTK_OK)
  } catch {
    ttkk_set_message(error.message)
    return error.status
  }
}

extension TTKitError {
  var status: ttk_status {
    switch self {
    case .invalidArgument: return ttk_status(TTK_ERROR_ARGUMENT)
    case .unsupportedDType: return ttk_status(TTK_ERROR_DTYPE)
    case .sizeOverflow: return ttk_status(TTK_ERROR_SIZE)
    case .outOfMemory: return ttk_status(TTK_ERROR_MEMORY)
    case .nonFinite: return ttk_status(TTK_ERROR_NONFINITE)
    case .notConverged: return ttk_status(TTK_ERROR_CONVERGENCE)
    case .cancelled: return ttk_status(TTK_ERROR_CANCELLED)
    case .io: return ttk_status(TTK_ERROR_IO)
    case .format: return ttk_status(TTK_ERROR_FORMAT)
    case .version: return ttk_status(TTK_ERROR_VERSION)
    case .internal: return ttk_status(TTK_ERROR_INTERNAL)
    }
  }
}

// MARK: - Handles

/// A `Value` behind an opaque pointer, with the C memory that borrowed views and strings point to.
final class Handle<Value> {
  let value: Value
  let arena = Arena()
  init(_ value: Value) { self.value = value }

  /// Stores a new handle, which the caller must destroy, in `out`.
  static func store(_ value: Value, in out: UnsafeMutablePointer<OpaquePointer?>) {
    out.pointee = OpaquePointer(Unmanaged.passRetained(Handle(value)).toOpaque())
  }

  /// The object behind a pointer that `store` made; nil for NULL.
  static func from(_ pointer: OpaquePointer?) -> Handle? {
    guard let pointer = pointer else { return nil }
    return Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
  }

  static func require(_ pointer: OpaquePointer?, _ name: String) throws(TTKitError) -> Handle {
    guard let handle = from(pointer) else {
      throw .invalidArgument("\(name) is NULL, expected a handle")
    }
    return handle
  }

  static func destroy(_ pointer: OpaquePointer?) {
    guard let pointer = pointer else { return }
    Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(pointer)).release()
  }
}

/// Clears an out parameter for a handle, so that it is NULL after any failure.
func requireOut(
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) throws(TTKitError) -> UnsafeMutablePointer<OpaquePointer?> {
  guard let out = out else {
    throw .invalidArgument("out is NULL, expected a place for the result")
  }
  out.pointee = nil
  return out
}

/// A non-NULL pointer.
func require<P>(_ pointer: P?, _ name: String) throws(TTKitError) -> P {
  guard let pointer else { throw .invalidArgument("\(name) is NULL, expected a pointer") }
  return pointer
}

/// A C string that must be there and must be UTF-8.
func requireString(
  _ pointer: UnsafePointer<CChar>?, _ name: String
) throws(TTKitError) -> String {
  let pointer = try require(pointer, name)
  guard let text = String(validatingCString: pointer) else {
    throw .invalidArgument("\(name) is not UTF-8 text")
  }
  return text
}

// MARK: - Options

/// Copies a caller's options struct of any age: missing fields are 0, unknown ones must be.
///
/// - Throws: `.invalidArgument` for a size below 8 or no multiple of 8; `.version` for unknown bytes set.
func options<T: BitwiseCopyable>(
  _ pointer: UnsafePointer<T>?, _ name: String, zero: T
) throws(TTKitError) -> T {
  guard let pointer = pointer else { return zero }
  let own = MemoryLayout<T>.size
  let given = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
  guard given >= 8, given % 8 == 0, given <= 1 << 16 else {
    throw .invalidArgument(
      "\(name)->struct_size is \(given), expected sizeof(\(name)), \(own) here")
  }
  let bytes = UnsafeRawBufferPointer(start: pointer, count: given)
  for i in own..<max(given, own) where bytes[i] != 0 {
    throw .version(
      "\(name) has byte \(i) set, which this library does not know; it knows \(own) bytes")
  }
  var result = zero
  withUnsafeMutableBytes(of: &result) { target in
    target.copyBytes(from: bytes.prefix(min(own, given)))
  }
  return result
}

/// Reserved fields must be 0, so that they can get a meaning later.
func requireZero(_ value: Int32, _ name: String) throws(TTKitError) {
  guard value == 0 else { throw .version("\(name) is \(value), expected 0 in this version") }
}

/// The threads of a call: the host's executor, or the library's own.
func executor(
  _ pointer: UnsafePointer<ttk_executor>?, threads: Int32
) throws(TTKitError) -> Executor {
  guard threads >= 0 else {
    throw .invalidArgument("threads is \(threads), expected at least 0")
  }
  guard let pointer = pointer else { return Executor(threads: Int(threads)) }
  let given = try options(pointer, "ttk_executor", zero: ttk_executor())
  try requireZero(given.reserved, "ttk_executor->reserved")
  guard let run = given.run else {
    throw .invalidArgument("ttk_executor->run is NULL, expected a function")
  }
  guard given.threads >= 1 else {
    throw .invalidArgument("ttk_executor->threads is \(given.threads), expected at least 1")
  }
  let limit = threads > 0 ? min(threads, given.threads) : given.threads
  // The host promises that run and context serve any thread for as long as the executor is used.
  nonisolated(unsafe) let context = given.context
  return Executor(threads: Int(limit)) { count, task in
    let box = Handle(task)
    withExtendedLifetime(box) {
      run(
        context, count,
        { pointer, index in
          let task = Unmanaged<Handle<@Sendable (Int) -> Void>>.fromOpaque(pointer!)
            .takeUnretainedValue()
          task.value(index)
        }, Unmanaged.passUnretained(box).toOpaque())
    }
  }
}

/// The host's progress callback; nobody listens for NULL.
func reporter(
  _ callback: ttk_progress?, _ context: UnsafeMutableRawPointer?
) -> ProgressReporter {
  guard let callback else { return .silent }
  return ProgressReporter { stage, done, total in
    stage.withCString { callback(context, $0, Int64(done), Int64(total)) } == 0
  }
}

// MARK: - Arrays

/// A checked view of a caller's array.
func view(
  _ pointer: UnsafePointer<ttk_array>?, _ name: String
) throws(TTKitError) -> StridedView {
  let array = try require(pointer, name)
  return try view(array.pointee, name)
}

func view(_ array: ttk_array, _ name: String) throws(TTKitError) -> StridedView {
  let ndim = Int(array.ndim)
  guard ndim >= 0, ndim <= Int(TTK_MAX_NDIM) else {
    throw .invalidArgument("\(name).ndim is \(ndim), expected 0 to \(TTK_MAX_NDIM)")
  }
  guard let dtype = DType(rawValue: array.dtype) else {
    throw .unsupportedDType(
      "\(name).dtype is \(array.dtype), expected a ttk_dtype such as TTK_FLOAT32")
  }
  var shape: [Int] = []
  var strides: [Int]?
  if ndim > 0 {
    guard let lengths = array.shape else {
      throw .invalidArgument("\(name).shape is NULL, expected \(ndim) lengths")
    }
    shape = (0..<ndim).map { Int(lengths[$0]) }
    if let steps = array.strides { strides = (0..<ndim).map { Int(steps[$0]) } }
  }
  do throws(TTKitError) {
    return try StridedView(data: array.data, shape: shape, strides: strides, dtype: dtype)
  } catch {
    throw error.prefixed(name)
  }
}

extension TTKitError {
  /// The same error with the argument's name before the sentence.
  func prefixed(_ name: String) -> TTKitError {
    switch self {
    case .invalidArgument(let text): return .invalidArgument("\(name): \(text)")
    case .sizeOverflow(let text): return .sizeOverflow("\(name): \(text)")
    case .unsupportedDType(let text): return .unsupportedDType("\(name): \(text)")
    default: return self
    }
  }
}
