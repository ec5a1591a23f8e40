import CTTKit
import TTKitC
import Testing

private let nonFinite = ttk_status(TTK_ERROR_NONFINITE)
private let cancelled = ttk_status(TTK_ERROR_CANCELLED)
private let notConverged = ttk_status(TTK_ERROR_CONVERGENCE)

/// What the callbacks below work with.
private struct Ask {
  var order = 3
  var count = 0
  var stopsAfter = Int.max
  var nan: [Int64]?
  var callsLibrary = false
}

private func smooth(_ index: ArraySlice<Int64>) -> Double {
  1 / (1 + index.enumerated().reduce(0) { $0 + Double(($1.0 + 1)) * Double($1.1) })
}

/// A matrix (12, 3) of full rank.
private let tallValues: [Double] = (0..<36).map { (i: Int) -> Double in
  Double((i * i * 7 + 3 * i) % 31) - 15
}

/// f = 1 / (1 + Σ (k + 1) i_k), with what `Ask` adds.
private let evaluate: ttk_evaluate = { context, count, indices, values in
  let ask = context!.assumingMemoryBound(to: Ask.self)
  let d = ask.pointee.order
  let out = values!.assumingMemoryBound(to: Double.self)
  for j in 0..<count {
    let index = (0..<d).map { indices![j * d + $0] }
    out[j] = index == ask.pointee.nan ? .nan : smooth(index[...])
  }
  ask.pointee.count += count
  if ask.pointee.callsLibrary {
    var inner = Ask()
    var out: OpaquePointer?
    let status = ttk_cross(
      3, [4, 4, 4], ttk_dtype(TTK_FLOAT64), smoothOnly, &inner, nil, &out, nil)
    guard status == ok else { return 1 }
    ttk_train_destroy(out)
    // A failing call inside must not disturb the run outside.
    guard ttk_cross(0, nil, 0, nil, nil, nil, &out, nil) == argument else { return 1 }
  }
  return ask.pointee.count > ask.pointee.stopsAfter ? 1 : 0
}

private let smoothOnly: ttk_evaluate = { _, count, indices, values in
  let out = values!.assumingMemoryBound(to: Double.self)
  for j in 0..<count {
    out[j] = smooth((0..<3).map { indices![j * 3 + $0] }[...])
  }
  return 0
}

private func crossOptions() -> ttk_cross_options {
  var options = ttk_cross_options()
  options.struct_size = MemoryLayout<ttk_cross_options>.size
  return options
}

private func report() -> ttk_cross_report {
  var report = ttk_cross_report()
  report.struct_size = MemoryLayout<ttk_cross_report>.size
  return report
}

