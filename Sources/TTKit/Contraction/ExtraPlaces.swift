/// Where a workspace holds what comes beside the steps of a plan.

/// Byte offsets behind the steps' own memory, from a start aligned to 64 bytes.
struct ExtraPlaces: Sendable {
  /// The contraction's result before it is spread.
  let compact: Int
  /// Offsets of the spread.
  let offsets: Int
  /// Padded operands and positions.
  let reads: Int
  /// Of the whole workspace.
  let byteCount: Int

  /// - Parameter inner: shape of the contraction's result.
  /// - Throws: `.sizeOverflow`.
  init(
    after used: Int, spread: ResultSpread?, inner: [Int], dtype: DType, reads: ReadPlan?
  ) throws(TTKitError) {
    func end(_ start: Int, _ size: Int) throws(TTKitError) -> Int {
      let sum = try MemoryRegions.sum(start, size)
      return try MemoryRegions.sum(sum, 63) / 64 * 64
    }
    compact = try end(used, 0)
    guard spread != nil || reads != nil else {
      (offsets, self.reads, byteCount) = (compact, compact, used)
      return
    }
    let bytes = try checkedProduct(inner.map { max($0, 1) } + [64, dtype.size]) / 64
    offsets = spread == nil ? compact : try end(compact, bytes)
    self.reads = try end(offsets, spread?.memorySize() ?? 0)
    byteCount = try MemoryRegions.sum(try end(self.reads, reads?.memorySize ?? 0), 64)
  }
}
