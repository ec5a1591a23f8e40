/// Tests that let allocations fail. The counters behind them belong to the whole process, so these
/// suites run one after another, in a process of their own: TTK_FAULT_TESTS=1 swift test --filter FaultLoops.
import CTTKKernels
import CTTKit
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Encloses every suite that plans faults.
@Suite(.serialized, .enabled(if: getenv("TTK_FAULT_TESTS") != nil))
struct FaultLoops {}

/// Lets allocation n = 1, 2, ... of `call` fail, once and then for good, until the call succeeds untouched.
///
/// Each failure must say MEMORY and give back what it had taken. `call` gets a place for its status check
/// and must destroy what it made.
func everyAllocationMayFail(
  _ name: String, _ call: () -> ttk_status, destroy: () -> Bool
) {
  for forever: Int32 in [0, 1] {
    var n = 1
    while true {
      let before = ttkk_live_blocks()
      ttkk_fail_allocation(n, forever)
      let status = call()
      ttkk_fail_allocation(0, 0)
      if status == ttk_status(TTK_OK) {
        _ = destroy()
        #expect(ttkk_live_blocks() == before, "\(name) leaks on success")
        #expect(n > 1, "\(name) allocates nothing")
        break
      }
      #expect(status == ttk_status(TTK_ERROR_MEMORY), "\(name), allocation \(n)")
      #expect(destroy(), "\(name), allocation \(n): the result is not NULL")
      #expect(ttkk_live_blocks() == before, "\(name) leaks after allocation \(n)")
      guard n < 10_000 else {
        Issue.record("\(name) never succeeds")
        return
      }
      n += 1
    }
    #expect(call() == ttk_status(TTK_OK), "\(name), second try")
    _ = destroy()
  }
}

/// The same for calls that make a handle, which `release` destroys.
func everyAllocationMayFail(
  _ name: String, _ call: (UnsafeMutablePointer<OpaquePointer?>) -> ttk_status,
  _ release: (OpaquePointer?) -> Void = { ttk_train_destroy($0) }
) {
  var out: OpaquePointer?
  var status = ok
  everyAllocationMayFail(name) {
    status = call(&out)
    return status
  } destroy: {
    defer {
      release(out)
      out = nil
    }
    return status == ok || out == nil
  }
}

/// The same for calls that only write into the caller's memory.
func everyAllocationMayFail(_ name: String, writing call: () -> ttk_status) {
  everyAllocationMayFail(name, call, destroy: { true })
}
