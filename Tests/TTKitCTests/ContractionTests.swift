import CTTKit
import Testing

@testable import TTKitC

/// A plan through the C interface.
private func planned(
  _ equation: String?, _ shapes: [[Int64]], dtype: Int = TTK_FLOAT64,
  options: ttk_contraction_options? = nil, count: Int32? = nil
) -> (status: Int, plan: OpaquePointer?) {
  var plan = OpaquePointer(bitPattern: 8)
  let ndims = shapes.map { Int32($0.count) }
  let blocks = shapes.map { shape in
    let block = UnsafeMutablePointer<Int64>.allocate(capacity: shape.count + 1)
    for (i, length) in shape.enumerated() { block[i] = length }
    return block
  }
  defer { for block in blocks { block.deallocate() } }
  let pointers = blocks.map { Optional(UnsafePointer($0)) }
  let number = count ?? Int32(shapes.count)
  let status: ttk_status
  if var options {
    status = ttk_contraction_plan(
      equation, number, ndims, pointers, ttk_dtype(dtype), &options, &plan)
  } else {
    status = ttk_contraction_plan(equation, number, ndims, pointers, ttk_dtype(dtype), nil, &plan)
  }
  return (Int(status), plan)
}

/// Calls `body` with arrays over the given elements.
private func withArrays<R>(
  _ shapes: [[Int64]], _ elements: inout [[Double]], dtype: Int = TTK_FLOAT64,
  _ body: ([ttk_array]) -> R
) -> R {
  var arrays: [ttk_array] = []
  var blocks: [UnsafeMutablePointer<Int64>] = []
  for (k, shape) in shapes.enumerated() {
    let block = UnsafeMutablePointer<Int64>.allocate(capacity: shape.count + 1)
    for (i, length) in shape.enumerated() { block[i] = length }
    blocks.append(block)
    var array = ttk_array()
    array.data = elements[k].withUnsafeMutableBytes { $0.baseAddress }
    array.shape = UnsafePointer(block)
    array.ndim = Int32(shape.count)
    array.dtype = ttk_dtype(dtype)
    arrays.append(array)
  }
  defer { for block in blocks { block.deallocate() } }
  return body(arrays)
}

@Suite struct ContractionTests {
  private let shapes: [[Int64]] = [[2, 3], [3, 2]]

  @Test func execute_multipliesMatrices() throws {
    let (status, plan) = planned("ab,bc->ac", shapes)
    #expect(status == TTK_OK)
    defer { ttk_contraction_destroy(plan) }
    #expect(ttk_contraction_operand_count(plan) == 2)
    #expect(ttk_contraction_dtype(plan) == ttk_dtype(TTK_FLOAT64))
    #expect(ttk_contraction_flops(plan) == 24 && ttk_contraction_bytes(plan) == 128)
    var path: [Int32] = [-1, -1]
    ttk_contraction_path(plan, &path)
    #expect(path.sorted() == [0, 1])
    #expect(String(cString: ttk_contraction_explain(plan)!).contains("ab,bc->ac"))
    var (ndim, shape) = (Int32(0), [Int64](repeating: 0, count: 64))
    #expect(ttk_contraction_result_shape(plan, &ndim, &shape) == ttk_status(TTK_OK))
    #expect(ndim == 2 && shape[0] == 2 && shape[1] == 2)

    var elements: [[Double]] = [[1, 2, 3, 4, 5, 6], [1, 0, 0, 1, 1, 1], [0, 0, 0, 0]]
    var workspace = [UInt8](repeating: 0, count: ttk_contraction_workspace_size(plan))
    let done = withArrays(shapes + [[2, 2]], &elements) { arrays in
      var out = arrays[2]
      return ttk_contraction_execute(plan, 2, arrays, &out, &workspace, workspace.count)
    }
    #expect(done == ttk_status(TTK_OK))
    #expect(elements[2] == [4, 5, 10, 11])
  }

