import CTTKit
import Testing
import TTKitC

@Suite struct LayerBoundaryTests {
  @Test func fit_badWeights_areRefused() throws {
    func refused(_ status: ttk_status, _ text: String, _ change: (inout ttk_array) -> Void) {
      let weight = CArray([12, 8])
      change(&weight.array)
      expectRefused(status, containing: text) {
        ttk_linear_fit(&weight.array, "dense", nil, nil, $0)
      }
      expectRefused(status, containing: text) {
        ttk_embedding_fit(&weight.array, "dense", nil, $0)
      }
    }
    refused(argument, "two axes") { $0.ndim = 1 }
    refused(argument, "ndim") { $0.ndim = 65 }
    refused(argument, "NULL") { $0.data = nil }
    refused(argument, "NULL") { $0.shape = nil }
    refused(wrongDType, "dtype") { $0.dtype = 99 }
    refused(wrongDType, "int8") { $0.dtype = ttk_dtype(TTK_INT8) }
    for shape: [Int64] in [[0, 8], [12, 0]] {
      let empty = CArray(shape)
      expectRefused(argument, containing: "at least 1") {
        ttk_linear_fit(&empty.array, "dense", nil, nil, $0)
      }
    }
    for bad in [Double.nan, .infinity, -.infinity] {
      let weight = CArray([12, 8])
      weight.data[95] = bad
      expectRefused(ttk_status(TTK_ERROR_NONFINITE)) {
        ttk_linear_fit(&weight.array, "dense", nil, nil, $0)
      }
    }
    expectRefused(argument, containing: "weight is NULL") {
      ttk_linear_fit(nil, "dense", nil, nil, $0)
    }
    #expect(ttk_linear_fit(nil, "dense", nil, nil, nil) == argument)
  }

  @Test func fit_badSpecsAndBiases_areRefused() throws {
    let weight = CArray([12, 8])
    for (spec, hint) in [
      ("", "character 1"), ("dens", "dense"), ("dense@int9", "int"), ("low_rank", "rank"),
      ("train(rows=3x5, columns=2x4, rank=2)", "4x3"), ("dense@int8(group=-1)", "group"),
      ("low_rank(rank=2) +", "character 19"), ("dense@float64(x=1)", "character 15"),
    ] {
      expectRefused(argument, containing: hint) {
        ttk_linear_fit(&weight.array, spec, nil, nil, $0)
      }
    }
    expectRefused(argument, containing: "spec is NULL") {
      ttk_linear_fit(&weight.array, nil, nil, nil, $0)
    }
    let invalid: [CChar] = [-1, -2, 0]
    expectRefused(argument, containing: "UTF-8") {
      ttk_linear_fit(&weight.array, invalid, nil, nil, $0)
    }
    let bias = CArray([11])
    expectRefused(argument, containing: "11") {
      ttk_linear_fit(&weight.array, "dense", &bias.array, nil, $0)
    }
    let square = CArray([12, 1])
    expectRefused(argument, containing: "one axis") {
      ttk_linear_fit(&weight.array, "dense", &square.array, nil, $0)
    }
  }

  @Test func fromCores_thatDoNotFit_areRefused() throws {
    let (a, b, c) = (CArray([12, 3]), CArray([3, 8]), CArray([4, 8]))
    func refused(
      _ text: String, _ arrays: [CArray], _ count: Int32? = nil, rows: Int64 = 12,
      columns: Int64 = 8, spec: String = "low_rank(rank=3)"
    ) {
      var cores = arrays.map(\.array)
      expectRefused(argument, containing: text) {
        ttk_linear_from_cores(
          spec, rows, columns, count ?? Int32(cores.count), &cores, nil, $0)
      }
    }
    refused("another number", [a])
    refused("another number", [a, b, b])
    refused("core 1", [a, c])
    refused("core 0", [a, b], rows: 13)
    refused("core 1", [a, b], columns: 9)
    refused("at least 1", [a, b], rows: 0)
    refused("at least 1", [a, b], columns: -4)
    refused("number of cores", [a, b], 0)
    refused("number of cores", [a, b], -1)
    refused("number of cores", [a, b], 5000)
    refused("axes", [a, b], spec: "train(rows=12, columns=8, rank=3)")
    expectRefused(tooLarge) {
      var cores = [a.array, b.array]
      return ttk_linear_from_cores("low_rank(rank=3)", .max, .max, 2, &cores, nil, $0)
    }
  }

