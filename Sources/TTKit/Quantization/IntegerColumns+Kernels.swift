/// Integer codes column by column.
internal import CTTKKernels

extension IntegerStorage: ColumnStorage {
  /// One grid for all rows is that of plain rounding.
  var weighsColumns: Bool { !isBytes && sharing != .tensor }

  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder {
    try IntegerColumns(matrix, self, importance: importance)
  }
}

/// Scales and zero points stay, but for ``rescale(_:_:)``.
@safe
private final class IntegerColumns: ColumnCoder {
  let width = 1
  private let storage: IntegerStorage
  private let shape: [Int]
  private let grid: GroupGrid
  private let dtype: DType
  /// As stored.
  private let scales: Buffer<Float>
  private let zeros: Tensor<UInt8>
  /// (columns, rows).
  private let codes: Buffer<UInt8>
  private var rows: Int { shape[0] }
  var sharesGrid: Bool { grid.gridRows == 1 && rows > 1 }

  init(
    _ matrix: Tensor<Float>, _ storage: IntegerStorage, importance: Tensor<Float>
  ) throws(TTKitError) {
    self.storage = storage
    shape = matrix.shape
    grid = try GroupGrid(shape: shape, storage.sharing)
    let fitted: Tensor<Float>
    if storage.isBytes {
      fitted = try groupScales(matrix, grid, levels: 127)
      zeros = try Tensor<UInt8>(shape: [grid.count]) { out in
        for i in out.indices { out[i] = 127 }
      }
    } else {
      (fitted, zeros) = try fitGrids(
        matrix, grid, bits: storage.bits, isSymmetric: storage.isSymmetric,
        importance: storage.weighsColumns ? importance : nil)
    }
    let part = try storage.scalePart(fitted)
    dtype = part.dtype
    scales = try Buffer<Float>(count: grid.count)
    for i in 0..<grid.count { unsafe scales.base[i] = loadScale(part.bytes, dtype, i) }
    codes = try Buffer<UInt8>(count: matrix.count)
  }

  /// Codes above which none goes; zero is a code.
  private var top: Int { storage.isBytes ? 254 : storage.top }

  func code(
    _ first: Int, _ values: UnsafePointer<Float>, metric: [Float]?,
    into decoded: UnsafeMutablePointer<Float>
  ) {
    let group = sharesGrid ? 0 : first / grid.group
    // In bounds: one scale a group of each row, or one for all; rows codes a column.
    unsafe ttkk_round_column(
      rows, values, scales.base + group, zeros.storage.buffer.base + group,
      sharesGrid ? 0 : grid.groups, Int32(top), codes.base + first * rows, decoded)
  }

  var scaleGroups: [Range<Int>] {
    sharesGrid ? [] : (0..<grid.groups).map { grid.columns($0) }
  }

  func rescale(_ g: Int, _ factors: inout [Float]) {
    for r in factors.indices {
      let i = r * grid.groups + g
      let old = unsafe scales.base[i]
      var new = old * factors[r]
      if dtype == .float16 { new = roundedToHalf(new) }
      let isSound =
        new != 0 && (new * Float(top)).isFinite
        && (dtype != .float16 || (new.magnitude >= 0x1p-14 && new.magnitude <= 65504))
      guard old != 0, isSound else {
        factors[r] = 1
        continue
      }
      unsafe scales.base[i] = new
      factors[r] = new / old
    }
  }

  func parts() throws(TTKitError) -> [StoragePart] {
    let byRow = try Buffer<UInt8>(count: codes.count)
    // In bounds: the same rows · columns bytes, transposed.
    unsafe ttkk_copy_strided(
      byRow.base, [shape[1], 1], codes.base, [1, rows], shape, 2, 1)
    let exact = try Tensor<Float>(shape: grid.shape) { out in
      for i in out.indices { out[i] = unsafe scales.base[i] }
    }
    return try storage.parts(
      codes: Tensor(shape: shape, buffer: byRow), grid: grid,
      scales: StoragePart(
        name: "scales", dtype: dtype, shape: grid.shape, bytes: encodeFloats(exact, as: dtype)),
      zeros: zeros)
  }
}

/// The nearest float16, as a float32.
func roundedToHalf(_ value: Float) -> Float {
  var half = halfBits(value)
  var result = value
  unsafe ttkk_active().pointee.decode_f16(1, &half, &result)
  return result
}

/// The bits of the nearest float16.
func halfBits(_ value: Float) -> UInt16 {
  var half: UInt16 = 0
  unsafe withUnsafePointer(to: value) { unsafe ttkk_active().pointee.encode_f16(1, $0, &half) }
  return half
}
