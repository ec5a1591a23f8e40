/// Entry points of ttkit/train.h: the algebra of trains.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_round(
  _ train: OpaquePointer?, _ options: UnsafePointer<ttk_svd_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try TTKitC.train(train, "train")
    let options = try SVDOptions(options, order: value.order)
    func round(_ value: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try value.train.rounded(
        options.truncation, executor: options.executor, progress: options.progress)
    }
    TrainHandle.store(try round(value), in: out)
  }
}

@c @implementation
public func ttk_train_add(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let (a, b) = try (train(a, "a"), train(b, "b"))
    func add(_ a: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try a.train.adding(sameDType(a, b))
    }
    TrainHandle.store(try add(a), in: out)
  }
}

@c @implementation
public func ttk_train_subtract(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let (a, b) = try (train(a, "a"), train(b, "b"))
    func subtract(_ a: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try a.train.subtracting(sameDType(a, b))
    }
    TrainHandle.store(try subtract(a), in: out)
  }
}

@c @implementation
public func ttk_train_hadamard(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let (a, b) = try (train(a, "a"), train(b, "b"))
    func multiply(_ a: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try a.train.hadamard(sameDType(a, b))
    }
    TrainHandle.store(try multiply(a), in: out)
  }
}

@c @implementation
public func ttk_train_scale(
  _ train: OpaquePointer?, _ factor: UnsafeRawPointer?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let factor = try require(factor, "factor")
    func scale<A: AnyTrain>(_ value: A) throws(TTKitError) -> any AnyTrain {
      // The caller's scalar may lie at any address.
      try value.train.scaled(by: factor.loadUnaligned(as: A.Element.self))
    }
    TrainHandle.store(try scale(TTKitC.train(train, "train")), in: out)
  }
}

@c @implementation
public func ttk_train_dot(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ result: UnsafeMutableRawPointer?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let result = try require(result, "result")
    let (a, b) = try (train(a, "a"), train(b, "b"))
    func dot<A: AnyTrain>(_ a: A) throws(TTKitError) {
      // The caller's scalar may lie at any address.
      result.storeBytes(of: try a.train.dot(sameDType(a, b)), as: A.Element.self)
    }
    try dot(a)
  }
}

@c @implementation
public func ttk_train_norm(
  _ train: OpaquePointer?, _ norm: UnsafeMutablePointer<Double>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let norm = try require(norm, "norm")
    func compute(_ value: some AnyTrain) throws(TTKitError) -> Double { try value.train.norm() }
    norm.pointee = try compute(TTKitC.train(train, "train"))
  }
}

@c @implementation
public func ttk_train_sum(
  _ train: OpaquePointer?, _ count: Int32, _ axes: UnsafePointer<Int32>?,
  _ weights: UnsafePointer<ttk_array>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try TTKitC.train(train, "train")
    let list = try TTKitC.axes(axes, count, order: value.order)
    func sum<A: AnyTrain>(_ value: A) throws(TTKitError) -> any AnyTrain {
      try value.train.summed(
        over: list, weights: TTKitC.weights(weights, list.count, A.Element.self))
    }
    TrainHandle.store(try sum(value), in: out)
  }
}

/// `count` axes of a train, still to be checked one by one.
func axes(
  _ pointer: UnsafePointer<Int32>?, _ count: Int32, order: Int
) throws(TTKitError) -> [Int] {
  guard count >= 0, Int(count) <= order else {
    throw .invalidArgument("count is \(count), expected 0 to \(order)")
  }
  if count == 0 { return [] }
  let axes = try require(pointer, "axes")
  return (0..<Int(count)).map { Int(axes[$0]) }
}

/// Weights of a sum, nil where their data is NULL.
private func weights<T: Scalar>(
  _ arrays: UnsafePointer<ttk_array>?, _ count: Int, _ type: T.Type
) throws(TTKitError) -> [Tensor<T>?]? {
  guard let arrays = arrays else { return nil }
  var result: [Tensor<T>?] = []
  for position in 0..<count {
    guard arrays[position].data != nil else {
      result.append(nil)
      continue
    }
    let name = "weights[\(position)]"
    let array = try view(arrays[position], name)
    try requireDType(array, type, name)
    result.append(try array.copied(as: type))
  }
  return result
}

@c @implementation
public func ttk_train_orthogonalize(
  _ train: OpaquePointer?, _ first: Int32, _ center: Int32, _ last: Int32,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    func orthogonalize(_ value: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try value.train.orthogonalized(first: Int(first), center: Int(center), last: Int(last))
    }
    TrainHandle.store(try orthogonalize(TTKitC.train(train, "train")), in: out)
  }
}

@c @implementation
public func ttk_train_transpose(
  _ train: OpaquePointer?, _ axes: UnsafePointer<Int32>?,
  _ options: UnsafePointer<ttk_svd_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try TTKitC.train(train, "train")
    let axes = try require(axes, "axes")
    let list = (0..<value.order).map { Int(axes[$0]) }
    let options = try SVDOptions(options, order: value.order)
    func transpose(_ value: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try value.train.transposed(
        list, options.truncation, executor: options.executor, progress: options.progress)
    }
    TrainHandle.store(try transpose(value), in: out)
  }
}
