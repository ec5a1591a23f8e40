/// Entry points of ttkit/linear.h.
internal import CTTKKernels
public import CTTKit
internal import TTKit

typealias LinearHandle = Handle<Linear>
typealias LinearPlanHandle = Handle<LinearPlan>

// MARK: - Making

@c @implementation
public func ttk_linear_fit(
  _ weight: UnsafePointer<ttk_array>?, _ spec: UnsafePointer<CChar>?,
  _ bias: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_fit_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let wish = try FitWish(options)
    let weight = try weightView(weight, "weight")
    let offsets = try optionalBias(bias)
    if let offsets { try offsets.require(count: weight.shape[0]) }
    let matrix = try CompressedMatrix.fit(
      weight, spec: Spec(parsing: requireString(spec, "spec")),
      moment: wish.inputMoment(columns: weight.shape[1], hasBias: bias != nil),
      executor: wish.executor)
    LinearHandle.store(
      try Linear(matrix: matrix, bias: offsets?.shifted(by: matrix.biasChange)), in: out)
  }
}

@c @implementation
public func ttk_linear_from_cores(
  _ spec: UnsafePointer<CChar>?, _ outFeatures: Int64, _ inFeatures: Int64, _ count: Int32,
  _ cores: UnsafePointer<ttk_array>?, _ bias: UnsafePointer<ttk_array>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let matrix = try CompressedMatrix.make(
      Spec(parsing: requireString(spec, "spec")), rows: Int(outFeatures), columns: Int(inFeatures),
      cores: views(cores, count, "cores"))
    LinearHandle.store(try Linear(matrix: matrix, bias: optionalBias(bias)), in: out)
  }
}

@c @implementation
public func ttk_linear_initialize(
  _ spec: UnsafePointer<CChar>?, _ outFeatures: Int64, _ inFeatures: Int64, _ dtype: ttk_dtype,
  _ seed: UInt64, _ bias: UnsafePointer<ttk_array>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let matrix = try CompressedMatrix.initialized(
      Spec(parsing: requireString(spec, "spec")), rows: Int(outFeatures), columns: Int(inFeatures),
      dtype: realDType(dtype), seed: seed)
    LinearHandle.store(try Linear(matrix: matrix, bias: optionalBias(bias)), in: out)
  }
}

@c @implementation
public func ttk_linear_destroy(_ layer: OpaquePointer?) { LinearHandle.destroy(layer) }

// MARK: - Accessors

@c @implementation
public func ttk_linear_in_features(_ layer: OpaquePointer?) -> Int64 {
  Int64(LinearHandle.from(layer)?.value.inFeatures ?? 0)
}

@c @implementation
public func ttk_linear_out_features(_ layer: OpaquePointer?) -> Int64 {
  Int64(LinearHandle.from(layer)?.value.outFeatures ?? 0)
}

@c @implementation
public func ttk_linear_dtype(_ layer: OpaquePointer?) -> ttk_dtype {
  LinearHandle.from(layer)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_linear_nbytes(_ layer: OpaquePointer?) -> Int64 {
  Int64(LinearHandle.from(layer)?.value.byteCount ?? 0)
}

@c @implementation
public func ttk_linear_error(_ layer: OpaquePointer?) -> Double {
  LinearHandle.from(layer)?.value.matrix.error ?? 0
}

@c @implementation
public func ttk_linear_output_error(_ layer: OpaquePointer?) -> Double {
  LinearHandle.from(layer)?.value.matrix.outputError ?? 0
}

@c @implementation
public func ttk_linear_spec(_ layer: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = LinearHandle.from(layer) else { return nil }
  return handle.arena.string(handle.value.matrix.spec.description)
}

@c @implementation
public func ttk_linear_core_count(_ layer: OpaquePointer?) -> Int32 {
  Int32(LinearHandle.from(layer)?.value.matrix.cores.count ?? 0)
}

@c @implementation
public func ttk_linear_core_shape(
  _ layer: OpaquePointer?, _ k: Int32, _ ndim: UnsafeMutablePointer<Int32>?,
  _ shape: UnsafeMutablePointer<Int64>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeCoreShape(LinearHandle.require(layer, "layer").value.matrix, k, ndim, shape)
  }
}

