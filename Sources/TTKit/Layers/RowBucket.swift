/// Numbers of rows that run alike: a plan chooses a form for each.

struct RowBucket: Sendable, Equatable {
  /// Most rows.
  let end: Int
  /// Rows that stand for all of them.
  let typical: Int

  /// One row; 2 to 16; 17 to 128; more: as far as `maxRows`, at least 1.
  static func all(maxRows: Int) -> [RowBucket] {
    var buckets = [RowBucket(end: 1, typical: 1)]
    for (end, typical) in [(16, 8), (128, 48), (Int.max, 512)] where maxRows > buckets.last!.end {
      // The array starts with one bucket.
      let isLast = maxRows <= end
      buckets.append(
        RowBucket(end: min(end, maxRows), typical: isLast ? min(maxRows, 512) : typical))
    }
    return buckets
  }
}
