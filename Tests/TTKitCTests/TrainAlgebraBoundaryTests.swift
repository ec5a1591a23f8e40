import CTTKit
import TTKitC
import Testing

/// Bad input at the entry points of the algebra of trains.
@Suite struct TrainAlgebraBoundaryTests {
  @Test func algebra_withoutHandles_isRefused() throws {
    let a = try makeTrain()
    var factor = 2.0
    let x = a.handle
    expectRefused(argument) { ttk_train_round(nil, nil, $0) }
    expectRefused(argument) { ttk_train_add(nil, x, $0) }
    expectRefused(argument) { ttk_train_add(x, nil, $0) }
    expectRefused(argument) { ttk_train_subtract(x, nil, $0) }
    expectRefused(argument) { ttk_train_hadamard(nil, x, $0) }
    expectRefused(argument) { ttk_train_scale(nil, &factor, $0) }
    expectRefused(argument) { ttk_train_scale(x, nil, $0) }
    expectRefused(argument) { ttk_train_sum(nil, 0, nil, nil, $0) }
    expectRefused(argument) { ttk_train_sum(x, 1, nil, nil, $0) }
    expectRefused(argument) { ttk_train_orthogonalize(nil, 0, 0, 0, $0) }
    expectRefused(argument) { ttk_train_transpose(nil, [0], nil, $0) }
    expectRefused(argument) { ttk_train_transpose(x, nil, nil, $0) }
    var value = 0.0
    #expect(ttk_train_dot(x, nil, &value) == argument)
    #expect(ttk_train_dot(x, x, nil) == argument)
    #expect(ttk_train_norm(nil, &value) == argument)
    #expect(ttk_train_norm(x, nil) == argument)
    #expect(ttk_train_add(x, x, nil) == argument)
    factor = .nan
    expectRefused(ttk_status(TTK_ERROR_NONFINITE)) { ttk_train_scale(x, &factor, $0) }
  }

  @Test func algebra_ofDifferentShapesOrDTypes_isRefused() throws {
    let (a, b) = (try makeTrain(), try makeTrain([3, 4, 6]))
    var single: [Float] = [1, 2, 3, 4]
    let shape: [Int64] = [2, 2]
    var c: OpaquePointer?
    try single.withUnsafeMutableBytes { bytes in
      try shape.withUnsafeBufferPointer { shape in
        var array = ttk_array(
          data: bytes.baseAddress, shape: shape.baseAddress, strides: nil, ndim: 2,
          dtype: ttk_dtype(TTK_FLOAT32))
        try #require(ttk_svd(&array, nil, &c) == ok)
      }
    }
    defer { ttk_train_destroy(c) }
    expectRefused(argument, containing: "shape") { ttk_train_add(a.handle, b.handle, $0) }
    expectRefused(argument) { ttk_train_subtract(a.handle, b.handle, $0) }
    expectRefused(argument) { ttk_train_hadamard(a.handle, b.handle, $0) }
    expectRefused(wrongDType, containing: "float32") { ttk_train_add(a.handle, c, $0) }
    var value = 0.0
    #expect(ttk_train_dot(a.handle, b.handle, &value) == argument)
    #expect(ttk_train_dot(c, a.handle, &value) == wrongDType)
  }

  @Test func sum_badAxesAndWeights_areRefused() throws {
    let train = try makeTrain()
    let x = train.handle
    for axes: [Int32] in [[3], [-1], [0, 0], [.max]] {
      expectRefused(argument) { ttk_train_sum(x, Int32(axes.count), axes, nil, $0) }
    }
    for count: Int32 in [-1, 4, .max] {
      expectRefused(argument) { ttk_train_sum(x, count, [0, 1, 2], nil, $0) }
    }
    let short = CArray([2])
    expectRefused(argument) { ttk_train_sum(x, 1, [1], &short.array, $0) }
    let other = CArray([4])
    other.array.dtype = ttk_dtype(TTK_FLOAT32)
    expectRefused(wrongDType) { ttk_train_sum(x, 1, [1], &other.array, $0) }
    let bad = CArray([4], [1, .nan, 1, 1])
    expectRefused(ttk_status(TTK_ERROR_NONFINITE)) { ttk_train_sum(x, 1, [1], &bad.array, $0) }
    // No data: ones.
    let ones = CArray([4])
    ones.array.data = nil
    var out: OpaquePointer?
    #expect(ttk_train_sum(x, 1, [1], &ones.array, &out) == ok)
    #expect(ttk_train_order(out) == 2)
    ttk_train_destroy(out)
  }

  @Test func positions_outOfRange_areRefused() throws {
    let train = try makeTrain()
    let ranges: [[Int32]] = [[-1, 0, 2], [0, 0, 3], [1, 0, 2], [0, 2, 1], [0, .max, .max]]
    for r in ranges {
      expectRefused(argument) { ttk_train_orthogonalize(train.handle, r[0], r[1], r[2], $0) }
    }
    let orders: [[Int32]] = [[0, 0, 1], [0, 1, 3], [-1, 0, 1], [.max, 0, 1]]
    for axes in orders {
      expectRefused(argument) { ttk_train_transpose(train.handle, axes, nil, $0) }
    }
  }
}
