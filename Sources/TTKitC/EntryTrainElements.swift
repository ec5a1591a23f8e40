/// Entry points of ttkit/train.h: elements of a train, some or all.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_evaluate(
  _ train: OpaquePointer?, _ count: Int64, _ indices: UnsafePointer<Int64>?,
  _ values: UnsafeMutableRawPointer?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let handle = try TrainHandle.require(train, "train")
    guard count >= 0 else { throw .invalidArgument("count is \(count), expected at least 0") }
    if count == 0 { return }
    let indices = try require(indices, "indices")
    let values = try require(values, "values")
    let plain = handle.value.plain
    let total = try checkedProduct([Int(count), plain.order])
    let read = try Region(
      indices, count: total, size: 8, alignment: MemoryLayout<Int64>.alignment, "indices")
    let written = try Region(
      values, count: Int(count), size: plain.elementSize, alignment: plain.elementAlignment,
      "values")
    try written.requireApart(from: read)
    if plain.isTame, count < 256 {
      // In bounds as far as the caller's counts are right; the handle keeps the cores.
      try plain.checkedElements(Int(count), indices, values)
      return withExtendedLifetime(handle) {}
    }
    func evaluate<A: AnyTrain>(_ value: A) throws(TTKitError) {
      // In bounds as before; both spans end with this call.
      let points = Span(_unsafeStart: indices, count: total)
      var out = MutableSpan(
        _unsafeStart: values.assumingMemoryBound(to: A.Element.self), count: Int(count))
      try value.train.evaluate(points, into: &out)
    }
    try evaluate(handle.value)
  }
}

@c @implementation
public func ttk_train_to_array(
  _ train: OpaquePointer?, _ tensor: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let value = try TTKitC.train(train, "train")
    let array = try view(UnsafePointer(tensor), "tensor")
    func write<A: AnyTrain>(_ value: A) throws(TTKitError) {
      try requireDType(array, A.Element.self, "tensor")
      guard array.shape == value.shape else {
        throw .invalidArgument(
          "tensor has shape \(describe(array.shape)), expected \(describe(value.shape)), the train's"
        )
      }
      try requireWritable(array, "tensor")
      array.write(try value.train.dense())
    }
    try write(value)
  }
}