@Suite struct CrossBoundaryTests {
  @Test func cross_nullOptions_usesDefaults() throws {
    var ask = Ask()
    var out: OpaquePointer?
    var found = report()
    try #require(
      ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, &ask, nil, &out, &found) == ok)
    defer { ttk_train_destroy(out) }
    #expect(found.reason == TTK_CROSS_CONVERGED)
    #expect(found.evaluations == Int64(ask.count))
    #expect(found.validated_error >= 0 && found.validated_error <= 1e-8)
    #expect(found.max_rank > 1 && found.sweeps > 0 && found.validation_count > 0)
    var value = 0.0
    #expect(ttk_train_evaluate(out, 1, [3, 2, 1], &value) == ok)
    #expect(abs(value - smooth([3, 2, 1])) < 1e-7)
  }

  @Test func cross_everyDType_works() {
    func run(_ dtype: Int, _ evaluate: ttk_evaluate) {
      var out: OpaquePointer?
      #expect(ttk_cross(2, [30, 40], ttk_dtype(dtype), evaluate, nil, nil, &out, nil) == ok)
      #expect(ttk_train_dtype(out) == ttk_dtype(dtype))
      ttk_train_destroy(out)
    }
    run(TTK_FLOAT32) { _, count, indices, values in
      let out = values!.assumingMemoryBound(to: Float.self)
      for j in 0..<count { out[j] = 1 / Float(1 + indices![2 * j] + indices![2 * j + 1]) }
      return 0
    }
    run(TTK_COMPLEX64) { _, count, indices, values in
      let out = values!.assumingMemoryBound(to: Float.self)
      for j in 0..<count {
        (out[2 * j], out[2 * j + 1]) = (Float(indices![2 * j]), Float(indices![2 * j + 1]))
      }
      return 0
    }
    run(TTK_COMPLEX128) { _, count, indices, values in
      let out = values!.assumingMemoryBound(to: Double.self)
      for j in 0..<count {
        (out[2 * j], out[2 * j + 1]) = (Double(indices![2 * j]), Double(indices![2 * j + 1]))
      }
      return 0
    }
  }

  @Test func cross_badArguments_areRefused() {
    func refused(
      _ status: ttk_status, _ text: String, order: Int32 = 3, shape: [Int64]? = [9, 8, 7],
      dtype: Int = TTK_FLOAT64, hasCallback: Bool = true,
      _ spoil: (inout ttk_cross_options) -> Void = { _ in }
    ) {
      var ask = Ask()
      var options = crossOptions()
      spoil(&options)
      let evaluate = hasCallback ? evaluate : nil
      expectRefused(status, containing: text) { out in
        guard let shape else {
          return ttk_cross(order, nil, ttk_dtype(dtype), evaluate, &ask, &options, out, nil)
        }
        return ttk_cross(order, shape, ttk_dtype(dtype), evaluate, &ask, &options, out, nil)
      }
      #expect(ask.count == 0, "\(text): the function was asked")
    }
    refused(argument, "order", order: 0)
    refused(argument, "order", order: -1)
    refused(argument, "order", order: .max)
    refused(argument, "shape", shape: nil)
    refused(argument, "shape", shape: [9, 0, 7])
    refused(argument, "shape", shape: [9, -8, 7])
    refused(tooLarge, "2^24", shape: [9, .max, 7])
    refused(argument, "evaluate", hasCallback: false)
    refused(wrongDType, "dtype", dtype: 0)
    refused(wrongDType, "float16", dtype: TTK_FLOAT16)
    refused(argument, "rtol") { $0.rtol = -1 }
    refused(argument, "rtol") { $0.rtol = .nan }
    refused(argument, "atol") { $0.atol = .infinity }
    refused(argument, "only one") { ($0.rtol, $0.atol) = (1e-3, 1e-3) }
    refused(argument, "max_rank") { $0.max_rank = -1 }
    refused(argument, "max_evaluations") { $0.max_evaluations = -5 }
    refused(argument, "max_sweeps") { $0.max_sweeps = .min }
    refused(argument, "method") { $0.method = 9 }
    refused(argument, "search") { $0.search = -1 }
    refused(argument, "pivot_count") { $0.pivot_count = -1 }
    refused(argument, "pivots") { $0.pivot_count = 1 }
    refused(argument, "struct_size") { $0.struct_size = 7 }
    for pivot: [Int64] in [[0, 0, 7], [-1, 0, 0], [.max, 0, 0]] {
      pivot.withUnsafeBufferPointer { indices in
        refused(argument, "pivot 0") { ($0.pivot_count, $0.pivots) = (1, indices.baseAddress) }
      }
    }
    #expect(
      ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, nil, nil, nil, nil) == argument)
    var wrong = report()
    wrong.struct_size = 3
    var ask = Ask()
    expectRefused(argument, containing: "struct_size") {
      ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, &ask, nil, $0, &wrong)
    }
  }

  @Test func cross_nan_isRefusedByIndex() {
    var ask = Ask(nan: [2, 3, 1])
    expectRefused(nonFinite, containing: "(2, 3, 1)") {
      ttk_cross(3, [4, 4, 4], ttk_dtype(TTK_FLOAT64), evaluate, &ask, nil, $0, nil)
    }
  }

  @Test func cross_budget_isExactAndTooSmallAnError() throws {
    var options = crossOptions()
    options.rtol = 1e-14
    for budget: Int64 in [60, 61, 100, 500] {
      options.max_evaluations = budget
      var ask = Ask()
      var (out, found): (OpaquePointer?, _) = (nil, report())
      let status = ttk_cross(
        3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, &out, &found)
      #expect(status == ok && ask.count <= Int(budget))
      #expect(found.reason == TTK_CROSS_BUDGET && found.evaluations == Int64(ask.count))
      ttk_train_destroy(out)
    }
    options.max_evaluations = 20
    var ask = Ask()
    expectRefused(notConverged, containing: "max_evaluations") {
      ttk_cross(3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, $0, nil)
    }
    #expect(ask.count <= 20)
  }

  @Test func cross_stoppedCallback_keepsTheResultSoFar() {
    var ask = Ask(stopsAfter: 0)
    expectRefused(cancelled, containing: "stopped") {
      ttk_cross(3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, nil, $0, nil)
    }
    ask = Ask(stopsAfter: 400)
    var (out, found): (OpaquePointer?, _) = (nil, report())
    #expect(
      ttk_cross(3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, nil, &out, &found) == ok)
    #expect(found.reason == TTK_CROSS_STOPPED)
    ttk_train_destroy(out)
    var options = crossOptions()
    options.rtol = 1e-14
    options.watch = { _, report in report!.pointee.sweeps == 2 ? 1 : 0 }
    ask = Ask()
    #expect(
      ttk_cross(3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, &out, &found)
        == ok)
    #expect(found.reason == TTK_CROSS_STOPPED && found.sweeps == 2)
    ttk_train_destroy(out)
  }

  @Test func cross_callbackMayCallTheLibrary() {
    var ask = Ask(callsLibrary: true)
    var out: OpaquePointer?
    #expect(ttk_cross(3, [6, 6, 6], ttk_dtype(TTK_FLOAT64), evaluate, &ask, nil, &out, nil) == ok)
    ttk_train_destroy(out)
  }

  @Test func pivots_areReadAndReused() throws {
    var ask = Ask()
    var (out, found, pivots): (OpaquePointer?, _, OpaquePointer?) = (nil, report(), nil)
    var options = crossOptions()
    try withUnsafeMutablePointer(to: &pivots) { place in
      options.pivots_found = place
      try #require(
        ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, &out, &found)
          == ok)
    }
    ttk_train_destroy(out)
    let count = ttk_pivots_count(pivots)
    #expect(count >= found.max_rank && ttk_pivots_order(pivots) == 3)
    let indices = try #require(ttk_pivots_indices(pivots))
    for p in 0..<Int(count) {
      for (k, n) in [9, 8, 7].enumerated() { #expect((0..<Int64(n)).contains(indices[3 * p + k])) }
    }
    (options.pivot_count, options.pivots, options.pivots_found) = (count, indices, nil)
    #expect(
      ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, &out, &found) == ok)
    ttk_train_destroy(out)
    ttk_pivots_destroy(pivots)
    ttk_pivots_destroy(nil)
    #expect(ttk_pivots_count(nil) == 0 && ttk_pivots_order(nil) == 0)
    #expect(ttk_pivots_indices(nil) == nil)
  }

  @Test func condition_thatExcludesEverything_isRefused() {
    var ask = Ask()
    var options = crossOptions()
    options.condition = { _, count, _, allowed in
      for j in 0..<count { allowed![j] = 0 }
      return 0
    }
    expectRefused(argument, containing: "condition") {
      ttk_cross(3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, $0, nil)
    }
    options.condition = { _, _, _, _ in 1 }
    expectRefused(cancelled) {
      ttk_cross(3, [20, 20, 20], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, $0, nil)
    }
  }

  @Test func maxvol_findsDominantRows() {
    let a = CArray([12, 3], tallValues)
    var (rows, count) = ([Int64](repeating: -1, count: 5), Int64(0))
    let b = CArray([12, 3], .init(repeating: 9, count: 36))
    #expect(ttk_maxvol(&a.array, nil, &rows, &count, &b.array) == ok)
    #expect(count == 3 && Set(rows.prefix(3)).count == 3)
    #expect(b.values.allSatisfy { abs($0) <= 1.05 + 1e-12 })
    for i in 0..<12 {
      for j in 0..<3 {
        var sum = 0.0
        for k in 0..<3 { sum += b.values[i * 3 + k] * a.values[Int(rows[k]) * 3 + j] }
        #expect(abs(sum - a.values[i * 3 + j]) < 1e-11)
      }
    }
    var options = ttk_maxvol_options()
    options.struct_size = MemoryLayout<ttk_maxvol_options>.size
    (options.min_extra, options.max_extra) = (1, 2)
    let wide = CArray([12, 5], .init(repeating: 9, count: 60))
    #expect(ttk_maxvol(&a.array, &options, &rows, &count, &wide.array) == ok)
    #expect((4...5).contains(count))
  }

  @Test func maxvol_badArguments_areRefused() {
    let a = CArray([12, 3], tallValues)
    let b = CArray([12, 3])
    var (rows, count) = ([Int64](repeating: -1, count: 5), Int64(0))
    var options = ttk_maxvol_options()
    options.struct_size = MemoryLayout<ttk_maxvol_options>.size
    #expect(ttk_maxvol(nil, nil, &rows, &count, nil) == argument)
    #expect(ttk_maxvol(&a.array, nil, nil, &count, nil) == argument)
    #expect(ttk_maxvol(&a.array, nil, &rows, nil, nil) == argument)
    options.max_extra = 10
    #expect(ttk_maxvol(&a.array, &options, &rows, &count, nil) == argument)
    options.max_extra = -1
    #expect(ttk_maxvol(&a.array, &options, &rows, &count, nil) == argument)
    (options.max_extra, options.min_extra) = (1, 2)
    #expect(ttk_maxvol(&a.array, &options, &rows, &count, nil) == argument)
    (options.max_extra, options.min_extra, options.tolerance) = (0, 0, 0.5)
    #expect(ttk_maxvol(&a.array, &options, &rows, &count, nil) == argument)
    let wrong = CArray([3, 12])
    #expect(ttk_maxvol(&wrong.array, nil, &rows, &count, nil) == argument)
    #expect(ttk_maxvol(&a.array, nil, &rows, &count, &wrong.array) == argument)
    b.data[5] = .nan
    #expect(ttk_maxvol(&b.array, nil, &rows, &count, nil) == nonFinite)
    b.array.dtype = ttk_dtype(TTK_INT64)
    #expect(ttk_maxvol(&b.array, nil, &rows, &count, nil) == wrongDType)
  }
}

