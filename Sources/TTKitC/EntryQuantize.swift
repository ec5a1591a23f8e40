/// Entry points of ttkit/quantize.h.
internal import CTTKKernels
public import CTTKit
internal import TTKit

typealias QuantizedHandle = Handle<QuantizedArray>

@c @implementation
public func ttk_quantize(
  _ array: UnsafePointer<ttk_array>?, _ storage: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let array = try view(array, "array")
    QuantizedHandle.store(
      try QuantizedArray(array, storage: requireString(storage, "storage")), in: out)
  }
}

@c @implementation
public func ttk_quantized_ndim(_ quantized: OpaquePointer?) -> Int32 {
  Int32(QuantizedHandle.from(quantized)?.value.shape.count ?? 0)
}

@c @implementation
public func ttk_quantized_shape(
  _ quantized: OpaquePointer?, _ shape: UnsafeMutablePointer<Int64>?
) {
  guard let quantized = QuantizedHandle.from(quantized)?.value, let shape = shape else { return }
  for (axis, length) in quantized.shape.enumerated() { shape[axis] = Int64(length) }
}

@c @implementation
public func ttk_quantized_dtype(_ quantized: OpaquePointer?) -> ttk_dtype {
  QuantizedHandle.from(quantized)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_quantized_nbytes(_ quantized: OpaquePointer?) -> Int64 {
  Int64(QuantizedHandle.from(quantized)?.value.core.byteCount ?? 0)
}

@c @implementation
public func ttk_quantized_error(_ quantized: OpaquePointer?) -> Double {
  QuantizedHandle.from(quantized)?.value.error ?? 0
}

@c @implementation
public func ttk_quantized_storage(_ quantized: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = QuantizedHandle.from(quantized) else { return nil }
  return handle.arena.string(handle.value.storage)
}

@c @implementation
public func ttk_quantized_to_array(
  _ quantized: OpaquePointer?, _ array: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let quantized = try QuantizedHandle.require(quantized, "quantized").value
    let target = try target(array, "array", shape: quantized.shape, dtype: quantized.dtype)
    if quantized.dtype == .float64 {
      target.write(try quantized.core.decoded(Double.self))
    } else {
      target.write(try quantized.core.decoded(Float.self))
    }
  }
}

@c @implementation
public func ttk_quantized_part_count(_ quantized: OpaquePointer?) -> Int32 {
  Int32(QuantizedHandle.from(quantized)?.value.core.parts.count ?? 0)
}

@c @implementation
public func ttk_quantized_part_name(
  _ quantized: OpaquePointer?, _ k: Int32
) -> UnsafePointer<CChar>? {
  guard let handle = QuantizedHandle.from(quantized),
    handle.value.core.parts.indices.contains(Int(k))
  else { return nil }
  return handle.arena.string(handle.value.core.parts[Int(k)].name)
}

@c @implementation
public func ttk_quantized_part(
  _ quantized: OpaquePointer?, _ k: Int32, _ part: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let handle = try QuantizedHandle.require(quantized, "quantized")
    let out = try require(part, "part")
    let parts = handle.value.core.parts
    guard parts.indices.contains(Int(k)) else {
      throw .invalidArgument("part \(k) was asked for, expected 0 to \(parts.count - 1)")
    }
    let found = parts[Int(k)]
    // The handle keeps these bytes, so the view lives as long as the handle.
    let start = found.bytes.withSpan { span in
      span.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
    }
    out.pointee = ttk_array(
      data: start, shape: handle.arena.lengths(found.shape), strides: nil,
      ndim: Int32(found.shape.count), dtype: found.dtype.rawValue)
  }
}

@c @implementation
public func ttk_quantize_with_scales(
  _ array: UnsafePointer<ttk_array>?, _ storage: UnsafePointer<CChar>?,
  _ scale: UnsafePointer<ttk_array>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    QuantizedHandle.store(
      try QuantizedArray(
        view(array, "array"), storage: requireString(storage, "storage"),
        scales: view(scale, "scale")), in: out)
  }
}

