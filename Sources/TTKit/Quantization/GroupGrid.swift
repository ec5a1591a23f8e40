/// How the elements of a core share scales: runs of `group` along the rows.

struct GroupGrid: Sendable {
  let rows: Int
  let width: Int
  let group: Int
  /// Groups of one row; the last may be shorter.
  let groups: Int

  /// A matrix has its own rows; a core of other than two axes is one row.
  init(shape: [Int], group: Int) throws(TTKitError) {
    let count = try checkedProduct(shape)
    rows = shape.count == 2 ? shape[0] : 1
    width = shape.count == 2 ? shape[1] : count
    self.group = group
    groups = width / group + (width % group == 0 ? 0 : 1)
  }

  /// Columns of group g.
  func columns(_ g: Int) -> Range<Int> { (g * group)..<min(g * group + group, width) }
}
