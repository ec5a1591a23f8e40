/// Cores held as indices of a codebook of short vectors, with a scale for each row.

/// (x₀, x₁, ..) ≈ codebook[code] · scale: one code for 1, 2 or 4 elements of a row, m = ⌈width / d⌉ apart.
///
/// - Rows are divided by their root mean square; the codebook is the k-means of what is left, exact for
///   single numbers, by Lloyd's steps from the product of exact ones for vectors; then scales are refitted
///   by least squares. A codebook serves the tensor, or each row has its own.
/// - Gaussian numbers at 2 bits each: relative error .343 as single numbers, .329 as pairs, .315 as fours.
public struct VectorStorage: Storage {
  private static let families = ["lloyd", "pairs", "quads"]
  public static let names = families.flatMap { family in (1...8).map { "\(family)\($0)" } }
  /// Numbers of a vector: 1, 2 or 4.
  public let dimensions: Int
  /// Of a code.
  public let bits: Int
  /// Which rows share a codebook: row or tensor.
  public let sharing: Sharing

  init(dimensions: Int, bits: Int, sharing: Sharing = .tensor) {
    precondition([1, 2, 4].contains(dimensions) && (1...8).contains(bits))
    self.dimensions = dimensions
    self.bits = bits
    self.sharing = sharing
  }

  public init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) {
    bits = Int(name.suffix(1)) ?? 8  // Registry gives one of `names`
    dimensions = name.hasPrefix("lloyd") ? 1 : name.hasPrefix("pairs") ? 2 : 4
    let word = try arguments.word("group", in: ["tensor", "row"])
    sharing = word == "row" ? .row : .tensor
  }

  public var call: Spec.Call {
    let name = dimensions == 1 ? "lloyd" : dimensions == 2 ? "pairs" : "quads"
    return Spec.Call("\(name)\(bits)", sharing == .tensor ? [] : [sharing.argument])
  }

  public var computeDType: DType { .float32 }

  /// Codes packed by rows, one scale a row, codebooks (1 or rows, 2^bits, dimensions).
  public func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    let grid = try VectorGrid(shape: shape, self)
    return [
      StoragePart.Layout(name: "codes", dtypes: [.uint8], shape: grid.codes.shape),
      StoragePart.Layout(name: "scales", dtypes: [.float16, .float32], shape: [grid.rows, 1]),
      StoragePart.Layout(name: "codebook", dtypes: [.float16], shape: grid.bookShape),
    ]
  }

  public func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let single = try core.converted(to: Float.self)
    guard single.isFinite else {
      throw .nonFinite("a value exceeds the largest float32; \(call) cannot hold it")
    }
    let grid = try VectorGrid(shape: core.shape, self)
    var fit = try VectorFit(single, grid)
    try fit.run()
    return try fit.parts()
  }

  public func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    // Sizes of live parts, so their product fits.
    guard let grid = try? VectorGrid(shape: shape, self) else { return }
    decodeVectors(parts, grid, range, into: &out)
  }
}

/// Rows of a core and the planes of their vectors.
struct VectorGrid: Sendable {
  let rows: Int
  let width: Int
  let dimensions: Int
  let bits: Int
  /// Vectors of a row; coordinate p of vector t is element p · plane + t.
  let plane: Int
  let codes: CodeRows
  let ownsBooks: Bool

  /// A matrix has its own rows; a core of other than two axes is one row.
  init(shape: [Int], _ storage: VectorStorage) throws(TTKitError) {
    let count = try checkedProduct(shape)
    rows = shape.count == 2 ? shape[0] : 1
    width = shape.count == 2 ? shape[1] : count
    dimensions = storage.dimensions
    bits = storage.bits
    plane = width / dimensions + (width % dimensions == 0 ? 0 : 1)
    codes = try CodeRows(rows: rows, width: plane, bits: bits)
    ownsBooks = storage.sharing == .row
    _ = try checkedProduct(bookShape)
  }

  var size: Int { 1 << bits }
  var bookShape: [Int] { [ownsBooks ? rows : 1, size, dimensions] }
  /// Numbers of one codebook.
  var bookLength: Int { size * dimensions }
  /// Elements of plane p of a row.
  func columns(_ p: Int) -> Range<Int> { min(p * plane, width)..<min(p * plane + plane, width) }
}
