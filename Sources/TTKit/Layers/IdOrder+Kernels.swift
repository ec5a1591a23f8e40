/// The order in which rows are looked up: each id once, rows that read the same part together.
internal import CTTKKernels

/// Parts of a table that rows may be sorted by: row i reads most of part i / place % count.
struct RowParts: Sendable {
  let place: Int
  let count: Int
}

/// Ids, where their rows go, and which positions in which order; all memory is the caller's.
@safe
struct RowJob {
  let ids: UnsafeRawPointer
  let type: IdType
  let target: UnsafeMutableRawPointer
  let rowBytes: Int
  /// nil: all positions as they stand.
  var order: UnsafePointer<Int32>?
  var count: Int

  /// Position n of the order. In bounds: callers keep n below count.
  @inline(__always)
  func position(_ n: Int) -> Int {
    guard let order = unsafe order else { return n }
    return Int(unsafe order[n])
  }
}

/// Memory for ordering up to `most` ids.
struct IdOrder: Sendable {
  /// Fewer ids are not worth ordering.
  private static let fewest = 16
  private let most: Int
  private let parts: RowParts
  private let slots: Int

  /// nil when it is not worth it, or positions would exceed Int32.
  init?(most: Int, parts: RowParts?) {
    guard let parts, most >= Self.fewest, most < 1 << 29 else { return nil }
    self.most = most
    self.parts = parts
    var slots = 64
    while slots < 2 * most { slots *= 2 }
    self.slots = slots
  }

  var byteCount: Int { 4 * (2 * most + slots + parts.count + 1) }  // fits: most is below 2^29

  /// Runs `write` with the ids in a good order, then copies rows of repeated ids.
  ///
  /// - Parameter memory: `byteCount` bytes, aligned to 8.
  func run(_ job: RowJob, memory: UnsafeMutableRawPointer, write: (RowJob) -> Void) {
    // Misaligned ids are rare and stay as they are.
    guard job.count >= Self.fewest, unsafe Int(bitPattern: job.ids) % job.type.size == 0 else {
      return write(job)
    }
    let order = unsafe memory.assumingMemoryBound(to: Int32.self)
    let first = unsafe order + most
    let table = unsafe first + most
    // In bounds: the sizes of byteCount, for at most `most` ids.
    var ordered = job
    ordered.count = unsafe ttkk_order_ids(
      job.ids, job.type == .int64 ? 1 : 0, job.count, Int64(parts.place), Int64(parts.count), order,
      first, table, table + slots)
    unsafe ordered.order = UnsafePointer(order)
    write(ordered)
    guard ordered.count < job.count else { return }
    for i in 0..<job.count where unsafe first[i] != i {
      // In bounds: two different rows of the target.
      unsafe (job.target + i * job.rowBytes).copyMemory(
        from: job.target + Int(first[i]) * job.rowBytes, byteCount: job.rowBytes)
    }
  }
}
