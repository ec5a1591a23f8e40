import CTTKKernels
import Testing

@testable import TTKit

/// Counters are process-wide, like faults: these run in the suite that runs alone.
extension FaultLoops {
  @Test func executeContraction_allocatesNothing() throws {
    var random = TestRandom(seed: 5)
    for (text, shapes) in [
      ("abc,cd,db->ad", [[9, 8, 7], [7, 20], [20, 8]]),
      ("bij,bjk->kib", [[17, 7, 9], [17, 9, 18]]),
      ("ij->j", [[30, 40]]),
    ] {
      let plan = try plan(text, shapes)
      let tensors = try plan.shapes.map { try random.tensor($0) }
      let target = try random.tensor(plan.resultShape)
      let views = try tensors.map { try view($0) }
      let out = try view(target)
      let workspace = try Buffer<UInt8>(count: plan.workspaceSize)
      let before = ttkk_allocation_count()
      for _ in 0..<10 { plan.execute(views, into: out, workspace: workspace.base) }
      #expect(ttkk_allocation_count() == before)
    }
  }
}
