/// Rows of codes of 1 to 8 bits, packed: how every storage of integers and codebooks holds them.
internal import CTTKKernels

/// `rows` rows of `width` codes, each row a stream of bits padded to whole bytes.
struct CodeRows: Sendable {
  let rows: Int
  let width: Int
  let bits: Int
  /// Bytes of a row.
  let stride: Int

  init(rows: Int, width: Int, bits: Int) throws(TTKitError) {
    (self.rows, self.width, self.bits) = (rows, width, bits)
    stride = try checkedProduct([width, bits]) / 8 + (width * bits % 8 == 0 ? 0 : 1)
  }

  var shape: [Int] { [rows, stride] }

  /// Codes `range` of all codes in row-major order, which lie in one row, to `out`.
  func unpack(_ range: Range<Int>, of bytes: Tensor<UInt8>, to out: UnsafeMutablePointer<UInt8>) {
    guard !range.isEmpty else { return }
    let (row, first) = range.lowerBound.quotientAndRemainder(dividingBy: width)
    precondition(first + range.count <= width && (row + 1) * stride <= bytes.count)
    // In bounds: checked above; the caller gives range.count bytes.
    unsafe ttkk_unpack_codes(
      range.count, Int32(bits), bytes.storage.buffer.base + row * stride, first, out)
  }

  /// Code i of all codes.
  func code(_ i: Int, in bytes: Tensor<UInt8>) -> Int {
    var code: UInt8 = 0
    unsafe unpack(i..<(i + 1), of: bytes, to: &code)  // one byte for one code
    return Int(code)
  }
}

/// Packs one code an element, rows · width of them.
func packRows(_ codes: Tensor<UInt8>, _ rows: CodeRows) throws(TTKitError) -> Tensor<UInt8> {
  precondition(codes.count == rows.rows * rows.width, "codes do not fill their rows")
  let packed = try Buffer<UInt8>(count: checkedProduct(rows.shape))
  for row in 0..<rows.rows {
    // In bounds: one row on both sides.
    unsafe ttkk_pack_codes(
      rows.width, Int32(rows.bits), codes.storage.buffer.base + row * rows.width,
      packed.base + row * rows.stride)
  }
  return Tensor(shape: [packed.count], buffer: packed)
}

/// Rounds every element to the grid of its group: one code an element.
func gridCodes(
  _ core: Tensor<Float>, _ grid: GroupGrid, bits: Int, _ scales: StoragePart, _ zeros: Tensor<UInt8>
) throws(TTKitError) -> Tensor<UInt8> {
  let codes = try Buffer<UInt8>(count: core.count)
  let kernels = unsafe ttkk_active().pointee
  let top = Int32(1 << bits - 1)
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    let scale = loadScale(scales.bytes, scales.dtype, index)
    // In bounds: the elements of a group, of the core and of the codes; one zero point a group.
    unsafe kernels.encode_codes(
      elements.count, core.storage.buffer.base + elements.lowerBound, scale,
      Int32(zeros.storage.buffer.base[index]), top, codes.base + elements.lowerBound)
  }
  return Tensor(shape: core.shape, buffer: codes)
}

/// How the codes of a run decode: the same way for all elements before `end`.
struct CodeRun {
  enum Decoder {
    case grid(scale: Float, zero: Int)
    /// `count` values of a part from `at` on: one for each code.
    case codebook(Tensor<UInt8>, DType, at: Int, count: Int)
  }

  let end: Int
  let decoder: Decoder

  /// n codes to n values.
  fileprivate func decode(
    _ n: Int, _ codes: UnsafePointer<UInt8>, _ values: UnsafeMutablePointer<Float>
  ) {
    switch decoder {
    case .grid(let scale, let zero):
      unsafe ttkk_active().pointee.decode_codes(n, codes, scale, Int32(zero), values)  // n of each
    case .codebook(let bytes, let dtype, let start, let count):
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { book in
        var span = unsafe MutableSpan(_unsafeElements: book)
        decodeFloats(bytes, dtype, start..<(start + count), into: &span)
        // In bounds: codes of a storage's bits are below `count`, which is at most 256.
        unsafe ttkk_decode_codebook(n, codes, book.baseAddress!, values)
      }
    }
  }
}

/// Elements `range` to the start of `out`; `run` tells how elements from its argument on decode.
@specialized(where T == Float)
@specialized(where T == Double)
func decodeCodeRows<T: RealScalar>(
  _ bytes: Tensor<UInt8>, _ rows: CodeRows, _ range: Range<Int>, into out: inout MutableSpan<T>,
  run: (Int) -> CodeRun
) {
  precondition(range.count <= out.count)
  unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { codes in
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 1024) { values in
      var at = range.lowerBound
      while at < range.upperBound {
        let here = run(at)
        let end = min(here.end, range.upperBound)
        while at < end {
          let n = min(1024, end - at, rows.width - at % rows.width)
          // In bounds: n codes of one row, at most 1024.
          unsafe rows.unpack(at..<(at + n), of: bytes, to: codes.baseAddress!)
          unsafe here.decode(n, codes.baseAddress!, values.baseAddress!)
          let offset = at - range.lowerBound
          for i in 0..<n { out[offset + i] = unsafe T(values[i]) }
          at += n
        }
      }
    }
  }
}
