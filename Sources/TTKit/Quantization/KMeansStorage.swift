/// Cores held as indices of a codebook of the values that serve them best.

/// x ≈ codebook[code], the codebook shared by the tensor, a row or a group, its values rising.
///
/// - Error: the optimum of 1-d k-means for up to 2048 elements that share a codebook (a tensor with that
///   many distinct values is kept exactly, but for the codebook's own rounding); for more, the optimum
///   over some thousand fine bins, refined by Lloyd's steps.
///
/// The codebook of a tensor is float32; those of rows and groups are float16 where they lose nothing
/// that counts, else float32. Zero is a value of the codebook only where the optimum has it there.
public struct KMeansStorage: Storage {
  public static let names = (1...8).map { "kmeans\($0)" }
  public let bits: Int
  /// Elements that share a codebook.
  public let sharing: Sharing

  public init(bits: Int, group: Sharing = .tensor) {
    precondition((1...8).contains(bits), "kmeans1 to kmeans8")
    self.bits = bits
    self.sharing = group
  }

  public init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) {
    bits = Int(name.dropFirst(6)) ?? 8  // Registry gives one of `names`
    sharing = try Sharing(&arguments, default: .tensor)
  }

  public var call: Spec.Call {
    Spec.Call("kmeans\(bits)", sharing == .tensor ? [] : [sharing.argument])
  }

  public var computeDType: DType { .float32 }

  /// Codes packed by rows, codebooks (rows, groups of a row, 2^bits).
  public func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    let grid = try GroupGrid(shape: shape, sharing)
    let rows = try CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    return [
      StoragePart.Layout(name: "codes", dtypes: [.uint8], shape: rows.shape),
      StoragePart.Layout(
        name: "codebook", dtypes: sharing == .tensor ? [.float32] : [.float16, .float32],
        shape: grid.shape + [1 << bits]),
    ]
  }

  public func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let grid = try GroupGrid(shape: core.shape, sharing)
    let single = try core.converted(to: Float.self)
    guard single.isFinite else {
      throw .nonFinite("a value exceeds the largest float32; kmeans\(bits) cannot hold it")
    }
    let exact = try clusterCentres(single, grid, bits: bits)
    let (dtype, bytes) = try encodedBooks(exact)
    let stored = try Tensor<Float>(shape: exact.shape) { out in
      decodeFloats(bytes, dtype, 0..<out.count, into: &out)
    }
    let codes = try nearestCodes(single, grid, stored, bits: bits)
    return try self.parts(codes: codes.reshaped(core.shape), books: bytes, dtype: dtype)
  }

  /// Codebooks as they are stored.
  func encodedBooks(_ exact: Tensor<Float>) throws(TTKitError) -> (DType, Tensor<UInt8>) {
    let dtype: DType = sharing != .tensor && fitsHalf(exact) ? .float16 : .float32
    return (dtype, try encodeFloats(exact, as: dtype))
  }

  /// The parts of one code an element.
  func parts(
    codes: Tensor<UInt8>, books: Tensor<UInt8>, dtype: DType
  ) throws(TTKitError) -> [StoragePart] {
    let parts = try layout(codes.shape)
    let grid = try GroupGrid(shape: codes.shape, sharing)
    let rows = try CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    return [
      StoragePart(
        name: "codes", dtype: .uint8, shape: parts[0].shape, bytes: try packRows(codes, rows)),
      StoragePart(name: "codebook", dtype: dtype, shape: parts[1].shape, bytes: books),
    ]
  }

  public func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    // Sizes of live parts, so their product fits.
    guard let grid = try? GroupGrid(shape: shape, sharing),
      let rows = try? CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    else { return }
    let size = 1 << bits
    decodeCodeRows(parts[0].bytes, rows, range, into: &out) { first in
      let index = grid.index(of: first)
      return CodeRun(
        end: grid.elements(index).upperBound,
        decoder: .codebook(parts[1].bytes, parts[1].dtype, at: index * size, count: size))
    }
  }

  /// True when float16 costs no codebook more than 2^-11 of its largest value.
  private func fitsHalf(_ codebooks: Tensor<Float>) -> Bool {
    let size = 1 << bits
    return codebooks.withSpan { values in
      for start in stride(from: 0, to: values.count, by: size) {
        // Values rise, so the ends have the largest magnitude.
        let most = max(values[start].magnitude, values[start + size - 1].magnitude)
        if most != 0 && (most < 0x1p-13 || most > 65504) { return false }
      }
      return true
    }
  }
}
