import CTTKit
import Testing
import TTKitC

@Suite struct EmbeddingBoundaryTests {
  private let int64 = ttk_dtype(TTK_INT64)

  @Test func bags_areSums_andBadOnesAreRefused() throws {
    let layer = try makeEmbedding()
    let plan = try prepareEmbedding(layer, rows: 4)
    let size = ttk_embedding_plan_workspace_size(plan.handle)
    var workspace = [UInt8](repeating: 0, count: size)
    let table = CArray([12, 8]).values
    func run(
      _ ids: [Int64]?, _ count: Int64, _ offsets: [Int64]?, _ bags: Int64, mode: Int32 = 0,
      dtype: ttk_dtype? = nil, y: UnsafeMutablePointer<Double>?, space: Int? = nil
    ) -> ttk_status {
      ttk_embedding_execute_bags(
        plan.handle, ids, dtype ?? int64, count, offsets, bags, mode, y, &workspace, space ?? size)
    }
    var y = [Double](repeating: 99, count: 16)
    #expect(run([1, 2, 3], 3, [0, 2], 2, y: &y) == ok)
    for j in 0..<8 {
      #expect(y[j] == table[8 + j] + table[16 + j] && y[8 + j] == table[24 + j])
    }
    #expect(run([1, 3], 2, [0], 1, mode: 1, y: &y) == ok)
    #expect((0..<8).allSatisfy { y[$0] == (table[8 + $0] + table[24 + $0]) / 2 })
    #expect(run(nil, 0, [0, 0], 2, y: &y) == ok && y.allSatisfy { $0 == 0 })
    #expect(run(nil, 0, nil, 0, y: nil) == ok)

    #expect(run([1], 1, nil, 0, y: &y) == argument)
    #expect(run([1], 1, [0], -1, y: &y) == argument)
    #expect(run([1], 1, [0], 1, mode: 2, y: &y) == argument)
    #expect(run([1], 1, [1], 1, y: &y) == argument)
    #expect(run([1, 2], 2, [0, 3], 2, y: &y) == argument)
    #expect(run([1, 2], 2, [0, -1], 2, y: &y) == argument)
    #expect(run([12], 1, [0], 1, y: &y) == argument)
    #expect(run([0, 1, 2, 3, 4], 5, [0], 1, y: &y) == argument)
    #expect(run(nil, 1, [0], 1, y: &y) == argument)
    #expect(run([1], 1, nil, 1, y: &y) == argument)
    #expect(run([1], 1, [0], 1, y: nil) == argument)
    #expect(run([1], 1, [0], 1, dtype: ttk_dtype(TTK_FLOAT32), y: &y) == wrongDType)
    #expect(run([1], 1, [0], 1, y: &y, space: size - 1) == argument)
    #expect(run([1], 1, [0], .max, y: &y) == tooLarge)
    #expect(ttk_embedding_execute_bags(nil, nil, int64, 0, nil, 0, 0, nil, nil, 0) == argument)
  }

  @Test func vjp_addsRepeatedIds_andBadInputIsRefused() throws {
    let layer = try makeEmbedding()
    let ids: [Int64] = [3, 0, 3]
    let (gradient, core) = (CArray([3, 8]), CArray([12, 8]))
    func run(
      _ ids: [Int64]?, _ count: Int64, _ gradient: CArray?, _ core: CArray?,
      dtype: ttk_dtype? = nil
    ) -> ttk_status {
      var (g, c) = (gradient?.array, core?.array)
      func pointer(_ array: inout ttk_array?) -> UnsafeMutablePointer<ttk_array>? {
        guard array != nil else { return nil }
        return withUnsafeMutablePointer(to: &array!) { $0 }
      }
      return withUnsafeMutablePointer(to: &g) { g in
        withUnsafeMutablePointer(to: &c) { c in
          ttk_embedding_vjp(
            layer.handle, ids, dtype ?? int64, count, pointer(&g.pointee), nil,
            pointer(&c.pointee))
        }
      }
    }
    #expect(run(ids, 3, gradient, core) == ok)
    let (g, found) = (gradient.values, core.values)
    for row in 0..<12 {
      for j in 0..<8 {
        let expected = row == 3 ? g[j] + g[16 + j] : row == 0 ? g[8 + j] : 0
        #expect(found[row * 8 + j] == expected)
      }
    }
    #expect(run(nil, 0, CArray([0, 8]), core) == ok && core.values.allSatisfy { $0 == 0 })
    #expect(run([3, 12, 0], 3, gradient, core) == argument)
    #expect(run(ids, 2, gradient, core) == argument)
    #expect(run(ids, -1, gradient, core) == argument)
    #expect(run(ids, .max, gradient, core) == argument)
    #expect(run(nil, 3, gradient, core) == argument)
    #expect(run(ids, 3, nil, core) == argument)
    #expect(run(ids, 3, gradient, nil) == argument)
    #expect(run(ids, 3, gradient, CArray([8, 12])) == argument)
    #expect(run(ids, 3, gradient, core, dtype: 99) == wrongDType)
    let square = CArray([12, 8])
    #expect(run([Int64](repeating: 1, count: 12), 12, square, square) == argument)
    #expect(ttk_embedding_vjp(nil, ids, int64, 3, nil, nil, nil) == argument)
  }
}
