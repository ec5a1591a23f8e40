/// Entry points of ttkit/attention.h.
public import CTTKit
internal import TTKit

typealias AttentionHandle = Handle<BlockTermAttention>

@c @implementation
public func ttk_attention_create(
  _ query: UnsafePointer<ttk_array>?, _ key: UnsafePointer<ttk_array>?,
  _ value: UnsafePointer<ttk_array>?, _ cores: UnsafePointer<ttk_array>?,
  _ output: UnsafePointer<ttk_array>?, _ bias: UnsafePointer<ttk_array>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    var offsets: StridedView?
    if bias != nil { offsets = try view(bias, "bias") }
    AttentionHandle.store(
      try BlockTermAttention(
        query: view(query, "query"), key: view(key, "key"), value: view(value, "value"),
        cores: view(cores, "cores"), output: view(output, "output"), bias: offsets), in: out)
  }
}

@c @implementation
public func ttk_attention_features(_ layer: OpaquePointer?) -> Int64 {
  Int64(AttentionHandle.from(layer)?.value.features ?? 0)
}

@c @implementation
public func ttk_attention_rank(_ layer: OpaquePointer?) -> Int64 {
  Int64(AttentionHandle.from(layer)?.value.rank ?? 0)
}

@c @implementation
public func ttk_attention_outputs(_ layer: OpaquePointer?) -> Int64 {
  Int64(AttentionHandle.from(layer)?.value.outputs ?? 0)
}

@c @implementation
public func ttk_attention_length(_ layer: OpaquePointer?) -> Int64 {
  Int64(AttentionHandle.from(layer)?.value.length ?? 0)
}

@c @implementation
public func ttk_attention_dtype(_ layer: OpaquePointer?) -> ttk_dtype {
  AttentionHandle.from(layer)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_attention_nbytes(_ layer: OpaquePointer?) -> Int64 {
  Int64(AttentionHandle.from(layer)?.value.byteCount ?? 0)
}

@c @implementation
public func ttk_attention_apply(
  _ layer: OpaquePointer?, _ x: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ y: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try AttentionHandle.require(layer, "layer").value
    let executor = try fitExecutor(options)
    let input = try view(x, "x")
    guard input.shape.count == 3, input.shape[2] == layer.features, input.shape[1] <= layer.length
    else {
      throw .invalidArgument(
        "x has shape \(describe(input.shape)), expected (sequences, at most \(layer.length) tokens, "
          + "\(layer.features))")
    }
    let source = try operand(x, "x", shape: input.shape, dtype: layer.dtype)
    var apart = Apart(inputs: [("x", source)])
    let target = try apart.add(
      y, "y", [input.shape[0], input.shape[1], layer.outputs], layer.dtype)
    try layer.apply(source, into: target, executor: executor)
  }
}

@c @implementation
public func ttk_attention_destroy(_ layer: OpaquePointer?) { AttentionHandle.destroy(layer) }
