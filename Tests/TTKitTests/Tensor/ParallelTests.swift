import Synchronization
import Testing

@testable import TTKit

/// A host's pool that runs tasks one after the other, last first.
private let reversedHost = Executor(threads: 3) { count, task in
  for i in (0..<count).reversed() { task(i) }
}

/// A host that forgets its tasks.
private let lazyHost = Executor(threads: 3) { _, _ in }

@Suite struct ParallelTests {
  static let executors = [Executor(), .serial, Executor(threads: 7), reversedHost, lazyHost]

  @Test(arguments: executors.indices)
  func everyIndex_isVisitedOnce(executor: Int) throws {
    for count in [0, 1, 2, 7, 100, 1000] {
      let visits = Mutex([Int](repeating: 0, count: count))
      try Self.executors[executor].parallelFor(count) { i in visits.withLock { $0[i] += 1 } }
      #expect(visits.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test(arguments: executors.indices)
  func theErrorOfTheSmallestIndex_wins(executor: Int) {
    for _ in 0..<20 {
      #expect(throws: TTKitError.invalidArgument("17")) {
        try Self.executors[executor].parallelFor(100) { (i) throws(TTKitError) in
          if i >= 17 { throw .invalidArgument("\(i)") }
        }
      }
    }
  }

  @Test func afterAFailure_noNewPieceBegins() {
    let begun = Mutex(0)
    try? Executor(threads: 2).parallelFor(100_000) { (i) throws(TTKitError) in
      begun.withLock { $0 += 1 }
      throw .cancelled("stop")
    }
    #expect(begun.withLock { $0 } <= 2)
  }

  @Test func nestedCalls_visitEveryPair() throws {
    let executor = Executor(threads: 4)
    let visits = Mutex([Int](repeating: 0, count: 20 * 30))
    try executor.parallelFor(20) { (i) throws(TTKitError) in
      try executor.parallelFor(30) { j in visits.withLock { $0[i * 30 + j] += 1 } }
    }
    #expect(visits.withLock { $0.allSatisfy { $0 == 1 } })
  }

  @Test func threads_areAtLeastOne() {
    #expect(Executor().threads >= 1)
    #expect(Executor(threads: 0) { _, _ in }.threads == 1)
    #expect(Executor.serial.threads == 1)
  }
}
