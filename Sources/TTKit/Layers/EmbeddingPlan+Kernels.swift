/// Looking rows up: ids are checked first, then rows are written in parallel.

/// Ids as the caller holds them.
public enum IdType: Sendable {
  case int32, int64

  /// Id i of an array at any address.
  fileprivate func load(_ ids: UnsafeRawPointer, _ i: Int) -> Int {
    // In bounds: callers keep i below their count.
    switch self {
    case .int32: return Int(unsafe ids.loadUnaligned(fromByteOffset: i * 4, as: Int32.self))
    case .int64: return Int(unsafe ids.loadUnaligned(fromByteOffset: i * 8, as: Int64.self))
    }
  }
}

public final class EmbeddingPlan: Sendable {
  public let rows: Int
  public let features: Int
  public let dtype: DType
  public let maxCount: Int
  private let lookup: any RowLookup
  private let executor: Executor
  /// Rows that one task writes.
  private static let chunk = 64
  /// Scratch is checked to fit this many tasks.
  static let mostTasks = 64
  private let scratchPerTask: Int

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
    scratchPerTask = (lookup.scratchSize + 63) / 64 * 64
  }

  /// Bytes prepared beside the stored cores.
  public var residentByteCount: Int { lookup.byteCount }

  /// Bytes of workspace that one execute needs.
  public var workspaceSize: Int { taskCount(maxCount) * scratchPerTask + 64 }  // tasks are few

  private func taskCount(_ count: Int) -> Int {
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
    for i in 0..<count {
      let id = unsafe type.load(ids, i)
      guard (0..<rows).contains(id) else {
        throw .invalidArgument("ids[\(i)] is \(id), expected 0 to \(rows - 1)")
      }
    }
    let tasks = taskCount(count)
    let rowBytes = features * dtype.size
    let executor = count * features < 1 << 15 ? .serial : self.executor
    // Tasks write disjoint rows and use disjoint scratch.
    nonisolated(unsafe) let (source, target) = unsafe (ids, y)
    nonisolated(unsafe) let scratch = unsafe workspace.alignedUp(toMultipleOf: 64)
    executor.run(tasks) { task in
      // Rows task, task + tasks, ...: the same rows for any number of threads.
      for i in stride(from: task, to: count, by: tasks) {
        let index = unsafe type.load(source, i)
        unsafe self.lookup.write(
          row: index, to: target + i * rowBytes, scratch: scratch + task * self.scratchPerTask)
      }
    }
  }
}
