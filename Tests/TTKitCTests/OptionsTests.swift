import CTTKit
import Testing

@testable import TTKit
@testable import TTKitC

/// Options as bytes, of any length, as programs built against other versions pass them.
private func read(_ bytes: [UInt64]) throws -> ttk_executor {
  try bytes.withUnsafeBytes { raw in
    try options(
      raw.baseAddress!.assumingMemoryBound(to: ttk_executor.self), "ttk_executor",
      zero: ttk_executor())
  }
}

private func status(_ body: () throws -> Void) -> Int {
  do {
    try body()
    return TTK_OK
  } catch let error as TTKitError {
    return Int(error.status)
  } catch {
    return -1
  }
}

@Suite struct OptionsTests {
  private static let size = UInt64(MemoryLayout<ttk_executor>.size)

  @Test func options_null_areZero() throws {
    let none = try options(nil, "ttk_executor", zero: ttk_executor())
    #expect(none.threads == 0 && none.run == nil)
  }

  @Test(arguments: [0, 4, 7, 12, 33, 1 << 16 + 8, UInt64.max, UInt64(1) << 63] as [UInt64])
  func options_ofAnImpossibleSize_areRefused(size: UInt64) {
    #expect(status { _ = try read([size, 0, 0, 0, 0]) } == TTK_ERROR_ARGUMENT)
  }

  @Test func options_short_leaveTheRestZero() throws {
    let short = try read([24, 8, 16, 3])
    #expect(short.context == UnsafeMutableRawPointer(bitPattern: 8))
    #expect(short.run != nil && short.threads == 0)
    #expect(try read([8, 1, 1, 1]).context == nil)
  }

  @Test func options_long_withAZeroTail_areRead() throws {
    let long = try read([Self.size + 16, 0, 0, 3, 0, 0])
    #expect(long.threads == 3)
  }

  @Test(arguments: [1, 1 << 63] as [UInt64])
  func options_long_withABitSet_areRefused(bit: UInt64) {
    for position in [4, 5] {
      var words: [UInt64] = [Self.size + 16, 0, 0, 3, 0, 0]
      words[position] = bit
      #expect(status { _ = try read(words) } == TTK_ERROR_VERSION)
    }
  }

  @Test func executor_ofWrongFields_isRefused() {
    var given = ttk_executor()
    given.struct_size = MemoryLayout<ttk_executor>.size
    given.threads = 2
    #expect(status { _ = try executor(&given, threads: 0) } == TTK_ERROR_ARGUMENT)
    given.run = { _, count, task, context in for i in 0..<count { task?(context, i) } }
    #expect(status { _ = try executor(&given, threads: 0) } == TTK_OK)
    #expect(status { _ = try executor(&given, threads: -1) } == TTK_ERROR_ARGUMENT)
    given.threads = 0
    #expect(status { _ = try executor(&given, threads: 0) } == TTK_ERROR_ARGUMENT)
    given.threads = 2
    given.reserved = 1
    #expect(status { _ = try executor(&given, threads: 0) } == TTK_ERROR_VERSION)
  }

  @Test func executor_ofTheHost_runsEverything() throws {
    var calls = 0
    try withUnsafeMutablePointer(to: &calls) { calls in
      var given = ttk_executor()
      given.struct_size = MemoryLayout<ttk_executor>.size
      given.threads = 3
      given.context = UnsafeMutableRawPointer(calls)
      given.run = { context, count, task, taskContext in
        context!.assumingMemoryBound(to: Int.self).pointee += 1
        for i in 0..<count { task?(taskContext, i) }
      }
      let host = try executor(&given, threads: 2)
      #expect(host.threads == 2)
      var sum = 0
      try withUnsafeMutablePointer(to: &sum) { sum in
        nonisolated(unsafe) let sum = sum
        try host.parallelFor(10) { i in sum.pointee += i }
      }
      #expect(sum == 45)
    }
    #expect(calls == 1)
  }
}