  @Test func cores_areRead_andWrongOnesRefused() throws {
    let layer = try makeLinear("low_rank(rank=3)")
    #expect(ttk_linear_core_count(layer.handle) == 2)
    var ndim: Int32 = 0
    var shape = [Int64](repeating: 0, count: 64)
    #expect(ttk_linear_core_shape(layer.handle, 1, &ndim, &shape) == ok)
    #expect(ndim == 2 && shape[0] == 3 && shape[1] == 8)
    for k: Int32 in [-1, 2, .max, .min] {
      #expect(ttk_linear_core_shape(layer.handle, k, &ndim, &shape) == argument)
    }
    #expect(ttk_linear_core_shape(layer.handle, 0, nil, &shape) == argument)
    #expect(ttk_linear_core_shape(layer.handle, 0, &ndim, nil) == argument)
    let core = CArray([3, 8])
    #expect(ttk_linear_core_to_array(layer.handle, 1, &core.array) == ok)
    #expect(ttk_linear_core_to_array(layer.handle, 0, &core.array) == argument)
    core.array.dtype = ttk_dtype(TTK_FLOAT32)
    #expect(ttk_linear_core_to_array(layer.handle, 1, &core.array) == wrongDType)
    #expect(ttk_linear_core_to_array(layer.handle, 1, nil) == argument)
    let bias = CArray([12])
    #expect(ttk_linear_bias_to_array(layer.handle, &bias.array) == ok)
    #expect(bias.values == CArray([12]).values)
  }

