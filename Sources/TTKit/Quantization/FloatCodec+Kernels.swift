/// Conversions between numbers in memory and the bytes of a storage part.
internal import CTTKKernels

/// `core` as little-endian bytes of a floating-point dtype.
/// - Throws: `.nonFinite` when a value is beyond the dtype's largest.
func encodeFloats<T: RealScalar>(
  _ core: Tensor<T>, as dtype: DType
) throws(TTKitError) -> Tensor<UInt8> {
  let bytes = try Buffer<UInt8>(count: checkedProduct([core.count, dtype.size]))
  let raw = unsafe UnsafeMutableRawPointer(bytes.base)
  if dtype == .float64 {
    let wide = try core.converted(to: Double.self)
    // In bounds: 8 bytes an element on both sides.
    unsafe raw.copyMemory(from: wide.storage.buffer.base, byteCount: bytes.count)
    return Tensor(shape: [bytes.count], buffer: bytes)
  }
  let single = try core.converted(to: Float.self)
  let source = unsafe single.storage.buffer.base
  // In bounds: each kernel reads core.count floats and writes as many elements of the dtype.
  switch dtype {
  case .float16:
    unsafe ttkk_active().pointee.encode_f16(
      core.count, source, raw.assumingMemoryBound(to: UInt16.self))
  case .bfloat16:
    unsafe ttkk_encode_bf16(core.count, source, raw.assumingMemoryBound(to: UInt16.self))
  default: unsafe raw.copyMemory(from: source, byteCount: bytes.count)
  }
  let encoded = Tensor(shape: [bytes.count], buffer: bytes)
  guard try floats(encoded, dtype).isFinite else {
    throw .nonFinite("a value exceeds the largest \(dtype.name); use bfloat16 or float32")
  }
  return encoded
}

/// Bytes of a floating-point dtype as float32.
private func floats(_ bytes: Tensor<UInt8>, _ dtype: DType) throws(TTKitError) -> Tensor<Float> {
  let count = bytes.count / dtype.size
  return try Tensor<Float>(shape: [count]) { out in
    decodeFloats(bytes, dtype, 0..<count, into: &out)
  }
}

/// Elements `range` of a part, to the start of `out`.
func decodeFloats<T: RealScalar>(
  _ bytes: Tensor<UInt8>, _ dtype: DType, _ range: Range<Int>, into out: inout MutableSpan<T>
) {
  precondition(range.count <= out.count && range.upperBound * dtype.size <= bytes.count)
  let base = unsafe UnsafeRawPointer(bytes.storage.buffer.base) + range.lowerBound * dtype.size
  let n = range.count
  if dtype == .float64 {
    let source = unsafe base.assumingMemoryBound(to: Double.self)
    for i in 0..<n { out[i] = unsafe T(source[i]) }  // in bounds: checked above
    return
  }
  if T.self == Float.self {
    // T is Float, and out holds at least n of them.
    unsafe out.withUnsafeMutableBytes { target in
      guard let target = target.baseAddress else { return }
      unsafe decodeSingles(base, dtype, n, target.assumingMemoryBound(to: Float.self))
    }
    return
  }
  unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 1024) { chunk in
    for start in stride(from: 0, to: n, by: 1024) {
      let length = min(1024, n - start)
      // In bounds: length elements of both the chunk and what is left of the range.
      unsafe decodeSingles(base + start * dtype.size, dtype, length, chunk.baseAddress!)
      for i in 0..<length { out[start + i] = unsafe T(chunk[i]) }
    }
  }
}

private func decodeSingles(
  _ source: UnsafeRawPointer, _ dtype: DType, _ n: Int, _ out: UnsafeMutablePointer<Float>
) {
  // In bounds: callers give n elements on both sides.
  switch dtype {
  case .float16:
    unsafe ttkk_active().pointee.decode_f16(n, source.assumingMemoryBound(to: UInt16.self), out)
  case .bfloat16: unsafe ttkk_decode_bf16(n, source.assumingMemoryBound(to: UInt16.self), out)
  default: unsafe UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: n * 4)
  }
}

extension Tensor where Element: RealScalar {
  /// The same values in another precision.
  func converted<Other: RealScalar>(to type: Other.Type) throws(TTKitError) -> Tensor<Other> {
    if let same = self as? Tensor<Other> { return same }
    // The two conversions that happen, written out so that they are compiled for their types.
    if let wide = self as? Tensor<Double>, let narrow = try wide.map(Float.init) as? Tensor<Other> {
      return narrow
    }
    if let single = self as? Tensor<Float>, let wide = try single.map(Double.init) as? Tensor<Other>
    {
      return wide
    }
    return try map { Other($0) }
  }
}

/// 16-bit floats, given as bits, as float32.
func widenedHalves(_ bits: Tensor<UInt16>, _ dtype: DType) throws(TTKitError) -> Tensor<Float> {
  let buffer = try Buffer<Float>(count: bits.count)
  // In bounds: as many elements on both sides.
  unsafe decodeSingles(bits.storage.buffer.base, dtype, bits.count, buffer.base)
  return Tensor(shape: bits.shape, buffer: buffer)
}
