/// Bags of rows: sums and means, as torch.nn.EmbeddingBag has them.

/// What becomes of the rows of a bag.
public enum BagMode: Int32, Sendable {
  case sum = 0
  /// The sum divided by how many there are.
  case mean = 1
}

extension EmbeddingPlan {
  /// y (bags, features): row b is the sum or mean of the rows of ids[offsets[b] ..< offsets[b+1]]; the last
  /// bag reaches to the end, an empty bag is 0. Rows are added in the order of the ids.
  ///
  /// - Throws: `.invalidArgument` for ids out of range, and offsets that do not begin at 0, fall, or pass
  ///   the end; y is untouched then.
  public func executeBags(
    _ ids: UnsafeRawPointer, _ type: IdType, count: Int, offsets: UnsafeRawPointer, bags: Int,
    mode: BagMode, into y: UnsafeMutableRawPointer, workspace: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    precondition(count <= maxCount)
    try unsafe type.check(ids, count: count, rows: rows)
    var before = 0
    for b in 0..<bags {
      let start = unsafe type.load(offsets, b)
      guard b > 0 || start == 0 else {
        throw .invalidArgument("offsets[0] is \(start), expected 0")
      }
      guard start >= before, start <= count else {
        throw .invalidArgument(
          "offsets[\(b)] is \(start), expected \(before) to \(count): offsets rise and end within "
            + "the ids")
      }
      before = start
    }
    if dtype == .float64 {
      unsafe runBags(Double.self, ids, type, count, offsets, bags, mode, y, workspace)
    } else {
      unsafe runBags(Float.self, ids, type, count, offsets, bags, mode, y, workspace)
    }
  }

  private func runBags<T: RealScalar>(
    _ scalar: T.Type, _ ids: UnsafeRawPointer, _ type: IdType, _ count: Int,
    _ offsets: UnsafeRawPointer, _ bags: Int, _ mode: BagMode, _ y: UnsafeMutableRawPointer,
    _ workspace: UnsafeMutableRawPointer
  ) {
    let tasks = min(taskCount(count), bags)
    let executor = count * features < 1 << 15 ? .serial : self.executor
    let features = features
    // Tasks write disjoint rows of y and use disjoint scratch.
    nonisolated(unsafe) let (source, starts, scratch) =
      unsafe (ids, offsets, workspace.alignedUp(toMultipleOf: 64))
    nonisolated(unsafe) let target = unsafe y.assumingMemoryBound(to: T.self)
    executor.run(max(tasks, 1)) { task in
      let own = unsafe scratch + task * self.scratchPerTask
      let row = unsafe (own + (self.lookup.scratchSize + 63) / 64 * 64)
        .assumingMemoryBound(to: T.self)
      for b in stride(from: task, to: bags, by: max(tasks, 1)) {
        let first = unsafe type.load(starts, b)
        let end = unsafe b + 1 < bags ? type.load(starts, b + 1) : count
        // In bounds: bag b of y; one row beside the lookup's scratch.
        let sum = unsafe target + b * features
        if first == end { unsafe sum.update(repeating: 0, count: features) }
        for i in first..<end {
          let into = unsafe i == first ? sum : row
          unsafe self.lookup.write(row: type.load(source, i), to: into, scratch: own)
          if i > first { for j in 0..<features { unsafe sum[j] += row[j] } }
        }
        if mode == .mean, end - first > 1 {
          let many = T(end - first)
          for j in 0..<features { unsafe sum[j] /= many }
        }
      }
    }
  }
}