  @Test func execute_badArguments_areRefused() throws {
    let plan = try prepareLinear(makeLinear(), rows: 4)
    let (x, y) = (CArray([4, 8]), CArray([4, 12]))
    let size = ttk_linear_plan_workspace_size(plan.handle)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: size + 64, alignment: 64)
    defer { workspace.deallocate() }
    func run(
      _ x: UnsafeRawPointer?, _ rows: Int64, _ y: UnsafeMutableRawPointer?,
      _ workspace: UnsafeMutableRawPointer?, _ size: Int
    ) -> ttk_status { ttk_linear_execute(plan.handle, x, rows, y, workspace, size) }
    #expect(run(x.data, 4, y.data, workspace, size) == ok)
    #expect(run(x.data, 4, y.data, workspace + 1, size) == ok)  // any alignment will do
    #expect(run(nil, 0, nil, nil, 0) == ok)
    #expect(ttk_linear_execute(nil, x.data, 1, y.data, workspace, size) == argument)
    #expect(run(nil, 1, y.data, workspace, size) == argument)
    #expect(run(x.data, 1, nil, workspace, size) == argument)
    #expect(run(x.data, 1, y.data, nil, size) == argument)
    for rows: Int64 in [-1, 5, .max, .min] {
      #expect(run(x.data, rows, y.data, workspace, size) == argument)
    }
    #expect(run(x.data, 1, y.data, workspace, size - 1) == argument)
    #expect(run(x.data, 1, y.data, workspace, 0) == argument)
    #expect(run(x.data, 4, x.data, workspace, size) == argument)
    #expect(run(x.data, 4, x.data + 31, workspace, size) == argument)
    #expect(run(x.data, 4, y.data, x.data, size) == argument)
    #expect(run(x.data, 4, workspace, workspace, size) == argument)
    #expect(run(UnsafeRawPointer(x.data) + 4, 1, y.data, workspace, size) == argument)
    #expect(String(cString: ttk_last_error()).contains("aligned"))
  }

  @Test func lookup_badArguments_areRefused() throws {
    let plan = try prepareEmbedding(makeEmbedding(), rows: 4)
    let y = CArray([4, 8])
    let size = ttk_embedding_plan_workspace_size(plan.handle)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    defer { workspace.deallocate() }
    let (long, short) = (ttk_dtype(TTK_INT64), ttk_dtype(TTK_INT32))
    func run(_ ids: [Int64], _ count: Int64, _ dtype: ttk_dtype) -> ttk_status {
      ttk_embedding_execute(plan.handle, ids, dtype, count, y.data, workspace, size)
    }
    #expect(run([0, 11, 3], 3, long) == ok)
    let ids32: [Int32] = [0, 11, 3]
    #expect(
      ttk_embedding_execute(plan.handle, ids32, short, 3, y.data, workspace, size) == ok)
    let written = y.values
    for bad: Int64 in [-1, 12, .max, .min] {
      #expect(run([0, bad, 3], 3, long) == argument)
      #expect(String(cString: ttk_last_error()).contains("ids[1] is \(bad), expected 0 to 11"))
      #expect(y.values == written)
    }
    #expect(run([0], 1, ttk_dtype(TTK_UINT8)) == wrongDType)
    #expect(run([0], 1, 77) == wrongDType)
    #expect(run([0], 5, long) == argument)
    #expect(run([0], -1, long) == argument)
    #expect(ttk_embedding_execute(plan.handle, nil, long, 1, y.data, workspace, size) == argument)
    #expect(
      ttk_embedding_execute(plan.handle, [Int64(0)], long, 1, y.data, workspace, size - 1)
        == argument)
  }

  @Test func prepare_badOptions_areRefused() throws {
    let layer = try makeLinear()
    func refused(_ text: String, _ change: (inout ttk_prepare_options) -> Void) {
      var options = prepareOptions(rows: 1)
      change(&options)
      expectRefused(argument, containing: text) {
        ttk_linear_prepare(layer.handle, &options, $0)
      }
    }
    refused("struct_size") { $0.struct_size = 0 }
    refused("max_rows") { $0.max_rows = -1 }
    refused("memory_limit") { $0.memory_limit = -1 }
    refused("threads") { $0.threads = -1 }
    expectRefused(ttk_status(TTK_ERROR_SIZE)) {
      var options = prepareOptions(rows: .max)
      return ttk_linear_prepare(layer.handle, &options, $0)
    }
    expectRefused(argument, containing: "NULL") { ttk_linear_prepare(nil, nil, $0) }
  }

  @Test(arguments: [(1 << 60) - 1, (1 << 61) - 1, 1 << 62, .max] as [Int64])
  func prepare_forTooManyRows_isRefused(rows: Int64) throws {
    for spec in ["dense", "low_rank(rank=2)", "kronecker(rows=3x4, columns=2x4)"] {
      let layer = try makeLinear(spec)
      for limit: Int64 in [0, 1, 200, .max] {
        var options = prepareOptions(rows: rows)
        options.memory_limit = limit
        var out: OpaquePointer?
        let status = ttk_linear_prepare(layer.handle, &options, &out)
        #expect(status == tooLarge || status == ttk_status(TTK_ERROR_MEMORY), "\(spec), \(limit)")
        #expect(out == nil)
      }
      #expect(ttk_linear_flops(layer.handle, rows) > 0)
    }
    // One element a row: whatever fits an address is granted, the rest refused.
    let least = try makeLinear("dense@int8(group=row)", [1, 1])
    for compute in [TTK_COMPUTE_LAYER, TTK_COMPUTE_INT8] {
      var options = prepareOptions(rows: rows)
      options.compute = ttk_compute(compute)
      var out: OpaquePointer?
      let status = ttk_linear_prepare(least.handle, &options, &out)
      #expect(status == ok || status == tooLarge, "\(compute)")
      ttk_linear_plan_destroy(out)
    }
  }

  /// A few megabytes of cores whose matrix and factors exceed any memory.
  @Test(arguments: ["@float32", "@float64", "@int8(group=row)"])
  func coresOfAHugeMatrix_neverTrap(storage: String) throws {
    let shapes: [[Int64]] = [
      [1, 1, 32], [32, 16384, 1], [1, 32768, 1], [1, 32768, 1], [1, 32768, 1],
    ]
    let arrays = shapes.map { CArray($0) }
    var cores = arrays.map(\.array)
    let spec = "train(rows=16384x32768x32768x32768, columns=1, rank=32x1x1x1)" + storage
    var layer: OpaquePointer?
    let status = ttk_linear_from_cores(spec, 1 << 59, 1, 5, &cores, nil, &layer)
    guard status == ok else {
      #expect(status == tooLarge || status == argument)
      return
    }
    defer { ttk_linear_destroy(layer) }
    for rows: Int64 in [1, 2, 33, 1 << 40, .max] {
      #expect(ttk_linear_flops(layer, rows) >= 0)
      for limit: Int64 in [0, 1, 1 << 30, .max] {
        for compute in [TTK_COMPUTE_LAYER, TTK_COMPUTE_INT8] {
          var options = prepareOptions(rows: rows)
          (options.memory_limit, options.compute) = (limit, ttk_compute(compute))
          var plan: OpaquePointer?
          let status = ttk_linear_prepare(layer, &options, &plan)
          #expect(
            [ok, tooLarge, argument, ttk_status(TTK_ERROR_MEMORY)].contains(status),
            "\(rows), \(limit), \(compute)")
          ttk_linear_plan_destroy(plan)
        }
      }
    }
    withExtendedLifetime(arrays) {}
  }

  @Test func nullHandles_giveZeroOrDoNothing() {
    #expect(ttk_linear_in_features(nil) == 0 && ttk_linear_out_features(nil) == 0)
    #expect(ttk_linear_nbytes(nil) == 0 && ttk_linear_error(nil) == 0)
    #expect(ttk_linear_spec(nil) == nil && ttk_linear_core_count(nil) == 0)
    #expect(ttk_linear_plan_workspace_size(nil) == 0 && ttk_linear_flops(nil, 3) == 0)
    #expect(ttk_embedding_rows(nil) == 0 && ttk_embedding_plan_max_rows(nil) == 0)
    ttk_linear_destroy(nil)
    ttk_linear_plan_destroy(nil)
    ttk_embedding_destroy(nil)
    ttk_embedding_plan_destroy(nil)
  }

  /// Plans outlive their layer; eight threads may use one plan, each with a workspace of its own.
  @Test func onePlan_underEightThreads_givesOneAnswer() async throws {
    let plan = try prepareLinear(makeLinear("low_rank(rank=4)", [96, 64]), rows: 16)
    nonisolated(unsafe) let handle = plan.handle
    let results = await withTaskGroup(of: [Double].self) { group in
      for _ in 0..<8 {
        group.addTask {
          let (x, y) = (CArray([16, 64]), CArray([16, 96]))
          let size = ttk_linear_plan_workspace_size(handle)
          let workspace = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
          defer { workspace.deallocate() }
          for _ in 0..<50 {
            guard ttk_linear_execute(handle, x.data, 16, y.data, workspace, size) == ok else {
              return []
            }
          }
          return y.values
        }
      }
      return await group.reduce(into: [[Double]]()) { $0.append($1) }
    }
    #expect(results.count == 8 && results.allSatisfy { $0 == results[0] && !$0.isEmpty })
    withExtendedLifetime(plan) {}
  }
}

/// Sizes whose products do not fit: refused, never a trap.
@Suite struct ExtremeSizeTests {
  @Test(arguments: [(1 << 60) - 1, (1 << 61) - 1, 1 << 62, .max] as [Int64])
  func embeddingsPreparedForTooMany_areRefused(rows: Int64) throws {
    for spec in ["dense", "train_matrix(rows=3x4, columns=2x4, rank=3)", "low_rank(rank=2)"] {
      let layer = try makeEmbedding(spec)
      expectRefused(tooLarge) {
        var options = prepareOptions(rows: rows)
        return ttk_embedding_prepare(layer.handle, &options, $0)
      }
    }
  }

  @Test func resultsThatOverlapThemselves_areRefused() throws {
    let layer = try makeLinear()
    let target = CArray([12, 8])
    for strides: [Int64] in [[0, 0], [0, 1], [1, 1]] {
      strides.withUnsafeBufferPointer { steps in
        target.array.strides = steps.baseAddress
        #expect(ttk_linear_to_array(layer.handle, &target.array) == argument)
      }
    }
  }
}
