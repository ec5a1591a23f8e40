/// The one way work is spread over threads.
///
/// Work is cut by shape, never by thread count: results are the same for any number of threads.
internal import CTTKKernels
internal import Dispatch
internal import Synchronization

/// Where parallel work runs: this library's own threads, or the host's.
public struct Executor: Sendable {
  /// How many pieces may run at once, at least 1.
  public let threads: Int
  private let host: (@Sendable (Int, @escaping @Sendable (Int) -> Void) -> Void)?

  /// The library's own threads (libdispatch).
  /// - Parameter threads: 0 for all that this process may use.
  public init(threads: Int = 0) {
    self.threads = threads > 0 ? threads : Int(ttkk_usable_cores())
    host = nil
  }

  /// The host's threads: `run(count, task)` calls `task(i)` once for every i < count, then returns.
  public init(
    threads: Int, run: @escaping @Sendable (Int, @escaping @Sendable (Int) -> Void) -> Void
  ) {
    self.threads = max(threads, 1)
    host = run
  }

  /// Only the calling thread.
  public static let serial = Executor(threads: 1)

  /// Calls `body(i)` once for every i < count, several at a time, and returns after the last.
  ///
  /// - Throws: what the piece with the smallest index among those that failed threw; the pieces that
  ///   had not begun by then are skipped.
  public func parallelFor(
    _ count: Int, _ body: @Sendable (Int) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    let workers = min(threads, count)
    if workers <= 1 {
      for i in 0..<max(count, 0) { try body(i) }
      return
    }
    let next = Atomic<Int>(0)
    let failure = Mutex<(index: Int, error: TTKitError)?>(nil)
    let failed = Atomic<Bool>(false)
    // The closure outlives no call: every back end returns after its last task.
    withoutActuallyEscaping(body) { body in
      let work: @Sendable (Int) -> Void = { _ in
        while !failed.load(ordering: .relaxed) {
          let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard i < count else { return }
          do throws(TTKitError) {
            try body(i)
          } catch {
            failure.withLock { if i < $0?.index ?? .max { $0 = (i, error) } }
            failed.store(true, ordering: .relaxed)
          }
        }
      }
      if let host {
        host(workers, work)
        work(workers)  // whatever a host left undone
      } else {
        DispatchQueue.concurrentPerform(iterations: workers, execute: work)
      }
    }
    if let found = failure.withLock({ $0 }) { throw found.error }
  }

  /// ``parallelFor(_:_:)`` for work that cannot fail.
  public func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
    // Nothing is thrown, so nothing is lost.
    try? parallelFor(count) { (i) throws(TTKitError) in body(i) }
  }
}