@c @implementation
public func ttk_linear_core_to_array(
  _ layer: OpaquePointer?, _ k: Int32, _ core: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeCore(LinearHandle.require(layer, "layer").value.matrix, k, core)
  }
}

@c @implementation
public func ttk_linear_has_bias(_ layer: OpaquePointer?) -> Int32 {
  LinearHandle.from(layer)?.value.bias == nil ? 0 : 1
}

@c @implementation
public func ttk_linear_bias_to_array(
  _ layer: OpaquePointer?, _ bias: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try LinearHandle.require(layer, "layer").value
    guard let values = layer.bias else {
      throw .invalidArgument("this layer has no bias; ask ttk_linear_has_bias first")
    }
    let dtype = layer.dtype
    let target = try target(bias, "bias", shape: [values.count], dtype: dtype)
    if dtype == .float64 {
      target.write(try values.converted(to: Double.self))
    } else {
      target.write(try values.converted(to: Float.self))
    }
  }
}

@c @implementation
public func ttk_linear_flops(_ layer: OpaquePointer?, _ rows: Int64) -> Int64 {
  Int64(LinearHandle.from(layer)?.value.flops(rows: Int(rows)) ?? 0)
}

@c @implementation
public func ttk_linear_to_array(
  _ layer: OpaquePointer?, _ weight: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeDense(LinearHandle.require(layer, "layer").value.matrix, weight, "weight")
  }
}

// MARK: - Plans

@c @implementation
public func ttk_linear_prepare(
  _ layer: OpaquePointer?, _ options: UnsafePointer<ttk_prepare_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let layer = try LinearHandle.require(layer, "layer").value
    let wish = try PrepareWish(options)
    LinearPlanHandle.store(
      try layer.prepare(
        maxRows: wish.maxRows, memoryLimit: wish.memoryLimit, compute: wish.compute,
        executor: wish.executor), in: out)
  }
}

@c @implementation
public func ttk_linear_plan_workspace_size(_ plan: OpaquePointer?) -> Int {
  LinearPlanHandle.from(plan)?.value.workspaceSize ?? 0
}

@c @implementation
public func ttk_linear_plan_resident_nbytes(_ plan: OpaquePointer?) -> Int64 {
  Int64(LinearPlanHandle.from(plan)?.value.residentByteCount ?? 0)
}

@c @implementation
public func ttk_linear_plan_max_rows(_ plan: OpaquePointer?) -> Int64 {
  Int64(LinearPlanHandle.from(plan)?.value.maxRows ?? 0)
}

@c @implementation
public func ttk_linear_plan_explain(_ plan: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = LinearPlanHandle.from(plan) else { return emptyString }
  return handle.arena.string(handle.value.explain())
}

@c @implementation
public func ttk_linear_execute(
  _ plan: OpaquePointer?, _ x: UnsafeRawPointer?, _ rows: Int64, _ y: UnsafeMutableRawPointer?,
  _ workspace: UnsafeMutableRawPointer?, _ workspaceSize: Int
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let plan = try LinearPlanHandle.require(plan, "plan").value
    let rows = try checkedRows(rows, plan.maxRows, "rows")
    if rows == 0 { return }
    let x = try require(x, "x")
    let y = try require(y, "y")
    let workspace = try require(workspace, "workspace")
    // Fits: rows <= max_rows, for which the workspace was computed.
    let size = plan.dtype.size
    let input = try Region(x, rows * plan.inFeatures * size, "x", alignment: size)
    let output = try Region(y, rows * plan.outFeatures * size, "y", alignment: size)
    try requireWorkspace(workspace, workspaceSize, plan.workspaceSize, apartFrom: [input, output])
    try output.requireApart(from: input)
    plan.execute(x, rows: rows, into: y, workspace: workspace)
  }
}

@c @implementation
public func ttk_linear_plan_destroy(_ plan: OpaquePointer?) { LinearPlanHandle.destroy(plan) }
