import CTTKit
import TTKitC
import Testing

private func networkOptions() -> ttk_network_options {
  var options = ttk_network_options()
  options.struct_size = MemoryLayout<ttk_network_options>.size
  return options
}

/// Bad input at every entry point of network.h, and the way through it.
@Suite struct NetworkBoundaryTests {
  private typealias Make =
    @Sendable (
      UnsafePointer<ttk_array>?, UnsafePointer<ttk_network_options>?,
      UnsafeMutablePointer<OpaquePointer?>?
    ) -> ttk_status

  private static let methods: [(name: String, make: Make)] = [
    ("canonical", { ttk_canonical($0, 2, $1, $2) }),
    ("tucker", { ttk_tucker($0, $1, $2) }),
    ("hierarchical_tucker", { ttk_hierarchical_tucker($0, $1, $2) }),
  ]

  @Test func networks_holdWhatTheySay() throws {
    let array = CArray([3, 4, 5])
    for (name, make) in Self.methods {
      var out: OpaquePointer?
      try #require(make(&array.array, nil, &out) == ok)
      let network = try #require(out)
      defer { ttk_network_destroy(network) }
      var shape = [Int64](repeating: 0, count: 3)
      ttk_network_shape(network, &shape)
      #expect(shape == [3, 4, 5] && ttk_network_order(network) == 3)
      #expect(ttk_network_dtype(network) == ttk_dtype(TTK_FLOAT64))
      var bytes: Int64 = 0
      for k in 0..<ttk_network_core_count(network) {
        var core = ttk_array()
        #expect(ttk_network_core(network, k, &core) == ok)
        bytes += 8 * (0..<Int(core.ndim)).reduce(1) { $0 * core.shape[$1] }
      }
      #expect(bytes == ttk_network_nbytes(network), "\(name)")
      var core = ttk_array()
      #expect(ttk_network_core(network, -1, &core) == argument)
      #expect(ttk_network_core(network, 99, &core) == argument)
      #expect(String(cString: ttk_network_equation(network)).hasSuffix("->{i0}{i1}{i2}"))
      let result = CArray([3, 4, 5], .init(repeating: 0, count: 60))
      #expect(ttk_network_to_array(network, &result.array) == ok)
      func squares(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
      let differences = zip(result.values, array.values).map { $0 - $1 }
      let found = (squares(differences) / squares(array.values)).squareRoot()
      #expect(abs(found - ttk_network_error(network)) < 1e-12, "\(name)")
      let small = CArray([3, 4])
      #expect(ttk_network_to_array(network, &small.array) == argument)
      var (value, train) = (0.0, OpaquePointer?.none)
      #expect(ttk_network_norm(network, &value) == ok && value > 0)
      #expect(ttk_network_to_train(network, nil, &train) == ok)
      ttk_train_destroy(train)
    }
  }

  @Test func badInput_isRefused() {
    let array = CArray([3, 4, 5])
    for (name, make) in Self.methods {
      let comment = Comment(rawValue: name)
      expectRefused(argument, containing: "tensor", comment) { make(nil, nil, $0) }
      #expect(make(&array.array, nil, nil) == argument)
      func refused(
        _ status: ttk_status, _ text: String, _ change: (inout ttk_network_options) -> Void
      ) {
        var options = networkOptions()
        change(&options)
        expectRefused(status, containing: text, comment) { make(&array.array, &options, $0) }
      }
      refused(argument, "struct_size") { $0.struct_size = 4 }
      refused(ttk_status(TTK_ERROR_VERSION), "reserved") { $0.reserved = 1 }
      refused(argument, "threads") { $0.threads = -1 }
      refused(argument, "max_steps") { $0.max_steps = -1 }
      refused(argument, "tolerance") { $0.tolerance = -1 }
      refused(argument, "tolerance") { $0.tolerance = .nan }
      refused(argument, "max_rank") { $0.max_rank = -1 }
      refused(argument, "") { $0.rtol = -1 }
      refused(argument, "") { $0.rtol = .nan }
      let empty = CArray([3, 0])
      expectRefused(argument, containing: "shape") { make(&empty.array, nil, $0) }
      let broken = CArray([2, 2], [1, .nan, 2, 3])
      expectRefused(ttk_status(TTK_ERROR_NONFINITE)) { make(&broken.array, nil, $0) }
      broken.array.dtype = ttk_dtype(TTK_INT32)
      expectRefused(wrongDType) { make(&broken.array, nil, $0) }
    }
    for rank: Int64 in [0, -1] {
      expectRefused(argument, containing: "rank") { ttk_canonical(&array.array, rank, nil, $0) }
    }
    expectRefused(tooLarge) { ttk_canonical(&array.array, .max, nil, $0) }
    var options = networkOptions()
    let caps: [Int64] = [1, 0, 2]
    caps.withUnsafeBufferPointer {
      options.max_ranks = $0.baseAddress
      expectRefused(argument, containing: "max_ranks") { ttk_tucker(&array.array, &options, $0) }
    }
    let good: [Int64] = [1, 1, 2]
    good.withUnsafeBufferPointer {
      options.max_ranks = $0.baseAddress
      expectRefused(argument, containing: "one cap") {
        ttk_hierarchical_tucker(&array.array, &options, $0)
      }
    }
    options.max_ranks = nil
    options.max_rank = 2
    expectRefused(argument, containing: "rank caps") {
      ttk_canonical(&array.array, 2, &options, $0)
    }
  }

  @Test func noNetwork_answersNothing() {
    ttk_network_destroy(nil)
    #expect(ttk_network_order(nil) == 0 && ttk_network_dtype(nil) == 0)
    #expect(ttk_network_nbytes(nil) == 0 && ttk_network_error(nil) == 0)
    #expect(ttk_network_core_count(nil) == 0 && ttk_network_equation(nil) == nil)
    #expect(ttk_network_steps(nil) == 0 && ttk_network_converged(nil) == 0)
    var (norm, core) = (0.0, ttk_array())
    #expect(ttk_network_norm(nil, &norm) == argument)
    #expect(ttk_network_core(nil, 0, &core) == argument)
    #expect(ttk_network_to_array(nil, &core) == argument)
    expectRefused(argument) { ttk_network_to_train(nil, nil, $0) }
  }
}

extension FaultLoops {
  @Suite(.serialized) struct NetworkFaultTests {
    @Test func everyAllocationMayFail_networks() throws {
      let array = CArray([4, 3, 5, 2])
      // One term, found by the first start: the loop is quadratic in the number of allocations.
      let simple = CArray([2, 3, 2], .init(repeating: 1, count: 12))
      var options = networkOptions()
      options.max_steps = 1
      everyAllocationMayFail("canonical", { ttk_canonical(&simple.array, 1, &options, $0) }) {
        ttk_network_destroy($0)
      }
      options.max_rank = 2
      everyAllocationMayFail("tucker", { ttk_tucker(&array.array, &options, $0) }) {
        ttk_network_destroy($0)
      }
      everyAllocationMayFail(
        "hierarchical_tucker", { ttk_hierarchical_tucker(&array.array, &options, $0) }
      ) { ttk_network_destroy($0) }
      var out: OpaquePointer?
      try #require(ttk_hierarchical_tucker(&array.array, nil, &out) == ok)
      defer { ttk_network_destroy(out) }
      everyAllocationMayFail("to_train") { ttk_network_to_train(out, nil, $0) }
    }
  }
}
