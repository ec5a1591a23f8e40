/// Codes of codebooks column by column.
internal import CTTKKernels

extension KMeansStorage: ColumnStorage {
  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder {
    // Weights would take outliers' values away from columns that matter little: tried, much worse.
    try KMeansColumns(matrix, self)
  }
}

@safe
private final class KMeansColumns: ColumnCoder {
  let width = 1
  private let storage: KMeansStorage
  private let shape: [Int]
  private let grid: GroupGrid
  private var dtype: DType
  private var bytes: Tensor<UInt8>
  /// As stored.
  private var books: Tensor<Float>
  /// (columns, rows).
  private let codes: Buffer<UInt8>
  private var rows: Int { shape[0] }
  var sharesGrid: Bool { grid.gridRows == 1 && rows > 1 }

  init(_ matrix: Tensor<Float>, _ storage: KMeansStorage) throws(TTKitError) {
    self.storage = storage
    shape = matrix.shape
    grid = try GroupGrid(shape: shape, storage.sharing)
    let exact = try clusterCentres(matrix, grid, bits: storage.bits)
    (dtype, bytes, books) = try Self.stored(exact, storage)
    codes = try Buffer<UInt8>(count: matrix.count)
  }

  func code(
    _ first: Int, _ values: UnsafePointer<Float>, metric: [Float]?,
    into decoded: UnsafeMutablePointer<Float>
  ) {
    let size = 1 << storage.bits
    let group = sharesGrid ? 0 : first / grid.group
    // In bounds: one book a group of each row, or one for all; rows codes a column.
    unsafe ttkk_round_to_books(
      rows, values, Int32(storage.bits), books.storage.buffer.base + group * size,
      sharesGrid ? 0 : grid.groups * size, codes.base + first * rows, decoded)
  }

  private static func stored(
    _ exact: Tensor<Float>, _ storage: KMeansStorage
  ) throws(TTKitError) -> (DType, Tensor<UInt8>, Tensor<Float>) {
    let (dtype, bytes) = try storage.encodedBooks(exact)
    let books = try Tensor<Float>(shape: exact.shape) { out in
      decodeFloats(bytes, dtype, 0..<out.count, into: &out)
    }
    return (dtype, bytes, books)
  }

  /// Each codebook by least squares, the others fixed; one whose values would not rise stays.
  func refit(
    _ metric: Tensor<Float>, slope: UnsafePointer<Float>, decoded: UnsafeMutablePointer<Float>,
    rowWeights: [Double]
  ) throws(TTKitError) -> Bool {
    let size = 1 << storage.bits
    let columns = shape[1]
    // Groups of a row depend on each other through the metric: one group a row, or all rows together.
    guard sharesGrid || grid.groups == 1 else { return false }
    let scratch = try Buffer<Float>(count: checkedProduct([size, columns]))
    let moved = try Buffer<Float>(count: books.count)
    unsafe moved.base.update(from: books.storage.buffer.base, count: books.count)
    var square = [Double](repeating: 0, count: size * size)
    var right = [Double](repeating: 0, count: size)
    var (allSquare, allRight) = (square, right)
    for r in 0..<rows {
      // In bounds: column j of row r is at j · rows + r; size · columns of scratch.
      unsafe ttkk_book_normal(
        columns, Int32(size), codes.base + r, rows, metric.storage.buffer.base, columns, slope + r,
        rows, scratch.base, &square, &right)
      let weight = sharesGrid ? rowWeights[r] : 1
      for i in square.indices { allSquare[i] += weight * square[i] }
      for c in 0..<size { allRight[c] += weight * right[c] }
      for i in square.indices { square[i] = 0 }
      for c in 0..<size { right[c] = 0 }
      guard !sharesGrid || r == rows - 1 else { continue }
      let book = unsafe moved.base + (sharesGrid ? 0 : r * size)
      let step = try solvedRight(
        Tensor(shape: [1, size], elements: allRight),
        Tensor(shape: [size, size], elements: allSquare)
      ).elements
      let new = (0..<size).map { c in unsafe book[c] + Float(step[c]) }
      if new.allSatisfy(\.isFinite), zip(new, new.dropFirst()).allSatisfy({ $0 <= $1 }) {
        for c in 0..<size { unsafe book[c] = new[c] }
      }
      for i in square.indices { allSquare[i] = 0 }
      for c in 0..<size { allRight[c] = 0 }
    }
    (dtype, bytes, books) = try Self.stored(Tensor(shape: books.shape, buffer: moved), storage)
    for r in 0..<rows {
      let book = unsafe books.storage.buffer.base + (sharesGrid ? 0 : r * size)
      for j in 0..<columns {
        unsafe decoded[j * rows + r] = book[Int(codes.base[j * rows + r])]
      }
    }
    return true
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
