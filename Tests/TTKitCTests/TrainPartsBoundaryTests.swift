import CTTKit
import TTKitC
import Testing

/// Bad input at the entry points that reshape, cut, join and multiply trains, and what good input gives.
@Suite struct TrainPartsBoundaryTests {
  private func shape(_ train: OpaquePointer?) -> [Int64] {
    var shape = [Int64](repeating: 0, count: Int(ttk_train_order(train)))
    ttk_train_shape(train, &shape)
    return shape
  }

  @Test func reshape_badInput_isRefused() throws {
    let train = try makeTrain()
    let x = train.handle
    expectRefused(argument) { ttk_train_reshape(nil, 2, [6, 10], nil, $0) }
    expectRefused(argument) { ttk_train_reshape(x, 2, nil, nil, $0) }
    #expect(ttk_train_reshape(x, 2, [6, 10], nil, nil) == argument)
    for order: Int32 in [0, -1, .max, .min] {
      expectRefused(argument) { ttk_train_reshape(x, order, [6, 10], nil, $0) }
    }
    for bad: [Int64] in [[6, 11], [0, 60], [-6, -10], [7, 9], [.min, 1], [60, 2]] {
      expectRefused(argument) { ttk_train_reshape(x, 2, bad, nil, $0) }
    }
    expectRefused(argument) { ttk_train_reshape(x, 2, [.max, .max], nil, $0) }
    var options = svdOptions()
    options.rtol = -1
    expectRefused(argument) { ttk_train_reshape(x, 2, [6, 10], &options, $0) }
    var out: OpaquePointer?
    try #require(ttk_train_reshape(x, 4, [1, 6, 2, 5], nil, &out) == ok)
    #expect(shape(out) == [1, 6, 2, 5])
    ttk_train_destroy(out)
  }

  @Test func slice_badInput_isRefused() throws {
    let train = try makeTrain()
    let x = train.handle
    expectRefused(argument) { ttk_train_slice(nil, [0, 0, 0], [1, 1, 1], nil, $0) }
    expectRefused(argument) { ttk_train_slice(x, nil, [1, 1, 1], nil, $0) }
    expectRefused(argument) { ttk_train_slice(x, [0, 0, 0], nil, nil, $0) }
    #expect(ttk_train_slice(x, [0, 0, 0], [1, 1, 1], nil, nil) == argument)
    let bad: [([Int64], [Int64], [Int64])] = [
      ([3, 0, 0], [0, 1, 1], [1, 1, 1]), ([-1, 0, 0], [0, 1, 1], [1, 1, 1]),
      ([0, 0, 0], [4, 1, 1], [1, 1, 1]), ([0, 0, 0], [-1, 1, 1], [1, 1, 1]),
      ([0, 1, 0], [1, 3, 1], [1, -1, 1]), ([0, 0, 0], [2, 1, 1], [.max, 1, 1]),
      ([0, 0, 0], [.max, 1, 1], [.max, 1, 1]), ([.max, 0, 0], [2, 1, 1], [1, 1, 1]),
      ([.min, 0, 0], [0, 1, 1], [1, 1, 1]), ([0, 0, 0], [2, 1, 1], [.min, 1, 1]),
      ([0, 0, 0], [.min, 1, 1], [1, 1, 1]),
    ]
    for (first, counts, steps) in bad {
      expectRefused(argument) { ttk_train_slice(x, first, counts, steps, $0) }
    }
    var out: OpaquePointer?
    try #require(ttk_train_slice(x, [2, 1, 4], [3, 0, 2], [-1, 9, -3], &out) == ok)
    #expect(shape(out) == [3, 2])
    var (a, b) = (0.0, 0.0)
    #expect(ttk_train_evaluate(out, 1, [2, 1], &a) == ok)
    #expect(ttk_train_evaluate(x, 1, [0, 1, 1], &b) == ok)
    #expect(abs(a - b) < 1e-12)
    ttk_train_destroy(out)
  }