@Suite struct ApplyBoundaryTests {
  private static let product: ttk_train_function = { _, count, values, results in
    let a = values![0]!.assumingMemoryBound(to: Double.self)
    let b = values![1]!.assumingMemoryBound(to: Double.self)
    let out = results!.assumingMemoryBound(to: Double.self)
    for j in 0..<count { out[j] = a[j] * b[j] }
    return 0
  }

  @Test func apply_productOfTwoTrains_isTheProduct() throws {
    let (a, b) = (try makeTrain(), try makeTrain())
    var (out, found): (OpaquePointer?, _) = (nil, report())
    try #require(ttk_apply(2, [a.handle, b.handle], Self.product, nil, nil, &out, &found) == ok)
    defer { ttk_train_destroy(out) }
    #expect(found.reason == TTK_CROSS_CONVERGED && found.evaluations > 0)
    var (x, y) = (0.0, 0.0)
    for index: [Int64] in [[0, 0, 0], [2, 3, 4], [1, 2, 0]] {
      #expect(ttk_train_evaluate(a.handle, 1, index, &x) == ok)
      #expect(ttk_train_evaluate(out, 1, index, &y) == ok)
      // Values reach 13.5; the tolerance is relative to their squares' root mean square.
      #expect(abs(y - x * x) < 1e-5)
    }
  }

