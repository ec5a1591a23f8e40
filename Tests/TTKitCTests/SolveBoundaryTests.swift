import CTTKit
import TTKitC
import Testing

func solveOptions() -> ttk_solve_options {
  var options = ttk_solve_options()
  options.struct_size = MemoryLayout<ttk_solve_options>.size
  return options
}

func solveReport() -> ttk_solve_report {
  var report = ttk_solve_report()
  report.struct_size = MemoryLayout<ttk_solve_report>.size
  return report
}

/// A symmetric, diagonally dominant train matrix with digits (2, 3), destroyed with the object.
final class CSquareMatrix {
  let handle: OpaquePointer

  init(rows: [Int64] = [2, 3], columns: [Int64] = [2, 3]) throws {
    let (m, n) = (Int(rows.reduce(1, *)), Int(columns.reduce(1, *)))
    let values = (0..<m * n).map { (e: Int) -> Double in
      e / n == e % n ? 8 : 1 / Double(1 + e / n + e % n)
    }
    let array = CArray([Int64(m), Int64(n)], values)
    var out: OpaquePointer?
    try #require(
      ttk_train_matrix_from_array(&array.array, 2, rows, columns, nil, &out) == ok)
    handle = try #require(out)
  }

  deinit { ttk_train_matrix_destroy(handle) }
}

@Suite struct SolveBoundaryTests {
  @Test func solve_nullOptions_usesDefaults() throws {
    let (matrix, b) = (try CSquareMatrix(), try makeTrain([2, 3]))
    var (out, found): (OpaquePointer?, _) = (nil, solveReport())
    try #require(ttk_solve(matrix.handle, b.handle, nil, &out, &found) == ok)
    defer { ttk_train_destroy(out) }
    #expect(found.reason == TTK_SOLVE_CONVERGED && found.sweeps > 0 && found.max_rank >= 1)
    #expect(found.residual >= 0 && found.residual <= 1e-8)
    var (product, rest): (OpaquePointer?, OpaquePointer?)
    try #require(ttk_train_matrix_multiply_train(matrix.handle, out, &product) == ok)
    try #require(ttk_train_subtract(product, b.handle, &rest) == ok)
    defer {
      ttk_train_destroy(product)
      ttk_train_destroy(rest)
    }
    var (residual, norm) = (0.0, 0.0)
    #expect(ttk_train_norm(rest, &residual) == ok && ttk_train_norm(b.handle, &norm) == ok)
    #expect(residual <= 1e-8 * norm)
    #expect(ttk_solve(matrix.handle, b.handle, nil, &product, nil) == ok, "report may be NULL")
  }

  @Test func solve_badArguments_areRefused() throws {
    let (matrix, b) = (try CSquareMatrix(), try makeTrain([2, 3]))
    func refused(
      _ status: ttk_status, _ text: String, _ spoil: (inout ttk_solve_options) -> Void
    ) {
      var options = solveOptions()
      spoil(&options)
      expectRefused(status, containing: text) {
        ttk_solve(matrix.handle, b.handle, &options, $0, nil)
      }
    }
    refused(argument, "rtol") { $0.rtol = -1 }
    refused(argument, "rtol") { $0.rtol = .nan }
    refused(argument, "rtol") { $0.rtol = .infinity }
    refused(argument, "max_rank") { $0.max_rank = -1 }
    refused(argument, "max_sweeps") { $0.max_sweeps = -1 }
    refused(argument, "method") { $0.method = 9 }
    refused(argument, "projection") { $0.projection = -1 }
    refused(argument, "preconditioner") { $0.preconditioner = 3 }
    refused(ttk_status(TTK_ERROR_VERSION), "reserved") { $0.reserved = 1 }
    refused(argument, "struct_size") { $0.struct_size = 3 }
    var caps: [Int64] = [0]
    caps.withUnsafeMutableBufferPointer { caps in
      refused(argument, "max_ranks[0]") { $0.max_ranks = UnsafePointer(caps.baseAddress) }
    }
    let other = try makeTrain([3, 2])
    refused(argument, "x0") { $0.x0 = other.handle }
    expectRefused(argument, containing: "matrix") { ttk_solve(nil, b.handle, nil, $0, nil) }
    expectRefused(argument, containing: "b is NULL") { ttk_solve(matrix.handle, nil, nil, $0, nil) }
    expectRefused(argument, containing: "b has shape") {
      ttk_solve(matrix.handle, other.handle, nil, $0, nil)
    }
    #expect(ttk_solve(matrix.handle, b.handle, nil, nil, nil) == argument)
    let tall = try CSquareMatrix(rows: [2, 3], columns: [3, 2])
    expectRefused(argument, containing: "rows") { ttk_solve(tall.handle, b.handle, nil, $0, nil) }
    var report = solveReport()
    report.struct_size = 4
    expectRefused(argument, containing: "struct_size") {
      ttk_solve(matrix.handle, b.handle, nil, $0, &report)
    }
    var single: OpaquePointer?
    let value: [Float] = [1, 2]
    try value.withUnsafeBufferPointer { value in
      try [Int64(1), 2, 1].withUnsafeBufferPointer { shape in
        var core = ttk_array(
          data: UnsafeMutableRawPointer(mutating: value.baseAddress), shape: shape.baseAddress,
          strides: nil, ndim: 3, dtype: ttk_dtype(TTK_FLOAT32))
        try #require(ttk_train_from_cores(1, &core, &single) == ok)
      }
    }
    defer { ttk_train_destroy(single) }
    expectRefused(wrongDType) { ttk_solve(matrix.handle, single, nil, $0, nil) }
  }

