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

/// x (sequences, n, features) of a layer.
private func tokens(
  _ x: UnsafePointer<ttk_array>?, _ layer: BlockTermAttention
) throws(TTKitError) -> StridedView {
  let shape = try view(x, "x").shape
  guard shape.count == 3, shape[2] == layer.features, shape[1] <= layer.length else {
    throw .invalidArgument(
      "x has shape \(describe(shape)), expected (sequences, at most \(layer.length) tokens, "
        + "\(layer.features))")
  }
  return try operand(x, "x", shape: shape, dtype: layer.dtype)
}

@c @implementation
public func ttk_attention_apply(
  _ layer: OpaquePointer?, _ x: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ y: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try AttentionHandle.require(layer, "layer").value
    let executor = try fitExecutor(options)
    let source = try tokens(x, layer)
    var apart = Apart(inputs: [("x", source)])
    let target = try apart.add(
      y, "y", [source.shape[0], source.shape[1], layer.outputs], layer.dtype)
    try layer.apply(source, into: target, executor: executor)
  }
}

@c @implementation
public func ttk_attention_vjp(
  _ layer: OpaquePointer?, _ x: UnsafePointer<ttk_array>?, _ gradient: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ gradX: UnsafeMutablePointer<ttk_array>?,
  _ gradParameters: UnsafeMutablePointer<ttk_array>?, _ gradBias: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try AttentionHandle.require(layer, "layer").value
    let executor = try fitExecutor(options)
    let dtype = layer.dtype
    let source = try tokens(x, layer)
    let above = try operand(
      gradient, "gradient", shape: [source.shape[0], source.shape[1], layer.outputs], dtype: dtype)
    var apart = Apart(inputs: [("x", source), ("gradient", above)])
    var targets = AttentionGradients()
    if let gradX { targets.x = try apart.add(gradX, "grad_x", source.shape, dtype) }
    if let gradParameters {
      let wide = [layer.rank, layer.features]
      let shapes = [
        wide, wide, wide, [layer.blocks, layer.rank], [layer.outputs, layer.length, layer.length],
      ]
      var views: [StridedView] = []
      for (k, shape) in shapes.enumerated() {
        views.append(try apart.add(gradParameters + k, "grad_parameters[\(k)]", shape, dtype))
      }
      (targets.query, targets.key, targets.value) = (views[0], views[1], views[2])
      (targets.cores, targets.output) = (views[3], views[4])
    }
    if let gradBias {
      guard layer.hasBias else {
        throw .invalidArgument("this layer has no bias; pass NULL for grad_bias")
      }
      targets.bias = try apart.add(gradBias, "grad_bias", [layer.outputs], dtype)
    }
    try layer.vjp(source, above, into: targets, executor: executor)
  }
}

@c @implementation
public func ttk_attention_destroy(_ layer: OpaquePointer?) { AttentionHandle.destroy(layer) }
