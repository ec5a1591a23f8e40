/// Numbers to integer codes by groups, and back.
internal import CTTKKernels

/// One scale a group, so that the largest value of the group has code `levels`; 0 for a group of zeros.
func groupScales(
  _ core: Tensor<Float>, _ grid: GroupGrid, levels: Float
) throws(TTKitError) -> Tensor<Float> {
  let scales = try Buffer<Float>(count: checkedProduct(grid.shape))
  let kernels = unsafe ttkk_active().pointee
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    // In bounds: the elements of a group lie within the core; one scale a group.
    let most = unsafe kernels.max_abs_f32(
      elements.count, core.storage.buffer.base + elements.lowerBound)
    var scale = most / levels
    // At the ends of float32: a scale that is neither lost to zero nor decodes to infinity.
    if scale == 0 && most > 0 { scale = .leastNonzeroMagnitude }
    if !(scale * levels).isFinite { scale = scale.nextDown }
    unsafe scales.base[index] = scale
  }
  return Tensor(shape: grid.shape, buffer: scales)
}

/// Codes round(x / scale), with the scales as they are stored.
func encodeGroups(
  _ core: Tensor<Float>, _ grid: GroupGrid, _ scales: StoragePart
) throws(TTKitError) -> Tensor<UInt8> {
  let codes = try Buffer<UInt8>(count: core.count)
  let kernels = unsafe ttkk_active().pointee
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    // In bounds: the elements of a group, for the core and for the codes.
    unsafe kernels.encode_i8(
      elements.count, core.storage.buffer.base + elements.lowerBound,
      loadScale(scales.bytes, scales.dtype, index),
      UnsafeMutableRawPointer(codes.base + elements.lowerBound)
        .assumingMemoryBound(to: Int8.self))
  }
  return Tensor(shape: [core.count], buffer: codes)
}

/// Elements `range` of a core, code · scale, to the start of `out`.
func decodeGroups<T: RealScalar>(
  _ codes: Tensor<UInt8>, _ scales: StoragePart, _ grid: GroupGrid, _ range: Range<Int>,
  into out: inout MutableSpan<T>
) {
  precondition(range.upperBound <= codes.count && range.count <= out.count)
  var at = range.lowerBound
  while at < range.upperBound {
    let index = grid.index(of: at)
    let end = min(grid.elements(index).upperBound, range.upperBound)
    let scale = loadScale(scales.bytes, scales.dtype, index)
    decodeRun(codes, at..<end, scale, into: &out, at: at - range.lowerBound)
    at = end
  }
}

/// out[offset + i] = codes[range][i] · scale.
private func decodeRun<T: RealScalar>(
  _ codes: Tensor<UInt8>, _ range: Range<Int>, _ scale: Float, into out: inout MutableSpan<T>,
  at offset: Int
) {
  // In bounds: decodeGroups checked both sides.
  let source = unsafe UnsafeRawPointer(codes.storage.buffer.base + range.lowerBound)
    .assumingMemoryBound(to: Int8.self)
  if T.self == Float.self {
    unsafe out.withUnsafeMutableBytes { target in
      guard let target = target.baseAddress else { return }
      unsafe ttkk_active().pointee.decode_i8(
        range.count, source, scale, target.assumingMemoryBound(to: Float.self) + offset)
    }
    return
  }
  for i in 0..<range.count { out[offset + i] = unsafe T(Float(source[i]) * scale) }
}

/// Scale i of a part of float16 or float32.
func loadScale(_ scales: Tensor<UInt8>, _ dtype: DType, _ i: Int) -> Float {
  precondition((i + 1) * dtype.size <= scales.count)
  var value: Float = 0
  // In bounds: checked above; one element is read and written.
  let source = unsafe UnsafeRawPointer(scales.storage.buffer.base) + i * dtype.size
  if dtype == .float16 {
    unsafe ttkk_active().pointee.decode_f16(1, source.assumingMemoryBound(to: UInt16.self), &value)
  } else {
    value = unsafe source.loadUnaligned(as: Float.self)
  }
  return value
}
