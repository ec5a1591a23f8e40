import CTTKit
import TTKitC
import Testing

/// Bad input at every entry point of train_matrix.h, and the way through it.
@Suite struct TrainMatrixBoundaryTests {
  @Test func fromArray_roundTrips() throws {
    let matrix = try makeMatrix()
    defer { ttk_train_matrix_destroy(matrix) }
    var (rows, columns) = ([Int64](repeating: 0, count: 2), [Int64](repeating: 0, count: 2))
    var ranks = [Int64](repeating: 0, count: 3)
    ttk_train_matrix_rows(matrix, &rows)
    ttk_train_matrix_columns(matrix, &columns)
    ttk_train_matrix_ranks(matrix, &ranks)
    #expect(rows == [2, 3] && columns == [4, 2] && ranks[0] == 1 && ranks[2] == 1)
    #expect(ttk_train_matrix_order(matrix) == 2)
    #expect(ttk_train_matrix_dtype(matrix) == ttk_dtype(TTK_FLOAT64))
    #expect(ttk_train_matrix_nbytes(matrix) == 8 * ranks[1] * (8 + 6))
    #expect(ttk_train_matrix_error(matrix) < 16 * Double.ulpOfOne)
    let (source, result) = (CArray([6, 8]), CArray([6, 8], .init(repeating: 0, count: 48)))
    #expect(ttk_train_matrix_to_array(matrix, &result.array) == ok)
    #expect(zip(result.values, source.values).allSatisfy { abs($0 - $1) < 64 * 13 * 2.3e-16 })
    var core = ttk_array()
    #expect(ttk_train_matrix_core(matrix, 1, &core) == ok)
    #expect(core.ndim == 4 && core.shape[1] == 3 && core.shape[2] == 2)
    for k: Int32 in [-1, 2] { #expect(ttk_train_matrix_core(matrix, k, &core) == argument) }
  }

  @Test func fromArray_badInput_isRefused() {
    let array = CArray([6, 8])
    func refused(_ status: ttk_status, _ order: Int32, _ rows: [Int64], _ columns: [Int64]) {
      expectRefused(status, "rows \(rows) columns \(columns)") {
        ttk_train_matrix_from_array(&array.array, order, rows, columns, nil, $0)
      }
    }
    refused(argument, 0, [2, 3], [4, 2])
    refused(argument, -1, [2, 3], [4, 2])
    refused(argument, .max, [2, 3], [4, 2])
    refused(argument, 2, [2, 2], [4, 2])
    refused(argument, 2, [0, 3], [4, 2])
    refused(argument, 2, [-2, -3], [4, 2])
    refused(tooLarge, 2, [.max, 3], [4, 2])
    expectRefused(argument) {
      ttk_train_matrix_from_array(&array.array, 2, nil, [4, 2], nil, $0)
    }
    expectRefused(argument) { ttk_train_matrix_from_array(nil, 2, [2, 3], [4, 2], nil, $0) }
    let cube = CArray([6, 4, 2])
    expectRefused(argument) {
      ttk_train_matrix_from_array(&cube.array, 2, [2, 3], [4, 2], nil, $0)
    }
    array.data[5] = .nan
    refused(ttk_status(TTK_ERROR_NONFINITE), 2, [2, 3], [4, 2])
    array.array.dtype = ttk_dtype(TTK_INT8)
    refused(wrongDType, 2, [2, 3], [4, 2])
    #expect(ttk_train_matrix_from_array(&array.array, 2, [2, 3], [4, 2], nil, nil) == argument)
  }

  @Test func fromCores_needsFourAxes() {
    let (good, bad) = (CArray([1, 2, 3, 1]), CArray([1, 2, 3]))
    var out: OpaquePointer?
    #expect(ttk_train_matrix_from_cores(1, &good.array, &out) == ok)
    ttk_train_matrix_destroy(out)
    expectRefused(argument) { ttk_train_matrix_from_cores(1, &bad.array, $0) }
    expectRefused(argument) { ttk_train_matrix_from_cores(0, &good.array, $0) }
    expectRefused(argument) { ttk_train_matrix_from_cores(1, nil, $0) }
  }

  @Test func products_checkTheirOperands() throws {
    let matrix = try makeMatrix()
    defer { ttk_train_matrix_destroy(matrix) }
    let (x, y) = (CArray([8, 3]), CArray([6, 3]))
    #expect(ttk_train_matrix_multiply_array(matrix, &x.array, &y.array) == ok)
    let dense = CArray([6, 8])
    for i in 0..<6 {
      for j in 0..<3 {
        let expected = (0..<8).reduce(0.0) { $0 + dense.data[i * 8 + $1] * x.data[$1 * 3 + j] }
        #expect(abs(y.data[i * 3 + j] - expected) < 64 * 8 * 169 * 2.3e-16)
      }
    }
    let wide = CArray([6, 4])
    #expect(ttk_train_matrix_multiply_array(matrix, &x.array, &wide.array) == argument)
    let tall = CArray([6, 3])
    #expect(ttk_train_matrix_multiply_array(matrix, &tall.array, &y.array) == argument)
    #expect(ttk_train_matrix_multiply_array(matrix, nil, &y.array) == argument)
    #expect(ttk_train_matrix_multiply_array(matrix, &x.array, nil) == argument)
    #expect(ttk_train_matrix_multiply_array(nil, &x.array, &y.array) == argument)
    var inside = y.array
    inside.data = x.array.data
    #expect(ttk_train_matrix_multiply_array(matrix, &x.array, &inside) == argument, "overlap")
    x.data[1] = .infinity
    let status = ttk_train_matrix_multiply_array(matrix, &x.array, &y.array)
    #expect(status == ttk_status(TTK_ERROR_NONFINITE))
    let (fits, other) = (try makeTrain([4, 2]), try makeTrain([3, 4, 5]))
    var out: OpaquePointer?
    #expect(ttk_train_matrix_multiply_train(matrix, fits.handle, &out) == ok)
    #expect(ttk_train_order(out) == 2)
    ttk_train_destroy(out)
    expectRefused(argument) { ttk_train_matrix_multiply_train(matrix, other.handle, $0) }
    expectRefused(argument) { ttk_train_matrix_multiply_train(matrix, nil, $0) }
    expectRefused(argument) { ttk_train_matrix_multiply_train(nil, fits.handle, $0) }
  }

  @Test func nullHandles_areRefusedOrGiveNothing() {
    expectRefused(argument) { ttk_train_matrix_transpose(nil, $0) }
    expectRefused(argument) { ttk_train_matrix_round(nil, nil, $0) }
    let array = CArray([6, 8])
    #expect(ttk_train_matrix_to_array(nil, &array.array) == argument)
    var core = ttk_array()
    #expect(ttk_train_matrix_core(nil, 0, &core) == argument)
    #expect(ttk_train_matrix_order(nil) == 0 && ttk_train_matrix_dtype(nil) == 0)
    #expect(ttk_train_matrix_nbytes(nil) == 0 && ttk_train_matrix_error(nil) == 0)
    ttk_train_matrix_rows(nil, nil)
    ttk_train_matrix_columns(nil, nil)
    ttk_train_matrix_ranks(nil, nil)
    ttk_train_matrix_destroy(nil)
  }
}
