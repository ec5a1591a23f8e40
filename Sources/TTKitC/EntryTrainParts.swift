/// Entry points of ttkit/train.h: other shapes, parts, several trains in one.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_reshape(
  _ train: OpaquePointer?, _ order: Int32, _ shape: UnsafePointer<Int64>?,
  _ options: UnsafePointer<ttk_svd_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try TTKitC.train(train, "train")
    guard order >= 1, order <= TTK_MAX_ORDER else {
      throw .invalidArgument("order is \(order), expected 1 to \(TTK_MAX_ORDER)")
    }
    let shape = try require(shape, "shape")
    let modes = (0..<Int(order)).map { Int(shape[$0]) }
    let options = try SVDOptions(options, order: Int(order))
    func reshape(_ value: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try value.train.reshaped(
        modes: modes, options.truncation, executor: options.executor, progress: options.progress)
    }
    TrainHandle.store(try reshape(value), in: out)
  }
}

@c @implementation
public func ttk_train_concatenate(
  _ count: Int32, _ trains: UnsafePointer<OpaquePointer?>?, _ axis: Int32,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    guard count >= 1 else { throw .invalidArgument("count is \(count), expected at least 1") }
    let trains = try require(trains, "trains")
    func concatenate<A: AnyTrain>(_ first: A) throws(TTKitError) -> any AnyTrain {
      var each: [TensorTrain<A.Element>] = []
      for i in 0..<Int(count) {
        try each.append(sameDType(first, TTKitC.train(trains[i], "trains[\(i)]")))
      }
      return try TensorTrain.concatenated(each, alongMode: Int(axis))
    }
    TrainHandle.store(try concatenate(TTKitC.train(trains[0], "trains[0]")), in: out)
  }
}

@c @implementation
public func ttk_train_slice(
  _ train: OpaquePointer?, _ first: UnsafePointer<Int64>?, _ counts: UnsafePointer<Int64>?,
  _ steps: UnsafePointer<Int64>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try TTKitC.train(train, "train")
    let (first, counts) = try (require(first, "first"), require(counts, "counts"))
    let selections = (0..<value.order).map { k in
      counts[k] == 0
        ? ModeSelection.element(Int(first[k]))
        : .slice(first: Int(first[k]), step: steps.map { Int($0[k]) } ?? 1, count: Int(counts[k]))
    }
    func slice(_ value: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try value.train.sliced(selections)
    }
    TrainHandle.store(try slice(value), in: out)
  }
}

@c @implementation
public func ttk_train_conjugate(
  _ train: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    func conjugate(_ value: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try value.train.conjugated()
    }
    TrainHandle.store(try conjugate(TTKitC.train(train, "train")), in: out)
  }
}
