import CTTKKernels
import Glibc
import Testing

@testable import TTKit

/// Failing allocations are planned process-wide: these tests run alone, when `TTK_FAULT_TESTS` is set.
let faultsWanted = getenv("TTK_FAULT_TESTS") != nil

/// Lets allocation 1, 2, 3, ... of `call` fail, once and from then on, until it needs no more of them.
///
/// Each time the call must throw `.outOfMemory`, leave no block behind, and succeed when tried again.
func everyAllocationMayFail(
  _ call: () throws(TTKitError) -> Void, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try call()  // caches that live for ever are filled by now
  let blocks = ttkk_live_blocks()
  for forever in [Int32(0), 1] {
    for n in 1... {
      ttkk_fail_allocation(n, forever)
      var failure: TTKitError?
      do throws(TTKitError) { try call() } catch { failure = error }
      ttkk_fail_allocation(0, 0)
      #expect(
        ttkk_live_blocks() == blocks, "allocation \(n) left a block", sourceLocation: sourceLocation
      )
      guard let failure else {
        #expect(n > 1, "the call allocates nothing", sourceLocation: sourceLocation)
        break
      }
      guard case .outOfMemory = failure else {
        Issue.record("allocation \(n) gave \(failure)", sourceLocation: sourceLocation)
        break
      }
      try call()
    }
  }
}

@Suite(.serialized, .enabled(if: faultsWanted)) struct FaultLoops {
  @Test func everyAllocationMayFail_product() throws {
    var random = TestRandom(seed: 5)
    let a = try random.tensor([40, 30])
    try everyAllocationMayFail { () throws(TTKitError) in _ = try product(a, a, .transposed) }
  }

  @Test func everyAllocationMayFail_qr() throws {
    var random = TestRandom(seed: 6)
    let a = try random.tensor([30, 20])
    try everyAllocationMayFail { () throws(TTKitError) in _ = try qr(a) }
    try everyAllocationMayFail { () throws(TTKitError) in _ = try lq(a) }
  }

  @Test func everyAllocationMayFail_svd() throws {
    var random = TestRandom(seed: 7)
    let a = try random.tensor([30, 20])
    try everyAllocationMayFail { () throws(TTKitError) in _ = try svd(a) }
  }

  @Test func aFaultOnce_comesOnce() {
    ttkk_fail_allocation(2, 0)
    let blocks = (0..<4).map { _ in ttkk_allocate(8, 0) }
    #expect(blocks.map { $0 == nil } == [false, true, false, false])
    for block in blocks { ttkk_free(block) }
  }

  @Test func aFaultForever_stays() {
    ttkk_fail_allocation(2, 1)
    let blocks = (0..<4).map { _ in ttkk_allocate(8, 0) }
    ttkk_fail_allocation(0, 0)
    #expect(blocks.map { $0 == nil } == [false, true, true, true])
    for block in blocks { ttkk_free(block) }
  }
}
