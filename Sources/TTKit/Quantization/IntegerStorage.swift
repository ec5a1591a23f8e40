/// Cores held as integers of 2 to 8 bits, with a scale and perhaps a zero point for each group.

/// x ≈ (code − zero) · scale, so zero is always exactly on the grid.
///
/// - Symmetric: zero is 2^(bits−1). The scale may be negative, whichever sign puts the longer side of
///   the grid where the group needs it. int8 keeps codes within ±127 and its scales positive.
/// - Otherwise each group has its own integer zero point.
/// - Error: scales minimise the squared error of their group among a few dozen clipped ranges, each
///   refined by least squares; for symmetric int8, where clipping gains nothing, they follow the maximum.
///
/// Groups are runs along the rows of a matrix; a core of other than two axes is one row. The last group
/// of a row may be shorter. Scales are float16 where their range allows, else float32.
public struct IntegerStorage: Storage {
  public static let names = (2...8).map { "int\($0)" }
  public let bits: Int
  /// Elements that share a scale.
  public let sharing: Sharing
  public let isSymmetric: Bool

  public init(bits: Int = 8, group: Sharing = 64, isSymmetric: Bool = true) {
    precondition((2...8).contains(bits), "int2 to int8")
    self.bits = bits
    self.sharing = group
    self.isSymmetric = isSymmetric
  }

