/// Codes of vectors and scales of rows, some columns at a time: for error compensation.
internal import CTTKKernels

extension VectorStorage: ColumnStorage {
  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder {
    try VectorColumns(matrix, self)
  }
}

/// The coordinates of a vector lie in planes of a row; here they are neighbours.
@safe
private final class VectorColumns: ColumnCoder {
  let width: Int
  let arrangement: [Int]?
  /// Of each column so arranged: the vector that it is of.
  private let vectors: [Int]
  private let grid: VectorGrid
  private var fit: VectorFit

  init(_ matrix: Tensor<Float>, _ storage: VectorStorage) throws(TTKitError) {
    let grid = try VectorGrid(shape: matrix.shape, storage)
    self.grid = grid
    width = grid.dimensions
    let order = (0..<grid.plane).flatMap { t in
      stride(from: t, to: grid.width, by: grid.plane).map { $0 }
    }
    arrangement = width == 1 ? nil : order
    vectors = order.map { $0 % grid.plane }
    fit = try VectorFit(matrix, grid)
    try fit.run()
  }

  /// Coordinates that a vector has.
  func width(at first: Int, of columns: Int) -> Int {
    (columns - vectors[first] + grid.plane - 1) / grid.plane
  }

  func code(
    _ first: Int, _ values: UnsafePointer<Float>, metric: [Float]?,
    into decoded: UnsafeMutablePointer<Float>
  ) {
    let t = vectors[first]
    // In bounds: one book for all or one a row; codes of a row stand `plane` apart; width(at:) values a row.
    unsafe fit.scales.withUnsafeBufferPointer { scales in
      unsafe ttkk_round_to_vectors(
        grid.rows, Int32(width(at: first, of: grid.width)), values, Int32(grid.dimensions),
        Int32(grid.size), fit.book(0), grid.ownsBooks ? grid.bookLength : 0, scales.baseAddress!,
        metric, fit.codes.storage.buffer.base + t, grid.plane, decoded)
    }
  }

  var scaleGroups: [Range<Int>] { fit.hasHalfScales ? [0..<grid.width] : [] }

  func rescale(_ g: Int, _ factors: inout [Float]) {
    for r in factors.indices { factors[r] = fit.rescale(r, by: factors[r]) }
  }

  func parts() throws(TTKitError) -> [StoragePart] { try fit.parts() }
}
