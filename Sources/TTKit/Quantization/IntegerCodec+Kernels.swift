/// Numbers to integer codes by groups, and back.
internal import CTTKKernels

/// One scale a group, so that the largest value of the group has code `levels`; 0 for a group of zeros.
func groupScales(
  _ core: Tensor<Float>, _ grid: GroupGrid, levels: Float
) throws(TTKitError) -> Tensor<Float> {
  let scales = try Buffer<Float>(count: checkedProduct([grid.rows, grid.groups]))
  let kernels = unsafe ttkk_active().pointee
  for row in 0..<grid.rows {
    for g in 0..<grid.groups {
      let columns = grid.columns(g)
      // In bounds: a group lies within its row.
      let start = unsafe core.storage.buffer.base + row * grid.width + columns.lowerBound
      unsafe scales.base[row * grid.groups + g] =
        unsafe kernels.max_abs_f32(columns.count, start) / levels
    }
  }
  return Tensor(shape: [grid.rows, grid.groups], buffer: scales)
}

/// Codes round(x / scale), with the scales as they are stored.
func encodeGroups(
  _ core: Tensor<Float>, _ grid: GroupGrid, _ scales: Tensor<UInt8>, _ dtype: DType
) throws(TTKitError) -> Tensor<UInt8> {
  let codes = try Buffer<UInt8>(count: core.count)
  let kernels = unsafe ttkk_active().pointee
  for row in 0..<grid.rows {
    for g in 0..<grid.groups {
      let columns = grid.columns(g)
      let offset = row * grid.width + columns.lowerBound
      let scale = loadScale(scales, dtype, row * grid.groups + g)
      // In bounds: a group lies within its row, for the core and for the codes.
      unsafe kernels.encode_i8(
        columns.count, core.storage.buffer.base + offset, scale,
        UnsafeMutableRawPointer(codes.base + offset).assumingMemoryBound(to: Int8.self))
    }
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
    let (row, column) = at.quotientAndRemainder(dividingBy: grid.width)
    let g = column / grid.group
    let end = min(row * grid.width + grid.columns(g).upperBound, range.upperBound)
    let scale = loadScale(scales.bytes, scales.dtype, row * grid.groups + g)
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
private func loadScale(_ scales: Tensor<UInt8>, _ dtype: DType, _ i: Int) -> Float {
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
