import CTTKit
import TTKitC
import Testing

/// Bad input at every entry point of train.h, one bad field at a time, on live handles.
@Suite struct TrainBoundaryTests {
  @Test func svd_nullOptions_usesDefaults() throws {
    let train = try makeTrain()
    #expect(ttk_train_order(train.handle) == 3)
    #expect(ttk_train_dtype(train.handle) == ttk_dtype(TTK_FLOAT64))
    var (shape, ranks) = ([Int64](repeating: 0, count: 3), [Int64](repeating: 0, count: 4))
    ttk_train_shape(train.handle, &shape)
    ttk_train_ranks(train.handle, &ranks)
    #expect(shape == [3, 4, 5])
    #expect(ranks.first == 1 && ranks.last == 1)
    let numbers = zip(shape, zip(ranks, ranks.dropFirst())).reduce(0) {
      $0 + $1.0 * $1.1.0 * $1.1.1
    }
    #expect(ttk_train_nbytes(train.handle) == 8 * numbers)
    let (source, copy) = (CArray([3, 4, 5]), CArray([3, 4, 5], .init(repeating: 0, count: 60)))
    #expect(ttk_train_to_array(train.handle, &copy.array) == ok)
    // 64 roundings of numbers up to 13.
    #expect(zip(copy.values, source.values).allSatisfy { abs($0 - $1) < 64 * 13 * 2.3e-16 })
  }

  @Test func svd_badArrays_areRefused() {
    func refused(
      _ status: ttk_status, _ comment: Comment, _ spoil: (CArray) -> Void
    ) {
      let array = CArray([3, 4, 5])
      spoil(array)
      expectRefused(status, comment) { ttk_svd(&array.array, nil, $0) }
    }
    refused(argument, "NULL data") { $0.array.data = nil }
    refused(argument, "NULL shape") { $0.array.shape = nil }
    refused(argument, "ndim 0") { $0.array.ndim = 0 }
    refused(argument, "negative ndim") { $0.array.ndim = -1 }
    refused(argument, "large ndim") { $0.array.ndim = .max }
    refused(argument, "length 0") { $0.shape[1] = 0 }
    refused(argument, "negative length") { $0.shape[1] = -4 }
    refused(tooLarge, "huge length") { $0.shape[1] = .max }
    refused(wrongDType, "unknown dtype") { $0.array.dtype = 99 }
    refused(wrongDType, "dtype 0") { $0.array.dtype = 0 }
    refused(wrongDType, "integers") { $0.array.dtype = ttk_dtype(TTK_INT64) }
    refused(argument, "misaligned") { $0.array.data = UnsafeMutableRawPointer($0.data) + 1 }
    refused(ttk_status(TTK_ERROR_NONFINITE), "NaN") { $0.data[7] = .nan }
    refused(ttk_status(TTK_ERROR_NONFINITE), "infinity") { $0.data[59] = -.infinity }
    expectRefused(argument) { ttk_svd(nil, nil, $0) }
    let array = CArray([3, 4, 5])
    #expect(ttk_svd(&array.array, nil, nil) == argument)
    let far: [Int64] = [.max, 1, 1]
    array.array.ndim = 3
    far.withUnsafeBufferPointer { steps in
      array.array.strides = steps.baseAddress
      expectRefused(tooLarge, "far strides") { ttk_svd(&array.array, nil, $0) }
    }
  }

  @Test func svd_report_isFilledToItsSize() throws {
    let array = CArray([3, 4, 5])
    var options = svdOptions()
    options.max_rank = 1
    var report = ttk_svd_report()
    report.struct_size = MemoryLayout<ttk_svd_report>.size
    try withUnsafeMutablePointer(to: &report) { pointer in
      options.report = pointer
      var out: OpaquePointer?
      #expect(ttk_svd(&array.array, &options, &out) == ok)
      let train = CTrain(try #require(out))
      #expect(pointer.pointee.error == ttk_train_error(train.handle) && pointer.pointee.error > 0)
      #expect(
        pointer.pointee.passes == 1 && pointer.pointee.memory >= ttk_train_nbytes(train.handle))
      #expect(pointer.pointee.method == ttk_svd_method(TTK_SVD_QR))
      for size in [0, 7, 12] {
        pointer.pointee.struct_size = size
        expectRefused(argument, "report of size \(size)") { ttk_svd(&array.array, &options, $0) }
      }
    }
    options.report = nil
    for method in [-1, 3] as [Int32] {
      options.method = method
      expectRefused(argument, "method \(method)") { ttk_svd(&array.array, &options, $0) }
    }
    options.method = 0
    options.memory_limit = -1
    expectRefused(argument, "negative limit") { ttk_svd(&array.array, &options, $0) }
  }

