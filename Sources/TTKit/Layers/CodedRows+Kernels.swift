/// Rows of a dense table as it is stored: a row a call, decoded by one kernel.
internal import CTTKKernels

/// Rows of integer codes.
@safe
struct CodedRows: RowLookup {
  private let core: EncodedCore
  private let zeroRows: CodeRows?
  private let width: Int
  private let group: Int
  private let groups: Int
  /// 0: signed bytes without a zero point.
  private let bits: Int
  /// Bytes of a row of codes.
  private let stride: Int
  private let hasHalfScales: Bool
  private nonisolated(unsafe) let codes: UnsafePointer<UInt8>
  private nonisolated(unsafe) let scales: UnsafeRawPointer

  /// nil for other storages, and for scales that rows share.
  init?(_ core: EncodedCore) {
    guard let storage = core.storage as? IntegerStorage, core.shape.count == 2,
      let grid = try? GroupGrid(shape: core.shape, storage.sharing), grid.gridRows == grid.rows,
      let rows = try? CodeRows(rows: grid.rows, width: grid.width, bits: storage.bits)
    else { return nil }
    self.core = core
    (width, group, groups, stride) = (grid.width, grid.group, grid.groups, rows.stride)
    bits = storage.isBytes ? 0 : storage.bits
    zeroRows = storage.isSymmetric ? nil : try? storage.zeroRows(grid)
    hasHalfScales = core.parts[1].dtype == .float16
    // `core` keeps its parts.
    unsafe codes = UnsafePointer(core.parts[0].bytes.storage.buffer.base)
    unsafe scales = UnsafeRawPointer(core.parts[1].bytes.storage.buffer.base)
  }

  var byteCount: Int { 0 }
  /// A scale and a zero point a group, a code an element. Fits: the table itself is larger.
  var scratchSize: Int { 5 * groups + width }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let kernels = unsafe ttkk_active()!
    // In bounds: row `index` of every part; scratch as scratchSize says; out has room for a row.
    var own = unsafe scales + index * groups * 4
    if hasHalfScales {
      let halves = unsafe (scales + index * groups * 2).assumingMemoryBound(to: UInt16.self)
      unsafe kernels.pointee.decode_f16(
        groups, halves, scratch.assumingMemoryBound(to: Float.self))
      unsafe own = UnsafeRawPointer(scratch)
    }
    let bytes = unsafe (scratch + 4 * groups).assumingMemoryBound(to: UInt8.self)
    if let zeroRows {
      unsafe zeroRows.unpack(
        (index * groups)..<((index + 1) * groups), of: core.parts[2].bytes, to: bytes)
    }
    unsafe kernels.pointee.decode_row(
      width, Int32(bits), codes + index * stride, group, own.assumingMemoryBound(to: Float.self),
      zeroRows == nil ? nil : UnsafePointer(bytes), bits == 0 ? 0 : 1 << Int32(bits - 1),
      bytes + groups, out.assumingMemoryBound(to: Float.self))
  }
}

/// Rows of floats: copied, or widened from 16 bits.
@safe
struct FloatRows: RowLookup {
  private let core: EncodedCore
  private let width: Int
  private let dtype: DType
  private nonisolated(unsafe) let base: UnsafeRawPointer

  /// nil for other storages, and for floats that become another type than their own or float32.
  init?(_ core: EncodedCore, computing: DType) {
    guard core.storage is any FloatStorage, core.shape.count == 2, let part = core.parts.first,
      part.dtype == computing || (computing == .float32 && part.dtype.size == 2)
    else { return nil }
    self.core = core
    (width, dtype) = (core.shape[1], part.dtype)
    unsafe base = UnsafeRawPointer(part.bytes.storage.buffer.base)  // `core` keeps its parts
  }

  var byteCount: Int { 0 }
  var scratchSize: Int { 0 }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let bytes = width * dtype.size  // part of a live table
    // In bounds: row `index` of the table; out has room for a row.
    let row = unsafe base + index * bytes
    switch dtype {
    case .float16:
      unsafe ttkk_active().pointee.decode_f16(
        width, row.assumingMemoryBound(to: UInt16.self), out.assumingMemoryBound(to: Float.self))
    case .bfloat16:
      unsafe ttkk_decode_bf16(
        width, row.assumingMemoryBound(to: UInt16.self), out.assumingMemoryBound(to: Float.self))
    default: unsafe out.copyMemory(from: row, byteCount: bytes)
    }
  }
}
