/// What sparse terms cost beside all others.

struct SparseCost {
  /// Entries of all sparse terms.
  let elements: Double
  private let outputs: Double
  private let inputs: Double
  private let terms: Double

  init(_ matrix: CompressedMatrix) {
    let sparse = matrix.sparseTerms
    elements = sparse.reduce(0) { $0 + Double($1.cores[0].parts[0].shape[0]) }
    (outputs, inputs) = (Double(matrix.rows), Double(matrix.columns))
    terms = Double(sparse.count)
  }

  /// Bytes of values, columns and offsets as they are prepared.
  func byteCount(_ cost: CostModel) -> Double {
    elements * (cost.elementSize + 4) + terms * (outputs + 1) * 8
  }

  /// Seconds of one execute. Measured: an entry takes about a nanosecond for one row, and as long for a line
  /// of rows in lanes, where rows of x and y are transposed besides.
  func time(_ cost: CostModel, rows: Double) -> Double {
    guard elements > 0 else { return 0 }
    if rows <= Double(SparseRows<Float>.mostGathered) {
      return rows * (elements * 6e-10 + terms * outputs * 2e-9)
    }
    let lines = (rows / cost.width).rounded(.up)
    return lines * (elements * 1e-9 + terms * cost.laneTransfer(outputs + inputs))
  }
}