  public init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) {
    bits = Int(name.dropFirst(3)) ?? 8  // Registry gives one of `names`
    sharing = try Sharing(&arguments, default: 64)
    isSymmetric = try arguments.flag("symmetric") ?? true
  }

  public var call: Spec.Call {
    let symmetry = isSymmetric ? [] : [Spec.Argument("symmetric", .word("false"))]
    return Spec.Call("int\(bits)", [sharing.argument] + symmetry)
  }

  public var computeDType: DType { .float32 }

  /// True when codes are signed bytes in the core's own shape.
  var isBytes: Bool { bits == 8 && isSymmetric }
  var top: Int { 1 << bits - 1 }

  public func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    let grid = try GroupGrid(shape: shape, sharing)
    let scales = StoragePart.Layout(
      name: "scales", dtypes: [.float16, .float32], shape: grid.shape)
    if isBytes {
      return [StoragePart.Layout(name: "codes", dtypes: [.int8], shape: shape), scales]
    }
    let codes = try CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    let parts = [StoragePart.Layout(name: "codes", dtypes: [.uint8], shape: codes.shape), scales]
    if isSymmetric { return parts }
    let zeros = try zeroRows(grid)
    return parts + [StoragePart.Layout(name: "zeros", dtypes: [.uint8], shape: zeros.shape)]
  }

  /// Zero points are packed as codes are.
  func zeroRows(_ grid: GroupGrid) throws(TTKitError) -> CodeRows {
    try CodeRows(rows: grid.gridRows, width: grid.groups, bits: bits)
  }

  public func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let grid = try GroupGrid(shape: core.shape, sharing)
    let single = try core.converted(to: Float.self)
    guard single.isFinite else {
      throw .nonFinite("a value exceeds the largest float32; int\(bits) scales cannot hold it")
    }
    return isBytes ? try encodeBytes(single, grid) : try encodeCodes(single, grid)
  }

  /// Encodes on the grids of given scales, as a training loop rounds to them: levels −2^(bits−1) to
  /// 2^(bits−1) − 1, or 0 to 2^bits − 1 where groups have zero points, which then are 0.
  ///
  /// - Parameter scales: positive, one for each group.
  public func encode(
    _ core: Tensor<Float>, scales exact: Tensor<Float>
  ) throws(TTKitError) -> [StoragePart] {
    let grid = try GroupGrid(shape: core.shape, sharing)
    try grid.require(exact, for: core.shape)
    guard core.isFinite else { throw .nonFinite("a core holds NaN or infinity") }
    // float32: float16 would move the grid.
    let scales = StoragePart(
      name: "scales", dtype: .float32, shape: grid.shape,
      bytes: try encodeFloats(exact, as: .float32))
    let zero = UInt8(isSymmetric ? 1 << (bits - 1) : 0)
    let zeros = try Tensor<UInt8>(shape: [grid.count]) { out in
      for i in 0..<out.count { out[i] = zero }
    }
    let rows = try CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    let codes = try packRows(gridCodes(core, grid, bits: bits, scales, zeros), rows)
    if isBytes {
      // Eight bits pack to themselves; signed bytes lie 128 below.
      let signed = try codes.reshaped(core.shape).map { $0 ^ 0x80 }
      let part = StoragePart(
        name: "codes", dtype: .int8, shape: core.shape, bytes: signed.reshaped([signed.count]))
      return [part, scales]
    }
    let part = StoragePart(name: "codes", dtype: .uint8, shape: rows.shape, bytes: codes)
    return isSymmetric ? [part, scales] : [part, scales, try zeroPart(zeros, grid)]
  }

  private func encodeBytes(
    _ core: Tensor<Float>, _ grid: GroupGrid
  ) throws(TTKitError) -> [StoragePart] {
    let scales = try scalePart(groupScales(core, grid, levels: 127))
    let codes = try encodeGroups(core, grid, scales)
    return [StoragePart(name: "codes", dtype: .int8, shape: core.shape, bytes: codes), scales]
  }

  private func encodeCodes(
    _ core: Tensor<Float>, _ grid: GroupGrid
  ) throws(TTKitError) -> [StoragePart] {
    let fitted = try fitGrids(core, grid, bits: bits, isSymmetric: isSymmetric)
    let scales = try scalePart(fitted.scales)
    let codes = try gridCodes(core, grid, bits: bits, scales, fitted.zeros)
    return try parts(codes: codes, grid: grid, scales: scales, zeros: fitted.zeros)
  }

  /// The parts of codes 0 ... top, or 0 ... 254 for bytes, in the core's own shape.
  func parts(
    codes: Tensor<UInt8>, grid: GroupGrid, scales: StoragePart, zeros: Tensor<UInt8>
  ) throws(TTKitError) -> [StoragePart] {
    if isBytes {
      let signed = try codes.map { $0 &- 127 }
      return [StoragePart(name: "codes", dtype: .int8, shape: codes.shape, bytes: signed), scales]
    }
    let rows = try CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    let packed = try packRows(codes, rows)
    let parts = [
      StoragePart(name: "codes", dtype: .uint8, shape: rows.shape, bytes: packed), scales,
    ]
    if isSymmetric { return parts }
    return parts + [try zeroPart(zeros, grid)]
  }

  private func zeroPart(
    _ zeros: Tensor<UInt8>, _ grid: GroupGrid
  ) throws(TTKitError) -> StoragePart {
    let rows = try zeroRows(grid)
    return StoragePart(
      name: "zeros", dtype: .uint8, shape: rows.shape, bytes: try packRows(zeros, rows))
  }

  func scalePart(_ exact: Tensor<Float>) throws(TTKitError) -> StoragePart {
    let dtype: DType = exact.withSpan { fitsHalf($0) } ? .float16 : .float32
    let bytes = try encodeFloats(exact, as: dtype)
    return StoragePart(name: "scales", dtype: dtype, shape: exact.shape, bytes: bytes)
  }

  public func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    // Sizes of live parts, so their product fits.
    guard let grid = try? GroupGrid(shape: shape, sharing) else { return }
    if isBytes {
      decodeGroups(parts[0].bytes, parts[1], grid, range, into: &out)
      return
    }
    guard let rows = try? CodeRows(rows: grid.rows, width: grid.width, bits: bits) else { return }
    let zeros = isSymmetric ? nil : (parts[2].bytes, try? zeroRows(grid))
    decodeCodeRows(parts[0].bytes, rows, range, into: &out) { first in
      let index = grid.index(of: first)
      var zero = 1 << (bits - 1)
      if let (bytes, rows) = zeros, let rows { zero = rows.code(index, in: bytes) }
      let scale = loadScale(parts[1].bytes, parts[1].dtype, index)
      return CodeRun(
        end: grid.elements(index).upperBound, decoder: .grid(scale: scale, zero: zero))
    }
  }

  /// True when every scale is 0 or a normal float16 (2^-14 to 65504).
  private func fitsHalf(_ scales: Span<Float>) -> Bool {
    for i in scales.indices where scales[i] != 0 {
      if scales[i].magnitude < 0x1p-14 || scales[i].magnitude > 65504 { return false }
    }
    return true
  }
}