  @Test func concatenate_badInput_isRefused() throws {
    let (a, b) = (try makeTrain(), try makeTrain([3, 4, 6]))
    let both: [OpaquePointer?] = [a.handle, b.handle]
    expectRefused(argument) { ttk_train_concatenate(2, nil, 2, $0) }
    expectRefused(argument) { ttk_train_concatenate(0, both, 2, $0) }
    expectRefused(argument) { ttk_train_concatenate(-3, both, 2, $0) }
    expectRefused(argument) { ttk_train_concatenate(2, [a.handle, nil], 2, $0) }
    #expect(ttk_train_concatenate(2, both, 2, nil) == argument)
    for axis: Int32 in [-1, 0, 3, .max] {
      expectRefused(argument) { ttk_train_concatenate(2, both, axis, $0) }
    }
    var out: OpaquePointer?
    try #require(ttk_train_concatenate(2, both, 2, &out) == ok)
    #expect(shape(out) == [3, 4, 11])
    ttk_train_destroy(out)
  }

  @Test func products_badInput_areRefused() throws {
    let (a, b) = (try makeTrain(), try makeTrain([3, 4, 6]))
    expectRefused(argument) { ttk_train_multiply(nil, a.handle, 0, nil, $0) }
    expectRefused(argument) { ttk_train_multiply(a.handle, nil, 0, nil, $0) }
    expectRefused(argument) { ttk_train_multiply(a.handle, b.handle, 0, nil, $0) }
    #expect(ttk_train_multiply(a.handle, a.handle, 0, nil, nil) == argument)
    for method: ttk_product_method in [-1, 5, .max, .min] {
      expectRefused(argument) { ttk_train_multiply(a.handle, a.handle, method, nil, $0) }
    }
    var options = svdOptions()
    options.max_rank = -1
    expectRefused(argument) { ttk_train_multiply(a.handle, a.handle, 0, &options, $0) }
    for method: ttk_product_method in [0, 1, 2, 3, 4] {
      var out: OpaquePointer?
      try #require(ttk_train_multiply(a.handle, a.handle, method, nil, &out) == ok)
      ttk_train_destroy(out)
    }
    expectRefused(argument) { ttk_train_conjugate(nil, $0) }
  }

  @Test func matrices_badInput_isRefused() throws {
    let matrix = try makeMatrix()
    defer { ttk_train_matrix_destroy(matrix) }
    let x = try makeTrain([4, 2])
    expectRefused(argument) { ttk_train_matrix_trace(matrix, 1, [0], $0) }
    expectRefused(argument) { ttk_train_matrix_trace(matrix, 1, [2], $0) }
    expectRefused(argument) { ttk_train_matrix_trace(matrix, 3, [0, 1, 1], $0) }
    expectRefused(argument) { ttk_train_matrix_trace(nil, 0, nil, $0) }
    expectRefused(argument) { ttk_train_matrix_conjugate(nil, $0) }
    expectRefused(argument) { ttk_train_matrix_product(matrix, matrix, $0) }
    expectRefused(argument) { ttk_train_matrix_product(matrix, nil, $0) }
    expectRefused(argument) { ttk_train_matrix_multiply(matrix, matrix, 0, nil, $0) }
    expectRefused(argument) { ttk_train_matrix_multiply(nil, matrix, 0, nil, $0) }
    expectRefused(argument) { ttk_train_matrix_apply(matrix, nil, 0, nil, $0) }
    expectRefused(argument) { ttk_train_matrix_apply(matrix, x.handle, 9, nil, $0) }
    var (other, out): (OpaquePointer?, OpaquePointer?) = (nil, nil)
    try #require(ttk_train_matrix_transpose(matrix, &other) == ok)
    defer { ttk_train_matrix_destroy(other) }
    try #require(ttk_train_matrix_multiply(matrix, other, 0, nil, &out) == ok)
    var trace: OpaquePointer?
    try #require(ttk_train_matrix_trace(out, 2, [0, 1], &trace) == ok)
    ttk_train_matrix_destroy(out)
    let one = CArray([1, 1])
    #expect(ttk_train_matrix_to_array(trace, &one.array) == ok)
    // The trace of A Aᵀ is the sum of squares.
    let squares = CArray([6, 8]).values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(one.values[0] - squares) < 1e-10)
    ttk_train_matrix_destroy(trace)
  }
}
