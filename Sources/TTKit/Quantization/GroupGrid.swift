/// How the elements of a core share scales: runs along the rows, rows, or everything.

struct GroupGrid: Sendable {
  let rows: Int
  let width: Int
  /// Elements of a group; the last of a row may be shorter.
  let group: Int
  /// Groups of one row of the grid.
  let groups: Int
  /// Rows of the grid: those of the matrix, or one for a whole tensor.
  let gridRows: Int

  /// A matrix has its own rows; a core of other than two axes is one row.
  init(shape: [Int], _ sharing: Sharing) throws(TTKitError) {
    let count = try checkedProduct(shape)
    rows = shape.count == 2 ? shape[0] : 1
    width = shape.count == 2 ? shape[1] : count
    switch sharing {
    case .group(let size): (group, gridRows) = (size, rows)
    case .row: (group, gridRows) = (max(width, 1), rows)
    case .tensor: (group, gridRows) = (max(count, 1), 1)
    }
    let across = gridRows == rows ? width : count
    groups = across / group + (across % group == 0 ? 0 : 1)
  }

  /// Shape of one number a group.
  var shape: [Int] { [gridRows, groups] }
  /// All groups, row by row. Fits: every group has an element.
  var count: Int { gridRows * groups }

  /// Elements of one row of the grid.
  private var across: Int { gridRows == rows ? width : rows * width }

  /// Columns of group g of a row of the grid.
  func columns(_ g: Int) -> Range<Int> { (g * group)..<min(g * group + group, across) }

  /// Elements of group `index`, which are neighbours.
  func elements(_ index: Int) -> Range<Int> {
    let (row, g) = index.quotientAndRemainder(dividingBy: groups)
    let columns = columns(g)
    return (row * across + columns.lowerBound)..<(row * across + columns.upperBound)
  }

  /// The group of element `i`.
  func index(of i: Int) -> Int {
    let (row, column) = i.quotientAndRemainder(dividingBy: across)
    return row * groups + column / group
  }

  /// - Throws: `.invalidArgument` when there is not one positive, finite scale for each group.
  func require<T: RealScalar>(_ scales: Tensor<T>, for shape: [Int]) throws(TTKitError) {
    guard count == scales.count else {
      let expected = count == 1 ? "one element" : describe(self.shape)
      throw .invalidArgument(
        "scale has shape \(describe(scales.shape)), expected \(expected) for \(describe(shape))")
    }
    let isPositive = scales.withSpan { span in
      span.indices.allSatisfy { span[$0] > 0 && span[$0].isFinite }
    }
    guard isPositive else {
      throw .invalidArgument("a scale is zero, negative or not finite, expected positive numbers")
    }
  }
}
