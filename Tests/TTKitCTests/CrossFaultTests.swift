import CTTKit
import TTKitC
import Testing

extension FaultLoops {
  /// Cross approximation and dominant rows with every one of their allocations failing in turn.
  @Suite(.serialized) struct CrossFaultTests {
    private static let reciprocal: ttk_evaluate = { _, count, indices, values in
      let out = values!.assumingMemoryBound(to: Double.self)
      for j in 0..<count {
        out[j] = 1 / Double(1 + indices![3 * j] + 2 * indices![3 * j + 1] + indices![3 * j + 2])
      }
      return 0
    }

    @Test(arguments: [TTK_CROSS_TCI, TTK_CROSS_MAXVOL, TTK_CROSS_DMRG])
    func everyAllocationMayFail_cross(method: Int) {
      var options = ttk_cross_options()
      options.struct_size = MemoryLayout<ttk_cross_options>.size
      options.rtol = 1e-2
      options.method = ttk_cross_method(method)
      var (out, status): (OpaquePointer?, _) = (nil, ok)
      everyAllocationMayFail("cross, method \(method)") {
        status = ttk_cross(
          3, [9, 8, 9], ttk_dtype(TTK_FLOAT64), Self.reciprocal, nil, &options, &out, nil)
        return status
      } destroy: {
        defer {
          ttk_train_destroy(out)
          out = nil
        }
        return status == ok || out == nil
      }
    }

    @Test func everyAllocationMayFail_maxvol() {
      let a = CArray([8, 2], (0..<16).map { (i: Int) -> Double in Double(i * i % 7) - 3 })
      let b = CArray([8, 2])
      var (rows, count) = ([Int64](repeating: 0, count: 2), Int64(0))
      everyAllocationMayFail("maxvol") {
        ttk_maxvol(&a.array, nil, &rows, &count, &b.array)
      } destroy: {
        true
      }
    }
  }
}