  @Test func solve_stoppedByTheWatcher_givesWhatItHas() throws {
    let (matrix, b) = (try CSquareMatrix(), try makeTrain([2, 3]))
    var (options, found) = (solveOptions(), solveReport())
    options.rtol = 1e-300
    options.watch = { _, report in
      report!.pointee.sweeps >= 2 && report!.pointee.reason == 0 ? 1 : 0
    }
    var out: OpaquePointer?
    #expect(ttk_solve(matrix.handle, b.handle, &options, &out, &found) == ok)
    #expect(found.reason == TTK_SOLVE_STOPPED && found.sweeps == 2 && found.residual < 1)
    ttk_train_destroy(out)
  }
}

extension FaultLoops {
  @Suite(.serialized) struct SolveFaultTests {
    @Test(arguments: [TTK_SOLVE_AMEN, TTK_SOLVE_ALS, TTK_SOLVE_MALS])
    func everyAllocationMayFail_solve(method: Int) throws {
      let (matrix, b) = (try CSquareMatrix(), try makeTrain([2, 3]))
      var options = solveOptions()
      options.method = ttk_solve_method(method)
      options.max_sweeps = 2
      var out: OpaquePointer?
      everyAllocationMayFail("solve, method \(method)") {
        ttk_solve(matrix.handle, b.handle, &options, &out, nil)
      } destroy: {
        ttk_train_destroy(out)
        out = nil
        return true
      }
    }
  }
}

@Suite struct EigenBoundaryTests {
  @Test func eigenpairs_nullOptions_usesDefaults() throws {
    let matrix = try CSquareMatrix()
    var (values, residuals) = ([0.0, 0], [1.0, 1])
    var (vectors, found) = ([OpaquePointer?](repeating: nil, count: 2), solveReport())
    try #require(
      ttk_eigenpairs(matrix.handle, 2, 0, nil, &values, &vectors, &residuals, &found) == ok)
    #expect(found.reason == TTK_SOLVE_CONVERGED && found.residual <= 1e-8)
    #expect(values[0] <= values[1] && residuals.allSatisfy { $0 <= 1e-8 })
    for vector in vectors {
      var norm = 0.0
      #expect(ttk_train_norm(vector, &norm) == ok && abs(norm - 1) < 1e-12)
      ttk_train_destroy(vector)
    }
    var largest = 0.0
    var vector: OpaquePointer?
    #expect(ttk_eigenpairs(matrix.handle, 1, 1, nil, &largest, &vector, nil, nil) == ok)
    #expect(largest > values[1])
    ttk_train_destroy(vector)
  }

  @Test func eigenpairs_badArguments_areRefused() throws {
    let (matrix, x0) = (try CSquareMatrix(), try makeTrain([2, 3]))
    func refused(
      _ text: String, count: Int64 = 1, _ spoil: (inout ttk_solve_options) -> Void = { _ in }
    ) {
      var (options, value) = (solveOptions(), 0.0)
      spoil(&options)
      expectRefused(argument, containing: text) {
        ttk_eigenpairs(matrix.handle, count, 0, &options, &value, $0, nil, nil)
      }
    }
    refused("rtol") { $0.rtol = -1 }
    refused("method") { $0.method = 1 }
    refused("x0") { $0.x0 = x0.handle }
    var (value, out): (Double, OpaquePointer?) = (0, nil)
    #expect(ttk_eigenpairs(matrix.handle, 0, 0, nil, &value, &out, nil, nil) == argument)
    #expect(ttk_eigenpairs(matrix.handle, .max, 0, nil, &value, &out, nil, nil) == argument)
    #expect(ttk_eigenpairs(matrix.handle, 1, 0, nil, nil, &out, nil, nil) == argument)
    #expect(ttk_eigenpairs(matrix.handle, 1, 0, nil, &value, nil, nil, nil) == argument)
    #expect(ttk_eigenpairs(nil, 1, 0, nil, &value, &out, nil, nil) == argument)
    var many = [OpaquePointer?](repeating: OpaquePointer(bitPattern: 8), count: 7)
    var values = [Double](repeating: 0, count: 7)
    #expect(ttk_eigenpairs(matrix.handle, 7, 0, nil, &values, &many, nil, nil) == argument)
    #expect(many.allSatisfy { $0 == nil })
  }
}

extension FaultLoops {
  @Suite(.serialized) struct EigenFaultTests {
    @Test func everyAllocationMayFail_eigenpairs() throws {
      let matrix = try CSquareMatrix()
      var (values, vectors) = ([0.0, 0], [OpaquePointer?](repeating: nil, count: 2))
      var options = solveOptions()
      options.max_sweeps = 1
      everyAllocationMayFail("eigenpairs") {
        ttk_eigenpairs(matrix.handle, 2, 0, &options, &values, &vectors, nil, nil)
      } destroy: {
        for i in 0..<2 {
          ttk_train_destroy(vectors[i])
          vectors[i] = nil
        }
        return true
      }
    }
  }
}