  @Test func svdFile_badArguments_areRefused() {
    let double = ttk_dtype(TTK_FLOAT64)
    let shape: [Int64] = [4, 4]
    expectRefused(argument, "NULL path") { ttk_svd_file(nil, 0, double, 2, shape, nil, $0) }
    let missing = "/no/such/file"
    expectRefused(ttk_status(TTK_ERROR_IO), "no file") {
      ttk_svd_file(missing, 0, double, 2, shape, nil, $0)
    }
    expectRefused(wrongDType, "dtype 0") { ttk_svd_file(missing, 0, 0, 2, shape, nil, $0) }
    expectRefused(argument, "NULL shape") { ttk_svd_file(missing, 0, double, 2, nil, nil, $0) }
    for ndim in [-1, 0, 65] as [Int32] {
      expectRefused(argument, "ndim \(ndim)") {
        ttk_svd_file(missing, 0, double, ndim, shape, nil, $0)
      }
    }
    expectRefused(argument, "length 0") { ttk_svd_file(missing, 0, double, 2, [4, 0], nil, $0) }
    #expect(ttk_svd_file(missing, 0, double, 2, shape, nil, nil) == argument)
  }

  @Test func svd_anyStrides_giveTheSameTrain() throws {
    let array = CArray([3, 4])
    let (backward, repeated): ([Int64], [Int64]) = ([-4, -1], [0, 1])
    var out: OpaquePointer?
    try backward.withUnsafeBufferPointer { steps in
      array.array.strides = steps.baseAddress
      array.array.data = UnsafeMutableRawPointer(array.data + 11)
      try #require(ttk_svd(&array.array, nil, &out) == ok)
    }
    let result = CArray([3, 4], .init(repeating: 0, count: 12))
    #expect(ttk_train_to_array(out, &result.array) == ok)
    let expected = Array(array.values.reversed())
    #expect(zip(result.values, expected).allSatisfy { abs($0 - $1) < 1e-13 })
    ttk_train_destroy(out)
    repeated.withUnsafeBufferPointer { steps in
      array.array.strides = steps.baseAddress
      array.array.data = UnsafeMutableRawPointer(array.data)
      #expect(ttk_svd(&array.array, nil, &out) == ok)
      // Reading rows that share memory is fine, writing them is not.
      #expect(ttk_train_to_array(out, &array.array) == argument)
      ttk_train_destroy(out)
    }
  }

  @Test func svd_badOptions_areRefused() {
    let array = CArray([3, 4, 5])
    func refused(
      _ status: ttk_status, _ comment: Comment, _ spoil: (inout ttk_svd_options) -> Void
    ) {
      var options = svdOptions()
      spoil(&options)
      expectRefused(status, comment) { ttk_svd(&array.array, &options, $0) }
    }
    refused(argument, "size 0") { $0.struct_size = 0 }
    refused(argument, "odd size") { $0.struct_size = 13 }
    refused(argument, "huge size") { $0.struct_size = .max }
    refused(argument, "negative rtol") { $0.rtol = -1 }
    refused(argument, "NaN rtol") { $0.rtol = .nan }
    refused(argument, "infinite atol") { $0.atol = .infinity }
    refused(argument, "negative rank") { $0.max_rank = -1 }
    refused(argument, "negative threads") { $0.threads = -2 }
    refused(ttk_status(TTK_ERROR_VERSION), "reserved") { $0.reserved = 1 }
    let caps: [Int64] = [2, 0]
    caps.withUnsafeBufferPointer { caps in
      refused(argument, "a cap of 0") { $0.max_ranks = caps.baseAddress }
    }
    // An old caller's shorter struct is welcome.
    var short = svdOptions()
    short.struct_size = 24
    var out: OpaquePointer?
    #expect(ttk_svd(&array.array, &short, &out) == ok)
    ttk_train_destroy(out)
  }