  @Test func vjp_isAPlanOfItsOwn() {
    let (_, plan) = planned("ab,bc->ac", shapes)
    defer { ttk_contraction_destroy(plan) }
    var gradient: OpaquePointer?
    #expect(ttk_contraction_vjp(plan, 1, nil, &gradient) == ttk_status(TTK_OK))
    defer { ttk_contraction_destroy(gradient) }
    // Operand 1 is the gradient (2, 2) now; the result is (3, 2).
    var elements: [[Double]] = [[1, 2, 3, 4, 5, 6], [1, 0, 0, 1], [0, 0, 0, 0, 0, 0]]
    var workspace = [UInt8](repeating: 0, count: ttk_contraction_workspace_size(gradient))
    let done = withArrays([[2, 3], [2, 2], [3, 2]], &elements) { arrays in
      var out = arrays[2]
      return ttk_contraction_execute(gradient, 2, arrays, &out, &workspace, workspace.count)
    }
    #expect(done == ttk_status(TTK_OK))
    #expect(elements[2] == [1, 4, 2, 5, 3, 6])
    #expect(ttk_contraction_vjp(plan, 2, nil, &gradient) == ttk_status(TTK_ERROR_ARGUMENT))
    #expect(gradient == nil)
  }

  @Test func plan_ofBadInput_isRefused() {
    for (equation, shapes, status) in [
      ("ab,bc->ad", shapes, TTK_ERROR_ARGUMENT), ("ab,bc->aa", shapes, TTK_ERROR_ARGUMENT),
      ("ab;bc", shapes, TTK_ERROR_ARGUMENT), ("ab,bc->ac", [[2, 3], [4, 2]], TTK_ERROR_ARGUMENT),
      ("ab,bc->ac", [[2, -3], [-3, 2]], TTK_ERROR_ARGUMENT),
      ("a,b,c->abc", [[1 << 31], [1 << 31], [1 << 31]], TTK_ERROR_SIZE),
      (nil, shapes, TTK_ERROR_ARGUMENT),
    ] as [(String?, [[Int64]], Int)] {
      let (found, plan) = planned(equation, shapes)
      #expect(found == status && plan == nil, "\(equation ?? "NULL")")
    }
    #expect(planned("a->", [[2]], dtype: TTK_INT8).status == TTK_ERROR_DTYPE)
    #expect(planned("a->", [[2]], dtype: 77).status == TTK_ERROR_DTYPE)
    #expect(planned("a->", [[2]], count: 0).status == TTK_ERROR_ARGUMENT)
    #expect(planned("a->", [[2]], count: -5).status == TTK_ERROR_ARGUMENT)
    var options = ttk_contraction_options()
    options.struct_size = MemoryLayout<ttk_contraction_options>.size
    options.memory_limit = -1
    #expect(planned("a->", [[2]], options: options).status == TTK_ERROR_ARGUMENT)
    options.memory_limit = 0
    options.optimize = 7
    #expect(planned("a->", [[2]], options: options).status == TTK_ERROR_ARGUMENT)
    options.optimize = 0
    options.memory_limit = 8
    #expect(planned("ab,bc->ac", shapes, options: options).status == TTK_ERROR_ARGUMENT)
    #expect(ttk_contraction_plan("a->", 1, nil, nil, 1, nil, nil) == ttk_status(TTK_ERROR_ARGUMENT))
  }