  @Test func apply_badArguments_areRefused() throws {
    let (a, other) = (try makeTrain(), try makeTrain([2, 3]))
    let handles: [OpaquePointer?] = [a.handle, a.handle]
    for count: Int32 in [0, -1, 1025, .max] {
      expectRefused(argument, containing: "train_count") {
        ttk_apply(count, handles, Self.product, nil, nil, $0, nil)
      }
    }
    expectRefused(argument, containing: "trains") {
      ttk_apply(2, nil, Self.product, nil, nil, $0, nil)
    }
    expectRefused(argument, containing: "trains[1]") {
      ttk_apply(2, [a.handle, nil], Self.product, nil, nil, $0, nil)
    }
    expectRefused(argument, containing: "differ") {
      ttk_apply(2, [a.handle, other.handle], Self.product, nil, nil, $0, nil)
    }
    expectRefused(argument, containing: "function") {
      ttk_apply(2, handles, nil, nil, nil, $0, nil)
    }
    #expect(ttk_apply(2, handles, Self.product, nil, nil, nil, nil) == argument)
    var options = crossOptions()
    options.rtol = -1
    expectRefused(argument, containing: "rtol") {
      ttk_apply(2, handles, Self.product, nil, &options, $0, nil)
    }
    expectRefused(cancelled) { ttk_apply(2, handles, { _, _, _, _ in 1 }, nil, nil, $0, nil) }
  }

  @Test func cross_capOfEachBond_holds() throws {
    var (ask, out, options): (_, OpaquePointer?, _) = (Ask(), nil, crossOptions())
    let caps: [Int64] = [2, 1]
    try caps.withUnsafeBufferPointer { caps in
      options.max_ranks = caps.baseAddress
      try #require(
        ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, &out, nil) == ok)
    }
    defer { ttk_train_destroy(out) }
    var ranks = [Int64](repeating: 0, count: 4)
    ttk_train_ranks(out, &ranks)
    #expect(ranks[1] <= 2 && ranks[2] == 1)
    let none: [Int64] = [2, 0]
    none.withUnsafeBufferPointer { none in
      options.max_ranks = none.baseAddress
      expectRefused(argument, containing: "max_ranks[1]") {
        ttk_cross(3, [9, 8, 7], ttk_dtype(TTK_FLOAT64), evaluate, &ask, &options, $0, nil)
      }
    }
  }
}
