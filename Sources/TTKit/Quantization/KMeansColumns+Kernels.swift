/// Codes of codebooks column by column.
internal import CTTKKernels

extension KMeansStorage: ColumnStorage {
  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder {
    try KMeansColumns(matrix, self, importance: importance)
  }
}

@safe
private final class KMeansColumns: ColumnCoder {
  let width = 1
  private let storage: KMeansStorage
  private let shape: [Int]
  private let grid: GroupGrid
  private let dtype: DType
  private let bytes: Tensor<UInt8>
  /// As stored.
  private let books: Tensor<Float>
  /// (columns, rows).
  private let codes: Buffer<UInt8>
  private var rows: Int { shape[0] }
  private var isShared: Bool { grid.gridRows == 1 && rows > 1 }

  init(
    _ matrix: Tensor<Float>, _ storage: KMeansStorage, importance: Tensor<Float>
  ) throws(TTKitError) {
    self.storage = storage
    shape = matrix.shape
    grid = try GroupGrid(shape: shape, storage.sharing)
    let exact = try weightedCentres(matrix, grid, bits: storage.bits, importance)
    (dtype, bytes) = try storage.encodedBooks(exact)
    let (own, raw) = (dtype, bytes)
    books = try Tensor<Float>(shape: exact.shape) { out in
      decodeFloats(raw, own, 0..<out.count, into: &out)
    }
    codes = try Buffer<UInt8>(count: matrix.count)
  }

  func code(
    _ first: Int, _ values: UnsafePointer<Float>, into decoded: UnsafeMutablePointer<Float>
  ) {
    let size = 1 << storage.bits
    let group = isShared ? 0 : first / grid.group
    // In bounds: one book a group of each row, or one for all; rows codes a column.
    unsafe ttkk_round_to_books(
      rows, values, Int32(storage.bits), books.storage.buffer.base + group * size,
      isShared ? 0 : grid.groups * size, codes.base + first * rows, decoded)
  }

  func parts() throws(TTKitError) -> [StoragePart] {
    let byRow = try Buffer<UInt8>(count: codes.count)
    // In bounds: the same rows · columns bytes, transposed.
    unsafe ttkk_copy_strided(
      byRow.base, [shape[1], 1], codes.base, [1, rows], shape, 2, 1)
    return try storage.parts(
      codes: Tensor(shape: shape, buffer: byRow), books: bytes, dtype: dtype)
  }
}

/// k-means with weights of columns: Lloyd's steps from the unweighted optimum.
private func weightedCentres(
  _ core: Tensor<Float>, _ grid: GroupGrid, bits: Int, _ importance: Tensor<Float>
) throws(TTKitError) -> Tensor<Float> {
  let start = try clusterCentres(core, grid, bits: bits)
  let size = 1 << bits
  let books = try Buffer<Float>(count: start.count)
  unsafe books.base.update(from: start.storage.buffer.base, count: start.count)
  let width = grid.width
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    let book = unsafe books.base + index * size
    for _ in 0..<20 {
      var sums = [Double](repeating: 0, count: size)
      var totals = sums
      // Runs within one row of the matrix, so that weights lie beside values.
      var at = elements.lowerBound
      while at < elements.upperBound {
        let column = at % width
        let end = min(elements.upperBound, at - column + width)
        // In bounds: a run of one row; `size` sums.
        unsafe ttkk_book_sums(
          end - at, core.storage.buffer.base + at, importance.storage.buffer.base + column,
          Int32(bits), book, &sums, &totals)
        at = end
      }
      var moved = false
      for c in 0..<size where totals[c] > 0 {
        let new = Float(sums[c] / totals[c])
        unsafe moved = moved || (new - book[c]).magnitude > 1e-4 * book[size - 1].magnitude
        unsafe book[c] = new
      }
      if !moved { break }
    }
    // Means of intervals rise; centres nobody chose stay where they were.
    for c in 1..<size where unsafe book[c] < book[c - 1] { unsafe book[c] = book[c - 1] }
  }
  return Tensor(shape: start.shape, buffer: books)
}