  @Test func execute_ofBadInput_isRefused() {
    let (_, plan) = planned("ab,bc->ac", shapes)
    defer { ttk_contraction_destroy(plan) }
    var elements: [[Double]] = [
      [Double](repeating: 0, count: 6), [Double](repeating: 0, count: 6), [0, 0, 0, 0],
    ]
    var workspace = [UInt8](repeating: 0, count: ttk_contraction_workspace_size(plan))
    withArrays(shapes + [[2, 2]], &elements) { arrays in
      func status(
        _ operands: [ttk_array], _ out: ttk_array, count: Int = 2, size: Int? = nil,
        workspace given: UnsafeMutableRawPointer? = nil
      ) -> Int {
        var out = out
        return workspace.withUnsafeMutableBytes { bytes in
          Int(
            ttk_contraction_execute(
              plan, count, operands, &out, given ?? bytes.baseAddress, size ?? bytes.count))
        }
      }
      #expect(status(arrays, arrays[2]) == TTK_OK)
      #expect(status(arrays, arrays[2], count: 1) == TTK_ERROR_ARGUMENT)
      #expect(status(arrays, arrays[2], size: 16) == TTK_ERROR_ARGUMENT)
      #expect(status(arrays, arrays[2], workspace: arrays[0].data) == TTK_ERROR_ARGUMENT)
      #expect(status([arrays[1], arrays[0]], arrays[2]) == TTK_ERROR_ARGUMENT)
      // An output inside an operand, with strides that repeat, of another dtype, without memory.
      var out = arrays[2]
      out.data = arrays[0].data
      #expect(status(arrays, out) == TTK_ERROR_ARGUMENT)
      out = arrays[2]
      out.dtype = ttk_dtype(TTK_FLOAT32)
      #expect(status(arrays, out) == TTK_ERROR_DTYPE)
      out = arrays[2]
      out.data = nil
      #expect(status(arrays, out) == TTK_ERROR_ARGUMENT)
      let steps: [Int64] = [1, 1]
      steps.withUnsafeBufferPointer { steps in
        out = arrays[2]
        out.strides = steps.baseAddress
        #expect(status(arrays, out) == TTK_ERROR_ARGUMENT)
      }
      var none = arrays[2]
      let refused = ttk_contraction_execute(nil, 2, arrays, &none, nil, 0)
      #expect(refused == ttk_status(TTK_ERROR_ARGUMENT))
    }
  }

  @Test func gradients_areThoseOfTheProduct_orRefused() {
    let (_, plan) = planned("ab,bc->ac", shapes)
    defer { ttk_contraction_destroy(plan) }
    var elements: [[Double]] = [
      [1, 2, 3, 4, 5, 6], [1, 0, 0, 1, 1, 1], [1, 2, 3, 4], [Double](repeating: .nan, count: 6),
      [Double](repeating: .nan, count: 6),
    ]
    withArrays([[2, 3], [3, 2], [2, 2], [2, 3], [3, 2]], &elements) { arrays in
      func status(_ operands: [ttk_array], _ above: ttk_array, _ results: [ttk_array]) -> Int {
        var (above, results) = (above, results)
        return Int(ttk_contraction_gradients(plan, 2, operands, &above, &results))
      }
      let results = [arrays[3], arrays[4]]
      #expect(status(arrays, arrays[2], results) == TTK_OK)
      let first = arrays[3].data!.assumingMemoryBound(to: Double.self)
      #expect((0..<6).map { first[$0] } == [1, 2, 3, 3, 4, 7])
      let second = arrays[4].data!.assumingMemoryBound(to: Double.self)
      #expect((0..<6).map { second[$0] } == [13, 18, 17, 24, 21, 30])
      // Results over an operand or one another, a gradient of another shape, no arrays at all.
      #expect(status(arrays, arrays[2], [arrays[0], arrays[4]]) == TTK_ERROR_ARGUMENT)
      #expect(status(arrays, arrays[2], [arrays[4], arrays[4]]) == TTK_ERROR_ARGUMENT)
      #expect(status(arrays, arrays[0], results) == TTK_ERROR_ARGUMENT)
      var above = arrays[2]
      var some = results
      func refused(_ status: ttk_status) -> Bool { status == ttk_status(TTK_ERROR_ARGUMENT) }
      #expect(refused(ttk_contraction_gradients(plan, 1, arrays, &above, &some)))
      #expect(refused(ttk_contraction_gradients(plan, 2, nil, &above, &some)))
      #expect(refused(ttk_contraction_gradients(plan, 2, arrays, nil, &some)))
      #expect(refused(ttk_contraction_gradients(plan, 2, arrays, &above, nil)))
      #expect(refused(ttk_contraction_gradients(nil, 2, arrays, &above, &some)))
    }
  }

