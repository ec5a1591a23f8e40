/// Cores held as 8-bit integers times a scale for each group of neighbours.

/// Symmetric integers: x ≈ code · scale with code in -127...127, so zero is always on the grid.
///
/// Groups are runs along the rows of a matrix; a core of other than two axes is one row. The last group
/// of a row may be shorter. Scales are float16 where their range allows, else float32.
public struct IntegerStorage: Storage {
  public static let names = ["int8"]
  /// Elements that share a scale.
  public let group: Int

  public init(group: Int = 64) { self.group = group }

  public init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) {
    group = try arguments.integer("group", in: 1...(1 << 20)) ?? 64
  }

  public var call: Spec.Call {
    Spec.Call("int8", [Spec.Argument("group", .integer(group))])
  }

  public var computeDType: DType { .float32 }

  /// Codes in the core's shape, scales (rows, groups of a row).
  public func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    let grid = try GroupGrid(shape: shape, group: group)
    return [
      StoragePart.Layout(name: "codes", dtypes: [.int8], shape: shape),
      StoragePart.Layout(
        name: "scales", dtypes: [.float16, .float32], shape: [grid.rows, grid.groups]),
    ]
  }

  public func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let parts = try layout(core.shape)
    let grid = try GroupGrid(shape: core.shape, group: group)
    let single = try core.converted(to: Float.self)
    guard single.isFinite else {
      throw .nonFinite("a value exceeds the largest float32; int8 scales cannot hold it")
    }
    let exact = try groupScales(single, grid, levels: 127)
    let dtype: DType = exact.withSpan { fitsHalf($0) } ? .float16 : .float32
    let scales = try encodeFloats(exact, as: dtype)
    let codes = try encodeGroups(single, grid, scales, dtype)
    return [
      StoragePart(name: "codes", dtype: .int8, shape: core.shape, bytes: codes),
      StoragePart(name: "scales", dtype: dtype, shape: parts[1].shape, bytes: scales),
    ]
  }

  public func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    // Sizes of live parts, so their product fits.
    guard let grid = try? GroupGrid(shape: shape, group: group) else { return }
    decodeGroups(parts[0].bytes, parts[1], grid, range, into: &out)
  }

  /// True when every scale is 0 or a normal float16 (2^-14 to 65504).
  private func fitsHalf(_ scales: Span<Float>) -> Bool {
    for i in scales.indices where scales[i] != 0 {
      if scales[i] < 0x1p-14 || scales[i] > 65504 { return false }
    }
    return true
  }
}
