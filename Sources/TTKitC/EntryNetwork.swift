/// Entry points of ttkit/network.h.
public import CTTKit
internal import TTKit

/// Networks of any dtype behind one handle type.
protocol AnyNetwork: Sendable {
  associatedtype Element: Scalar
  var network: TensorNetwork<Element> { get }
}

extension TensorNetwork: AnyNetwork {
  var network: TensorNetwork<T> { self }
}

/// What does not depend on the dtype.
extension AnyNetwork {
  var dtype: DType { Element.dtype }
  var order: Int { network.order }
  var shape: [Int] { network.shape }
  var byteCount: Int { network.byteCount }
  var error: Double { network.error }
  var steps: Int { network.steps }
  var isConverged: Bool { network.isConverged }
  var coreCount: Int { network.cores.count }
  var equation: String { network.equation }
  func norm() throws(TTKitError) -> Double { try network.norm() }
}

private typealias NetworkHandle = Handle<any AnyNetwork>

/// ttk_network_options converted.
private struct NetworkCall {
  var options = NetworkOptions()
  let executor: Executor
  let progress: ProgressReporter

  init(_ pointer: UnsafePointer<ttk_network_options>?, order: Int) throws(TTKitError) {
    let given = try TTKitC.options(pointer, "ttk_network_options", zero: ttk_network_options())
    try requireZero(given.reserved, "ttk_network_options->reserved")
    guard given.max_rank >= 0 else {
      throw .invalidArgument("max_rank is \(given.max_rank), expected at least 1, or 0 for no cap")
    }
    guard given.max_steps >= 0 else {
      throw .invalidArgument("max_steps is \(given.max_steps), expected at least 0")
    }
    options.truncation = Truncation(
      relative: given.rtol, absolute: given.atol,
      maxRank: given.max_rank == 0 ? nil : Int(given.max_rank),
      maxRanks: given.max_ranks.map { caps in (0..<order).map { Int(caps[$0]) } })
    options.mostSteps = given.max_steps == 0 ? nil : Int(given.max_steps)
    options.tolerance = given.tolerance == 0 ? nil : given.tolerance
    options.seed = given.seed
    executor = try TTKitC.executor(given.executor, threads: given.threads)
    progress = reporter(given.progress, given.progress_context)
  }
}

/// Checks and converts, decomposes, stores.
private func decompose(
  _ tensor: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_network_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ method: Method
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let array = try view(tensor, "tensor")
    let call = try NetworkCall(options, order: array.shape.count)
    func run<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyNetwork {
      try array.withTensor(as: type) { (tensor) throws(TTKitError) in
        switch method {
        case .canonical(let rank):
          guard !call.options.truncation.isGiven else {
            throw .invalidArgument("rtol, atol and rank caps mean nothing here; rank is the rank")
          }
          return try TensorNetwork<T>.canonical(
            tensor, rank: rank, call.options, executor: call.executor, progress: call.progress)
        case .tucker:
          return try TensorNetwork<T>.tucker(
            tensor, call.options, executor: call.executor, progress: call.progress)
        case .hierarchicalTucker:
          return try TensorNetwork<T>.hierarchicalTucker(
            tensor, call.options, executor: call.executor, progress: call.progress)
        }
      }
    }
    NetworkHandle.store(try run(scalarType(array.dtype, "tensor")), in: out)
  }
}

private enum Method {
  case canonical(rank: Int)
  case tucker, hierarchicalTucker
}

@c @implementation
public func ttk_canonical(
  _ tensor: UnsafePointer<ttk_array>?, _ rank: Int64,
  _ options: UnsafePointer<ttk_network_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  decompose(tensor, options, out, .canonical(rank: Int(rank)))
}

@c @implementation
public func ttk_tucker(
  _ tensor: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_network_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  decompose(tensor, options, out, .tucker)
}

@c @implementation
public func ttk_hierarchical_tucker(
  _ tensor: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_network_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  decompose(tensor, options, out, .hierarchicalTucker)
}

@c @implementation
public func ttk_network_destroy(_ network: OpaquePointer?) { NetworkHandle.destroy(network) }

// MARK: - Properties

private func network(_ pointer: OpaquePointer?) -> (any AnyNetwork)? {
  NetworkHandle.from(pointer)?.value
}

@c @implementation
public func ttk_network_order(_ network: OpaquePointer?) -> Int32 {
  Int32(TTKitC.network(network)?.order ?? 0)  // at most 64
}

@c @implementation
public func ttk_network_dtype(_ network: OpaquePointer?) -> ttk_dtype {
  TTKitC.network(network)?.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_network_nbytes(_ network: OpaquePointer?) -> Int64 {
  Int64(TTKitC.network(network)?.byteCount ?? 0)
}

@c @implementation
public func ttk_network_error(_ network: OpaquePointer?) -> Double {
  TTKitC.network(network)?.error ?? 0
}

@c @implementation
public func ttk_network_steps(_ network: OpaquePointer?) -> Int64 {
  Int64(TTKitC.network(network)?.steps ?? 0)
}

@c @implementation
public func ttk_network_converged(_ network: OpaquePointer?) -> Int32 {
  TTKitC.network(network)?.isConverged ?? false ? 1 : 0
}

@c @implementation
public func ttk_network_shape(_ network: OpaquePointer?, _ shape: UnsafeMutablePointer<Int64>?) {
  store(TTKitC.network(network)?.shape, in: shape)
}

@c @implementation
public func ttk_network_core_count(_ network: OpaquePointer?) -> Int32 {
  Int32(TTKitC.network(network)?.coreCount ?? 0)  // at most 127
}

@c @implementation
public func ttk_network_core(
  _ network: OpaquePointer?, _ k: Int32, _ core: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let core = try require(core, "core")
    let handle = try NetworkHandle.require(network, "network")
    func borrowCore(_ value: some AnyNetwork) throws(TTKitError) {
      let cores = value.network.cores
      guard cores.indices.contains(Int(k)) else {
        throw .invalidArgument("k is \(k), expected 0 to \(cores.count - 1)")
      }
      borrow(cores[Int(k)], handle.arena, in: core)
    }
    try borrowCore(handle.value)
  }
}

@c @implementation
public func ttk_network_equation(_ network: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = NetworkHandle.from(network) else { return nil }
  return handle.arena.string(handle.value.equation)
}

// MARK: - What it stands for

@c @implementation
public func ttk_network_norm(
  _ network: OpaquePointer?, _ norm: UnsafeMutablePointer<Double>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let norm = try require(norm, "norm")
    norm.pointee = try NetworkHandle.require(network, "network").value.norm()
  }
}

@c @implementation
public func ttk_network_to_train(
  _ network: OpaquePointer?, _ options: UnsafePointer<ttk_svd_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try NetworkHandle.require(network, "network").value
    let options = try SVDOptions(options, order: value.order)
    func convert<A: AnyNetwork>(_ value: A) throws(TTKitError) -> any AnyTrain {
      try value.network.train(options.truncation, executor: options.executor)
    }
    TrainHandle.store(try convert(value), in: out)
  }
}

@c @implementation
public func ttk_network_to_array(
  _ network: OpaquePointer?, _ tensor: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let value = try NetworkHandle.require(network, "network").value
    func write<A: AnyNetwork>(_ value: A) throws(TTKitError) {
      let array = try target(
        tensor, "tensor", shape: value.network.shape, dtype: A.Element.dtype)
      array.write(try value.network.dense())
    }
    try write(value)
  }
}
