/// Single numbers of a codebook with scales of rows, column by column: for error compensation.
///
/// Codes of several numbers lie in planes of a row, so their columns are no neighbours: those storages are
/// rounded plainly.
internal import CTTKKernels

extension VectorStorage: ColumnStorage {
  var codesColumns: Bool { dimensions == 1 }

  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder {
    try VectorColumns(matrix, self)
  }
}

@safe
private final class VectorColumns: ColumnCoder {
  let width = 1
  private let grid: VectorGrid
  private let scales: [Float]
  private let fit: VectorFit
  /// (rows, size) values that codes stand for, as stored.
  private let books: Buffer<Float>

  init(_ matrix: Tensor<Float>, _ storage: VectorStorage) throws(TTKitError) {
    grid = try VectorGrid(shape: matrix.shape, storage)
    var fit = try VectorFit(matrix, grid)
    try fit.run()
    self.fit = fit
    scales = fit.scales
    books = try Buffer(count: checkedProduct([grid.rows, grid.size]))
    for r in 0..<grid.rows {
      let book = unsafe fit.book(r)
      // In bounds: size numbers of each row.
      for c in 0..<grid.size {
        unsafe books.base[r * grid.size + c] = unsafe book[c] * scales[r]
      }
    }
  }

  func code(
    _ first: Int, _ values: UnsafePointer<Float>, into decoded: UnsafeMutablePointer<Float>
  ) {
    // In bounds: one book a row; codes of a row stand columns apart.
    for r in 0..<grid.rows {
      var code: UInt8 = 0
      unsafe ttkk_round_to_books(
        1, values + r, Int32(grid.bits), books.base + r * grid.size, 0, &code, decoded + r)
      unsafe fit.codes.storage.buffer.base[r * grid.plane + first] = code
    }
  }

  func parts() throws(TTKitError) -> [StoragePart] { try fit.parts() }
}
