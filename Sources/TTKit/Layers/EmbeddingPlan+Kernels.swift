/// Looking rows up: ids are checked first, then rows are written in parallel.

/// Ids as the caller holds them.
public enum IdType: Sendable {
  case int32, int64

  public var size: Int { self == .int64 ? 8 : 4 }

  /// Id i of an array at any address.
  @inline(__always)
  func load(_ ids: UnsafeRawPointer, _ i: Int) -> Int {
    // In bounds: callers keep i below their count.
    switch self {
    case .int32: return Int(unsafe ids.loadUnaligned(fromByteOffset: i * 4, as: Int32.self))
    case .int64: return Int(unsafe ids.loadUnaligned(fromByteOffset: i * 8, as: Int64.self))
    }
  }

  /// - Throws: `.invalidArgument`, naming the position, for an id that is no row.
  func check(_ ids: UnsafeRawPointer, count: Int, rows: Int) throws(TTKitError) {
    for i in 0..<count {
      let id = unsafe load(ids, i)
      guard id >= 0, id < rows else {
        throw .invalidArgument("ids[\(i)] is \(id), expected 0 to \(rows - 1)")
      }
    }
  }
}

public final class EmbeddingPlan: Sendable {
  public let rows: Int
  public let features: Int
  public let dtype: DType
  public let maxCount: Int
  let lookup: any RowLookup
  let executor: Executor
  /// Rows that one task writes.
  private static let chunk = 64
  /// Scratch is checked to fit this many tasks.
  static let mostTasks = 64
  let scratchPerTask: Int
  private let order: IdOrder?

  init(
    lookup: any RowLookup, rows: Int, features: Int, dtype: DType, maxCount: Int,
    executor: Executor
  ) {
    self.lookup = lookup
    self.rows = rows
    self.features = features
    self.dtype = dtype
    self.maxCount = maxCount
    self.executor = executor
    // Bags add rows up beside the lookup's own scratch. Fits: checked for all tasks in prepare.
    scratchPerTask = (lookup.scratchSize + 63) / 64 * 64 + (features * dtype.size + 63) / 64 * 64
    order = IdOrder(most: maxCount, parts: lookup.parts)
  }

  /// Bytes prepared beside the stored cores.
  public var residentByteCount: Int { lookup.byteCount }

  /// Bytes of workspace that one execute needs.
  public var workspaceSize: Int {
    taskCount(maxCount) * scratchPerTask + (order?.byteCount ?? 0) + 64  // tasks are few
  }

  func taskCount(_ count: Int) -> Int {
    count == 0 ? 0 : min((count - 1) / Self.chunk + 1, Self.mostTasks)
  }

  /// y (count, features) = table[ids].
  ///
  /// - Throws: `.invalidArgument`, naming the position, for an id out of range; y is untouched then.
  public func execute(
    _ ids: UnsafeRawPointer, _ type: IdType, count: Int, into y: UnsafeMutableRawPointer,
    workspace: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    precondition(count <= maxCount)
    try unsafe type.check(ids, count: count, rows: rows)
    let aligned = unsafe workspace.alignedUp(toMultipleOf: 64)
    let job = unsafe RowJob(
      ids: ids, type: type, target: y, rowBytes: features * dtype.size, order: nil, count: count)
    guard let order else { return unsafe run(job, aligned) }
    let memory = unsafe aligned + taskCount(maxCount) * scratchPerTask
    unsafe order.run(job, memory: memory) { unsafe self.run($0, aligned) }
  }

  /// Writes the rows of a job, neighbours in its order in one task.
  private func run(_ job: RowJob, _ scratch: UnsafeMutableRawPointer) {
    let (tasks, count) = (taskCount(job.count), job.count)
    let executor = count * features < 1 << 15 ? .serial : self.executor
    // Tasks write disjoint rows and use disjoint scratch.
    nonisolated(unsafe) let (job, scratch) = unsafe (job, scratch)
    executor.run(tasks) { task in
      // The cut depends on the count alone.
      let range = (task * count / tasks)..<((task + 1) * count / tasks)
      unsafe self.lookup.write(job, range, scratch: scratch + task * self.scratchPerTask)
    }
  }
}