  @Test func svd_longOptions_mustBeZeroWhereUnknown() {
    let array = CArray([3, 4, 5])
    let size = MemoryLayout<ttk_svd_options>.size
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: size + 8, alignment: 8)
    defer { bytes.deallocate() }
    bytes.initializeMemory(as: UInt8.self, repeating: 0, count: size + 8)
    bytes.storeBytes(of: size + 8, as: Int.self)
    let options = bytes.assumingMemoryBound(to: ttk_svd_options.self)
    var out: OpaquePointer?
    #expect(ttk_svd(&array.array, options, &out) == ok)
    ttk_train_destroy(out)
    bytes.storeBytes(of: 1, toByteOffset: size + 3, as: UInt8.self)
    expectRefused(ttk_status(TTK_ERROR_VERSION)) { ttk_svd(&array.array, options, $0) }
  }

  @Test func svd_ranksThreadsAndExecutors() throws {
    let array = CArray([3, 4, 5])
    let caps: [Int64] = [2, 3]
    try caps.withUnsafeBufferPointer { caps in
      var options = svdOptions()
      options.max_ranks = caps.baseAddress
      options.threads = 2
      var out: OpaquePointer?
      try #require(ttk_svd(&array.array, &options, &out) == ok)
      var ranks = [Int64](repeating: 0, count: 4)
      ttk_train_ranks(out, &ranks)
      #expect(ranks == [1, 2, 3, 1])
      #expect(ttk_train_error(out) > 0)
      ttk_train_destroy(out)
    }
    var executor = ttk_executor()
    executor.struct_size = MemoryLayout<ttk_executor>.size
    var options = svdOptions()
    withUnsafePointer(to: &executor) { pointer in
      options.executor = pointer
      expectRefused(argument, containing: "run") { ttk_svd(&array.array, &options, $0) }
    }
  }

  @Test func svd_callbackThatStops_cancels() {
    let array = CArray([3, 4, 5])
    var options = svdOptions()
    options.progress = { _, stage, done, total in
      stage == nil || done < 0 || total < done ? 2 : 1
    }
    expectRefused(ttk_status(TTK_ERROR_CANCELLED)) { ttk_svd(&array.array, &options, $0) }
    options.progress = { _, _, _, _ in 0 }
    var out: OpaquePointer?
    #expect(ttk_svd(&array.array, &options, &out) == ok)
    ttk_train_destroy(out)
  }

  @Test func fromCores_badCores_areRefused() {
    func refused(
      _ status: ttk_status, _ comment: Comment, _ order: Int32 = 2,
      _ spoil: (CArray, CArray) -> Void = { _, _ in }
    ) {
      let (a, b) = (CArray([1, 3, 2]), CArray([2, 4, 1]))
      spoil(a, b)
      var cores = [a.array, b.array]
      expectRefused(status, comment) { ttk_train_from_cores(order, &cores, $0) }
      withExtendedLifetime((a, b)) {}
    }
    refused(argument, "order 0", 0)
    refused(argument, "negative order", -1)
    refused(argument, "huge order", .max)
    refused(argument, "last rank", 1)
    refused(argument, "first rank") { a, _ in
      a.shape[0] = 2; a.shape[1] = 1
    }
    refused(argument, "ranks disagree") { _, b in
      b.shape[0] = 4; b.shape[1] = 2
    }
    refused(argument, "two axes") { a, _ in a.array.ndim = 2 }
    refused(argument, "length 0") { _, b in b.shape[1] = 0 }
    refused(wrongDType, "mixed dtypes") { _, b in b.array.dtype = ttk_dtype(TTK_FLOAT32) }
    refused(wrongDType, "integers") { a, _ in a.array.dtype = ttk_dtype(TTK_INT64) }
    refused(argument, "NULL data") { _, b in b.array.data = nil }
    refused(ttk_status(TTK_ERROR_NONFINITE), "NaN") { a, _ in a.data[2] = .nan }
    expectRefused(argument) { ttk_train_from_cores(2, nil, $0) }
  }

  @Test func accessors_onNull_giveNothing() {
    #expect(ttk_train_order(nil) == 0)
    #expect(ttk_train_dtype(nil) == 0)
    #expect(ttk_train_nbytes(nil) == 0)
    #expect(ttk_train_error(nil) == 0)
    ttk_train_shape(nil, nil)
    ttk_train_ranks(nil, nil)
    ttk_train_destroy(nil)
  }

  @Test func core_isABorrowedView() throws {
    let train = try makeTrain()
    var core = ttk_array()
    try #require(ttk_train_core(train.handle, 1, &core) == ok)
    #expect(core.ndim == 3 && core.shape[1] == 4 && core.strides[2] == 1)
    #expect(core.dtype == ttk_dtype(TTK_FLOAT64))
    var again = ttk_array()
    try #require(ttk_train_core(train.handle, 1, &again) == ok)
    #expect(again.data == core.data && again.shape == core.shape)
    for k: Int32 in [-1, 3, .max, .min] {
      #expect(ttk_train_core(train.handle, k, &core) == argument)
    }
    #expect(ttk_train_core(train.handle, 0, nil) == argument)
    #expect(ttk_train_core(nil, 0, &core) == argument)
  }

  @Test func evaluate_badInput_isRefused() throws {
    let train = try makeTrain()
    let x = train.handle
    var values = [Double](repeating: 0, count: 2)
    let good: [Int64] = [0, 0, 0, 2, 3, 4]
    #expect(ttk_train_evaluate(x, 2, good, &values) == ok)
    #expect(ttk_train_evaluate(x, 0, nil, nil) == ok)
    #expect(ttk_train_evaluate(x, -1, good, &values) == argument)
    #expect(ttk_train_evaluate(x, .max, good, &values) == tooLarge)
    #expect(ttk_train_evaluate(x, 2, nil, &values) == argument)
    #expect(ttk_train_evaluate(x, 2, good, nil) == argument)
    #expect(ttk_train_evaluate(nil, 2, good, &values) == argument)
    for bad: [Int64] in [[0, 0, 0, 3, 0, 0], [0, -1, 0, 0, 0, 0], [0, 0, .max, 0, 0, 0]] {
      #expect(ttk_train_evaluate(x, 2, bad, &values) == argument)
    }
    #expect(ttk_train_evaluate(x, 2, [0, 0, 0, 0, 4, 0], &values) == argument)
    #expect(
      String(cString: ttk_last_error())
        == "index 4 of point 1, axis 1, is out of range; expected 0 to 3")
    var shared = good
    shared.withUnsafeMutableBytes { bytes in
      let base = bytes.baseAddress!
      let indices = base.assumingMemoryBound(to: Int64.self)
      #expect(ttk_train_evaluate(x, 2, indices, base + 8) == argument, "overlap")
    }
    values.withUnsafeMutableBytes { bytes in
      #expect(ttk_train_evaluate(x, 1, good, bytes.baseAddress! + 1) == argument, "misaligned")
    }
  }

  @Test func toArray_badArrays_areRefused() throws {
    let train = try makeTrain()
    func refused(_ status: ttk_status, _ comment: Comment, _ spoil: (CArray) -> Void) {
      let array = CArray([3, 4, 5])
      spoil(array)
      #expect(ttk_train_to_array(train.handle, &array.array) == status, comment)
    }
    refused(argument, "shape") { $0.shape[0] = 2 }
    refused(argument, "ndim") { $0.array.ndim = 2 }
    refused(argument, "NULL data") { $0.array.data = nil }
    refused(wrongDType, "dtype") { $0.array.dtype = ttk_dtype(TTK_COMPLEX64) }
    let steps: [Int64] = [20, 0, 1]
    steps.withUnsafeBufferPointer { steps in
      refused(argument, "elements overlap") { $0.array.strides = steps.baseAddress }
    }
    #expect(ttk_train_to_array(train.handle, nil) == argument)
    let array = CArray([3, 4, 5])
    #expect(ttk_train_to_array(nil, &array.array) == argument)
  }

  @Test func toArray_ofAnAstronomicTrain_isRefused() throws {
    let core = CArray([1, 9, 1])
    var cores = [ttk_array](repeating: core.array, count: 40)
    var out: OpaquePointer?
    try #require(ttk_train_from_cores(40, &cores, &out) == ok)
    defer { ttk_train_destroy(out) }
    let shape = [Int64](repeating: 9, count: 40)
    shape.withUnsafeBufferPointer { shape in
      var array = ttk_array(
        data: core.data, shape: shape.baseAddress, strides: nil, ndim: 40,
        dtype: ttk_dtype(TTK_FLOAT64))
      #expect(ttk_train_to_array(out, &array) == tooLarge)
    }
    var norm = 0.0
    #expect(ttk_train_norm(out, &norm) == ok && norm.isFinite)
  }

  @Test(.tags(.concurrent)) func oneTrain_servesEightThreads() async throws {
    let train = try makeTrain()
    nonisolated(unsafe) let handle = train.handle
    var expected = 0.0
    try #require(ttk_train_norm(handle, &expected) == ok)
    let norm = expected
    await withTaskGroup(of: Bool.self) { group in
      for thread in 0..<8 {
        group.addTask {
          (0..<20).allSatisfy { _ in
            var (value, out, element) = (0.0, OpaquePointer?.none, 0.0)
            guard ttk_train_norm(handle, &value) == ok, value == norm,
              ttk_train_add(handle, handle, &out) == ok,
              ttk_train_evaluate(out, 1, [Int64(thread % 3), 0, 0], &element) == ok,
              ttk_train_evaluate(handle, 1, [Int64(100 + thread), 0, 0], &element) == argument
            else { return false }
            // Errors stay on their own thread.
            let sentence = String(cString: ttk_last_error())
            ttk_train_destroy(out)
            return sentence.contains("index \(100 + thread) ")
          }
        }
      }
      for await good in group { #expect(good) }
    }
    withExtendedLifetime(train) {}
  }
}

extension Tag {
  @Tag static var concurrent: Self
}
