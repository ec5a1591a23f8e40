/// The sizes of one step and how its work is cut: by shape alone.

struct StepShape: Sendable {
  let batch: Int
  let rows: Int
  let columns: Int
  let inner: Int
  /// Rows and columns of a tile.
  let height: Int
  let width: Int

  /// Panels of the right operand.
  var panels: Int { (columns + width - 1) / width }
  /// Stacks are cut into runs of entries, each with scratch of its own.
  var lanes: Int { min(batch, 16) }
  /// Elements of one packed left operand, of one packed right operand.
  var leftCount: Int { rows * inner }
  var rightCount: Int { panels * width * inner }

  /// Panels of one piece: about 4 Mflop.
  var group: Int {
    let perPanel = 2 * Double(min(rows, RowTiles.block)) * Double(inner) * Double(width)
    return min(max(Int(min(4e6 / perPanel, 1e9)), 1), max(panels, 1))
  }

  var groups: Int { (panels + group - 1) / group }
  var cut: RowTiles { RowTiles(rows: rows, height: height) }
  /// Pieces of one product; each has a tile of its own for scattered results.
  var pieces: Int { cut.blocks * groups }

  /// Elements of scratch.
  /// - Throws: `.sizeOverflow`.
  func scratchCount() throws(TTKitError) -> Int {
    _ = try checkedProduct([2, rows, inner, 16])
    _ = try checkedProduct([2, columns + width, inner, 16])
    _ = try checkedProduct([pieces, height * width, 16])
    let tiles = batch > 1 ? 1 : pieces
    // Each part is below 2^58, so the sums fit.
    let lane = line(leftCount) + line(rightCount) + tiles * line(height * width)
    return try checkedProduct([max(lanes, 1), lane])
  }

  /// Rounded up to whole cache lines.
  func line(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}
