/// Entry points of ttkit/train.h: trains from cores, their properties.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_from_cores(
  _ order: Int32, _ cores: UnsafePointer<ttk_array>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let arrays = try views(order, cores, "cores")
    func make<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyTrain {
      try TensorTrain(cores: TTKitC.cores(arrays, type, axes: 3))
    }
    TrainHandle.store(try make(scalarType(arrays[0].dtype, "cores[0]")), in: out)
  }
}

@c @implementation
public func ttk_train_destroy(_ train: OpaquePointer?) { TrainHandle.destroy(train) }

// MARK: - Properties

@c @implementation
public func ttk_train_order(_ train: OpaquePointer?) -> Int32 {
  Int32(TrainHandle.from(train)?.value.order ?? 0)  // at most TTK_MAX_ORDER
}

@c @implementation
public func ttk_train_dtype(_ train: OpaquePointer?) -> ttk_dtype {
  TrainHandle.from(train)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_train_nbytes(_ train: OpaquePointer?) -> Int64 {
  Int64(TrainHandle.from(train)?.value.byteCount ?? 0)
}

@c @implementation
public func ttk_train_error(_ train: OpaquePointer?) -> Double {
  TrainHandle.from(train)?.value.error ?? 0
}

@c @implementation
public func ttk_train_shape(_ train: OpaquePointer?, _ shape: UnsafeMutablePointer<Int64>?) {
  store(TrainHandle.from(train)?.value.shape, in: shape)
}

@c @implementation
public func ttk_train_ranks(_ train: OpaquePointer?, _ ranks: UnsafeMutablePointer<Int64>?) {
  store(TrainHandle.from(train)?.value.ranks, in: ranks)
}

/// Writes lengths; nothing when either side is missing.
func store(_ values: [Int]?, in out: UnsafeMutablePointer<Int64>?) {
  guard let values, let out = out else { return }
  for (i, value) in values.enumerated() { out[i] = Int64(value) }
}

@c @implementation
public func ttk_train_core(
  _ train: OpaquePointer?, _ k: Int32, _ core: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let core = try require(core, "core")
    let handle = try TrainHandle.require(train, "train")
    func borrowCore(_ value: some AnyTrain) throws(TTKitError) {
      let train = value.train
      guard train.cores.indices.contains(Int(k)) else {
        throw .invalidArgument("k is \(k), expected 0 to \(train.order - 1)")
      }
      borrow(train.cores[Int(k)], handle.arena, in: core)
    }
    try borrowCore(handle.value)
  }
}