@c @implementation
public func ttk_linear_from_quantized(
  _ spec: UnsafePointer<CChar>?, _ outFeatures: Int64, _ inFeatures: Int64, _ count: Int32,
  _ cores: UnsafePointer<OpaquePointer?>?, _ bias: UnsafePointer<ttk_array>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    guard count >= 1, count <= Int32(TTK_MAX_ORDER) else {
      throw .invalidArgument("number of cores is \(count), expected 1 to \(TTK_MAX_ORDER)")
    }
    let handles = try require(cores, "cores")
    var encoded: [EncodedCore] = []
    for k in 0..<Int(count) {
      encoded.append(try QuantizedHandle.require(handles[k], "cores[\(k)]").value.core)
    }
    let matrix = try CompressedMatrix.make(
      Spec(parsing: requireString(spec, "spec")), rows: Int(outFeatures), columns: Int(inFeatures),
      encoded: encoded)
    LinearHandle.store(try Linear(matrix: matrix, bias: optionalBias(bias)), in: out)
  }
}

@c @implementation
public func ttk_quantized_destroy(_ quantized: OpaquePointer?) {
  QuantizedHandle.destroy(quantized)
}

// MARK: - Training

/// ttk_fake_quantize_options, checked, with defaults filled in.
private func quantizer(
  _ pointer: UnsafePointer<ttk_fake_quantize_options>?
) throws(TTKitError) -> (FakeQuantizer, group: Int) {
  let given = try options(
    pointer, "ttk_fake_quantize_options", zero: ttk_fake_quantize_options())
  try requireZero(given.reserved, "ttk_fake_quantize_options->reserved")
  guard given.is_unsigned == 0 || given.is_unsigned == 1 else {
    throw .invalidArgument("is_unsigned is \(given.is_unsigned), expected 0 or 1")
  }
  let quantizer = try FakeQuantizer(
    bits: given.bits == 0 ? 8 : Int(given.bits), isSigned: given.is_unsigned == 0,
    rule: gradientRule(given.rule))
  return (quantizer, Int(given.group))
}

func gradientRule(_ rule: ttk_gradient_rule) throws(TTKitError) -> FakeQuantizer.Rule {
  switch Int(rule) {
  case TTK_GRADIENT_LSQ: return .lsq
  case TTK_GRADIENT_PLAIN: return .plain
  default: throw .invalidArgument("rule is \(rule), expected TTK_GRADIENT_LSQ or _PLAIN")
  }
}

/// A view of the dtype that all arrays of the call share.
private func shared(
  _ pointer: UnsafePointer<ttk_array>?, _ name: String, _ dtype: DType
) throws(TTKitError) -> StridedView {
  let found = try view(pointer, name)
  guard found.dtype == dtype else {
    throw .unsupportedDType(
      "\(name) is \(found.dtype.name), x is \(dtype.name); expected one dtype")
  }
  return found
}

private func real(_ pointer: UnsafePointer<ttk_array>?) throws(TTKitError) -> StridedView {
  let x = try view(pointer, "x")
  guard x.dtype == .float32 || x.dtype == .float64 else {
    throw .unsupportedDType("x is \(x.dtype.name), expected float32 or float64")
  }
  return x
}

@c @implementation
public func ttk_fake_quantize(
  _ x: UnsafePointer<ttk_array>?, _ scale: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fake_quantize_options>?, _ y: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let (quantizer, group) = try quantizer(options)
    let x = try real(x)
    let scale = try shared(scale, "scale", x.dtype)
    let y = try target(y, "y", shape: x.shape, dtype: x.dtype)
    func run<T: RealScalar>(_ type: T.Type) throws(TTKitError) {
      y.write(
        try quantizer.quantize(
          x.copied(as: type), scales: scale.copied(as: type), group: group))
    }
    if x.dtype == .float64 { try run(Double.self) } else { try run(Float.self) }
  }
}

@c @implementation
public func ttk_fake_quantize_vjp(
  _ x: UnsafePointer<ttk_array>?, _ scale: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fake_quantize_options>?, _ grad: UnsafePointer<ttk_array>?,
  _ gradX: UnsafeMutablePointer<ttk_array>?, _ gradScale: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let (quantizer, group) = try quantizer(options)
    let x = try real(x)
    let scale = try shared(scale, "scale", x.dtype)
    let grad = try shared(grad, "grad", x.dtype)
    let gradX = try target(gradX, "grad_x", shape: x.shape, dtype: x.dtype)
    let gradScale = try target(gradScale, "grad_scale", shape: scale.shape, dtype: x.dtype)
    func run<T: RealScalar>(_ type: T.Type) throws(TTKitError) {
      let found = try quantizer.gradients(
        x.copied(as: type), scales: scale.copied(as: type), group: group,
        grad: grad.copied(as: type))
      gradX.write(found.x)
      gradScale.write(found.scales)
    }
    if x.dtype == .float64 { try run(Double.self) } else { try run(Float.self) }
  }
}
