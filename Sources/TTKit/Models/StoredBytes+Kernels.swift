/// Tensors read from files as strided views, without a copy.
internal import Glibc

/// Calls `body` with stored elements as a view.
///
/// - Parameter strides: nil for row-major; must stay within the bytes.
func withView<R>(
  of bytes: Tensor<UInt8>, dtype: DType, shape: [Int], strides: [Int]? = nil,
  _ body: (StridedView) throws(TTKitError) -> R
) throws(TTKitError) -> R {
  guard bytes.count == (try checkedProduct(shape + [dtype.size])) else {
    throw .internal("\(bytes.count) bytes for \(dtype.name) of shape \(describe(shape))")
  }
  // In bounds: as many bytes as the shape asks for; bytes outlives the call of body.
  let view = unsafe try StridedView(
    data: UnsafeMutableRawPointer(bytes.storage.buffer.base), shape: shape, strides: strides,
    dtype: dtype)
  defer { withExtendedLifetime(bytes) {} }
  return try body(view)
}

/// Seconds since some moment in the past.
func monotonicSeconds() -> Double {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}
