import CTTKKernels
import Testing

@testable import TTKit

/// Counters are process-wide, like faults: these run in the suite that runs alone.
extension FaultLoops {
  /// Views of random numbers, and what holds their memory.
  private func operands(
    _ shapes: [[Int]], _ dtype: DType, _ random: inout TestRandom
  ) throws -> (views: [StridedView], owners: [Any]) {
    var views: [StridedView] = []
    var owners: [Any] = []
    for shape in shapes {
      let isComplex = dtype == .complex64 || dtype == .complex128
      let numbers = try random.tensor([shape.reduce(isComplex ? 2 : 1, *)])
      let data: UnsafeMutableRawPointer
      if dtype == .float64 || dtype == .complex128 {
        data = UnsafeMutableRawPointer(numbers.storage.buffer.base)
        owners.append(numbers)
      } else {
        let single = try numbers.converted(to: Float.self)
        data = UnsafeMutableRawPointer(single.storage.buffer.base)
        owners.append(single)
      }
      views.append(try StridedView(data: data, shape: shape, strides: nil, dtype: dtype))
    }
    return (views, owners)
  }

  @Test(arguments: [DType.float32, .float64, .complex64, .complex128])
  func executeContraction_allocatesNothing(dtype: DType) throws {
    var random = TestRandom(seed: 5)
    let positions = try Tensor<Int64>(shape: [6]) { out in
      for i in out.indices { out[i] = Int64(i % 4) }
    }
    let vector = try StridedView(
      data: UnsafeMutableRawPointer(positions.storage.buffer.base), shape: [6], strides: nil,
      dtype: .int64)
    for (text, shapes) in [
      ("abc,cd,db->ad", [[9, 8, 7], [7, 20], [20, 8]]),
      ("bij,bjk->kib", [[17, 7, 9], [17, 9, 18]]),
      ("ij->j", [[30, 40]]), ("aab,b->ab", [[5, 5, 3], [3]]),
      ("a{2*y+i-1},iab->by", [[3, 20], [4, 3, 5]]),
      ("{i[n]}ar,rb->nab", [[4, 3, 7], [7, 5], [6]]),
    ] {
      let own = text.contains("[n]") ? Array(shapes.dropLast()) : shapes
      let vectors = text.contains("[n]") ? [vector] : []
      let plan = try plan(text, shapes, dtype)
      let (given, owners) = try operands(own, dtype, &random)
      let (targets, targetOwners) = try operands([plan.resultShape], dtype, &random)
      let (made, madeOwners) = try operands(own, dtype, &random)
      let workspace = try Buffer<UInt8>(count: plan.workspaceSize)
      let before = ttkk_allocation_count()
      for _ in 0..<10 {
        try plan.execute(given + vectors, into: targets[0], workspace: workspace.base)
      }
      #expect(ttkk_allocation_count() == before, "\(text) \(dtype)")
      // Each gradient's plan allocates nothing either.
      for k in own.indices {
        let gradient = try plan.gradient(of: k)
        let memory = try Buffer<UInt8>(count: gradient.workspaceSize)
        var others = given
        others[k] = targets[0]
        let before = ttkk_allocation_count()
        for _ in 0..<10 {
          try gradient.execute(others + vectors, into: made[k], workspace: memory.base)
        }
        #expect(ttkk_allocation_count() == before, "\(text) \(dtype), gradient \(k)")
      }
      // All gradients at once take one piece of workspace and nothing more.
      try plan.gradients(given + vectors, above: targets[0], into: made)
      let count = ttkk_allocation_count()
      for _ in 0..<10 { try plan.gradients(given + vectors, above: targets[0], into: made) }
      #expect(ttkk_allocation_count() == count + 10, "\(text) \(dtype), all gradients")
      withExtendedLifetime((owners, targetOwners, madeOwners, positions)) {}
    }
  }

  /// With a workspace of the caller, the products of all gradients allocate nothing.
  @Test func executeGradients_allocatesNothing() throws {
    var random = TestRandom(seed: 6)
    let shapes = [[9, 8, 7], [7, 20], [20, 8]]
    let equation = try ContractionEquation(parsing: "abc,cd,db->ad")
    for dtype in [DType.float32, .float64] {
      let together = try GradientPlan(equation, shapes: shapes, dtype: dtype)
      let (given, owners) = try operands(shapes, dtype, &random)
      let (made, madeOwners) = try operands(shapes, dtype, &random)
      let (above, aboveOwners) = try operands([[9, 20]], dtype, &random)
      let workspace = try Buffer<UInt8>(count: together.workspaceSize)
      let before = ttkk_allocation_count()
      for _ in 0..<10 {
        together.execute(
          given, above: above[0], into: made, executor: .serial, workspace: workspace.base)
      }
      #expect(ttkk_allocation_count() == before)
      withExtendedLifetime((owners, madeOwners, aboveOwners)) {}
    }
  }
}