  @Test func gradients_ofComplexNumbers_conjugate() {
    let (_, plan) = planned("a,a->", [[1], [1]], dtype: TTK_COMPLEX128)
    defer { ttk_contraction_destroy(plan) }
    var gradient: OpaquePointer?
    #expect(ttk_contraction_vjp(plan, 0, nil, &gradient) == ttk_status(TTK_OK))
    defer { ttk_contraction_destroy(gradient) }
    // (5 + 6i) times the conjugate of 3 + 4i.
    var elements: [[Double]] = [[5, 6], [3, 4], [0, 0]]
    var workspace = [UInt8](repeating: 0, count: ttk_contraction_workspace_size(gradient))
    let done = withArrays([[], [1], [1]], &elements, dtype: TTK_COMPLEX128) { arrays in
      var out = arrays[2]
      return ttk_contraction_execute(gradient, 2, arrays, &out, &workspace, workspace.count)
    }
    #expect(done == ttk_status(TTK_OK) && elements[2] == [39, -2])
    var again: OpaquePointer?
    #expect(ttk_contraction_vjp(gradient, 0, nil, &again) == ttk_status(TTK_ERROR_ARGUMENT))
  }

  @Test func indexVectors_areCheckedBeforeAnythingIsWritten() {
    let (status, plan) = planned("{i[n]}a->na", [[3, 2], [2]])
    #expect(status == TTK_OK && ttk_contraction_operand_count(plan) == 1)
    defer { ttk_contraction_destroy(plan) }
    var elements: [[Double]] = [[1, 2, 3, 4, 5, 6], [0, 0], [9, 9, 9, 9], [0, 0, 0, 0, 0, 0]]
    var workspace = [UInt8](repeating: 0, count: ttk_contraction_workspace_size(plan))
    let ids = UnsafeMutablePointer<Int32>.allocate(capacity: 2)
    defer { ids.deallocate() }
    withArrays([[3, 2], [2], [2, 2], [3, 2]], &elements) { arrays in
      var vector = arrays[1]
      func status(_ dtype: Int = TTK_INT32, count: Int = 2) -> Int {
        var out = arrays[2]
        vector.data = UnsafeMutableRawPointer(ids)
        vector.dtype = ttk_dtype(dtype)
        return Int(
          ttk_contraction_execute(
            plan, count, [arrays[0], vector], &out, &workspace, workspace.count))
      }
      let made = arrays[2].data!.assumingMemoryBound(to: Double.self)
      for (bad, word) in [(3, "holds 3 at 1"), (-1, "holds -1 at 1")] {
        (ids[0], ids[1]) = (0, Int32(bad))
        #expect(status() == TTK_ERROR_ARGUMENT && made[0] == 9)
        #expect(String(cString: ttk_last_error()).contains(word))
      }
      ids[1] = 2
      #expect(status(TTK_FLOAT64) == TTK_ERROR_DTYPE && status(TTK_UINT8) == TTK_ERROR_DTYPE)
      #expect(status(count: 1) == TTK_ERROR_ARGUMENT)
      #expect(status() == TTK_OK && (0..<4).map { made[$0] } == [1, 2, 5, 6])
      // The gradient adds up where rows are read.
      var (above, target) = (arrays[2], arrays[3])
      #expect(
        ttk_contraction_gradients(plan, 2, [arrays[0], vector], &above, &target)
          == ttk_status(TTK_OK))
      let gradient = arrays[3].data!.assumingMemoryBound(to: Double.self)
      #expect((0..<6).map { gradient[$0] } == [1, 2, 0, 0, 5, 6])
    }
  }

  @Test func null_isHarmless() {
    #expect(String(cString: ttk_linear_plan_explain(nil)!).isEmpty)
    ttk_contraction_destroy(nil)
    #expect(ttk_contraction_flops(nil) == 0 && ttk_contraction_workspace_size(nil) == 0)
    #expect(String(cString: ttk_contraction_explain(nil)!).isEmpty)
    ttk_contraction_path(nil, nil)
  }
}
