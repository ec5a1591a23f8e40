/// What a term computes: an einsum of its cores whose result is the matrix.

/// A named index with its length. Axes of equal name are the same index.
public struct Axis: Sendable, Hashable {
  public let name: String
  public let length: Int

  public init(_ name: String, _ length: Int) {
    self.name = name
    self.length = length
  }
}

/// The matrix W[rows, columns] = sum over all other axes of the product of the operands.
///
/// Row and column indices are in mixed radix over their axes, last axis fastest.
public struct Equation: Sendable, Equatable {
  public let rows: [Axis]
  public let columns: [Axis]
  public let operands: [[Axis]]

  public init(rows: [Axis], columns: [Axis], operands: [[Axis]]) {
    self.rows = rows
    self.columns = columns
    self.operands = operands
  }

  public var rowCount: Int { rows.reduce(1) { $0 * $1.length } }  // checked where sizes come in
  public var columnCount: Int { columns.reduce(1) { $0 * $1.length } }
  public var coreShapes: [[Int]] { operands.map { $0.map(\.length) } }

  /// x (rows, columns...) times Wᵀ, (rows, rows of W...): the contraction of x and the cores, and their shapes.
  /// - Throws: `.invalidArgument` for more axes than a contraction takes.
  func applied(
    toRows count: Int
  ) throws(TTKitError) -> (equation: ContractionEquation, shapes: [[Int]]) {
    let z = Axis("z", count)
    return (
      try ContractionEquation(operands: [[z] + columns] + operands, result: [z] + rows),
      [[count] + columns.map(\.length)] + coreShapes
    )
  }

  /// Operands in two groups such that W = (product of the first) · (product of the second): the first
  /// carry row axes only, the second column axes only. nil when some operand carries both.
  public var factors: (rows: [Int], columns: [Int])? {
    var left: [Int] = []
    var right: [Int] = []
    for (k, axes) in operands.enumerated() {
      let carriesRows = axes.contains { rows.contains($0) }
      let carriesColumns = axes.contains { columns.contains($0) }
      if carriesRows && carriesColumns { return nil }
      if carriesColumns { right.append(k) } else { left.append(k) }
    }
    return left.isEmpty || right.isEmpty ? nil : (left, right)
  }
}
