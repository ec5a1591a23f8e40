/// Entry points of ttkit/contraction.h.
public import CTTKit
internal import TTKit

typealias ContractionHandle = Handle<ContractionPlan>

/// ttk_contraction_options, checked, with defaults filled in.
private struct ContractionWish {
  let memoryLimit: Int?
  let effort: PathEffort
  let executor: Executor

  init(_ pointer: UnsafePointer<ttk_contraction_options>?) throws(TTKitError) {
    let given = try options(
      pointer, "ttk_contraction_options", zero: ttk_contraction_options())
    switch Int(given.optimize) {
    case TTK_EFFORT_QUICK: effort = .quick
    case TTK_EFFORT_THOROUGH: effort = .thorough
    case TTK_EFFORT_FLOPS: effort = .flops
    default:
      throw .invalidArgument(
        "ttk_contraction_options->optimize is \(given.optimize), expected TTK_EFFORT_QUICK, "
          + "TTK_EFFORT_THOROUGH or TTK_EFFORT_FLOPS")
    }
    guard given.memory_limit >= 0 else {
      throw .invalidArgument("memory_limit is \(given.memory_limit), expected at least 0")
    }
    memoryLimit = given.memory_limit == 0 ? nil : Int(given.memory_limit)
    executor = try TTKitC.executor(given.executor, threads: given.threads)
  }
}

@c @implementation
public func ttk_contraction_plan(
  _ equation: UnsafePointer<CChar>?, _ count: Int32, _ ndims: UnsafePointer<Int32>?,
  _ shapes: UnsafePointer<UnsafePointer<Int64>?>?, _ dtype: ttk_dtype,
  _ options: UnsafePointer<ttk_contraction_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let equation = try ContractionEquation(parsing: requireString(equation, "equation"))
    guard let dtype = DType(rawValue: dtype) else {
      throw .unsupportedDType(
        "dtype is \(dtype), expected TTK_FLOAT32, TTK_FLOAT64, TTK_COMPLEX64 or TTK_COMPLEX128")
    }
    let wish = try ContractionWish(options)
    ContractionHandle.store(
      try ContractionPlan(
        equation, shapes: operandShapes(count, ndims, shapes), dtype: dtype,
        memoryLimit: wish.memoryLimit, effort: wish.effort, executor: wish.executor), in: out)
  }
}

/// The shapes of `count` operands.
private func operandShapes(
  _ count: Int32, _ ndims: UnsafePointer<Int32>?,
  _ shapes: UnsafePointer<UnsafePointer<Int64>?>?
) throws(TTKitError) -> [[Int]] {
  guard count >= 1, count <= Int32(TTK_MAX_ORDER) else {
    throw .invalidArgument("count is \(count), expected 1 to \(TTK_MAX_ORDER) operands")
  }
  let ndims = try require(ndims, "ndims")
  let shapes = try require(shapes, "shapes")
  var result: [[Int]] = []
  for k in 0..<Int(count) {
    let ndim = Int(ndims[k])
    guard ndim >= 0, ndim <= Int(TTK_MAX_NDIM) else {
      throw .invalidArgument("ndims[\(k)] is \(ndim), expected 0 to \(TTK_MAX_NDIM)")
    }
    if ndim == 0 {
      result.append([])
      continue
    }
    let lengths = try require(shapes[k], "shapes[\(k)]")
    result.append((0..<ndim).map { Int(lengths[$0]) })
  }
  return result
}

@c @implementation
public func ttk_contraction_vjp(
  _ plan: OpaquePointer?, _ operand: Int32, _ options: UnsafePointer<ttk_contraction_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let plan = try ContractionHandle.require(plan, "plan").value
    let wish = try ContractionWish(options)
    ContractionHandle.store(
      try plan.gradient(
        of: Int(operand), memoryLimit: wish.memoryLimit, executor: wish.executor), in: out)
  }
}

// MARK: - Accessors

@c @implementation
public func ttk_contraction_operand_count(_ plan: OpaquePointer?) -> Int32 {
  Int32(ContractionHandle.from(plan)?.value.equation.operands.count ?? 0)
}

@c @implementation
public func ttk_contraction_dtype(_ plan: OpaquePointer?) -> ttk_dtype {
  ContractionHandle.from(plan)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_contraction_result_shape(
  _ plan: OpaquePointer?, _ ndim: UnsafeMutablePointer<Int32>?,
  _ shape: UnsafeMutablePointer<Int64>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let lengths = try ContractionHandle.require(plan, "plan").value.resultShape
    guard lengths.count <= Int(TTK_MAX_NDIM) else {
      throw .invalidArgument(
        "the result has \(lengths.count) axes, arrays have at most \(TTK_MAX_NDIM)")
    }
    let ndim = try require(ndim, "ndim")
    let shape = try require(shape, "shape")
    ndim.pointee = Int32(lengths.count)
    for (axis, length) in lengths.enumerated() { shape[axis] = Int64(length) }
  }
}

@c @implementation
public func ttk_contraction_path(_ plan: OpaquePointer?, _ path: UnsafeMutablePointer<Int32>?) {
  guard let plan = ContractionHandle.from(plan)?.value, let path else { return }
  for (i, pair) in plan.path.enumerated() {
    path[2 * i] = Int32(pair.left)
    path[2 * i + 1] = Int32(pair.right)
  }
}

@c @implementation
public func ttk_contraction_flops(_ plan: OpaquePointer?) -> Int64 {
  Int64(ContractionHandle.from(plan)?.value.flops ?? 0)
}

@c @implementation
public func ttk_contraction_bytes(_ plan: OpaquePointer?) -> Int64 {
  Int64(ContractionHandle.from(plan)?.value.bytes ?? 0)
}

@c @implementation
public func ttk_contraction_workspace_size(_ plan: OpaquePointer?) -> Int {
  ContractionHandle.from(plan)?.value.workspaceSize ?? 0
}

@c @implementation
public func ttk_contraction_explain(_ plan: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = ContractionHandle.from(plan) else { return emptyString }
  return handle.arena.string(handle.value.explain())
}

// MARK: - Executing

/// The operands of a plan, and the index vectors behind them.
func operandViews(
  _ plan: ContractionPlan, _ count: Int, _ operands: UnsafePointer<ttk_array>?
) throws(TTKitError) -> [StridedView] {
  let own = plan.equation.operands.count
  guard count == plan.shapes.count else {
    let vectors = plan.shapes.count - own
    throw .invalidArgument(
      "count is \(count), the plan has \(own) operands"
        + (vectors > 0 ? " and \(vectors) index vectors" : ""))
  }
  let arrays = try require(operands, "operands")
  var views: [StridedView] = []
  for (k, shape) in plan.shapes.enumerated() {
    let name = "operands[\(k)]"
    var dtype = plan.dtype
    if k >= own {
      dtype = try view(arrays + k, name).dtype
      guard dtype == .int64 || dtype == .int32 else {
        throw .unsupportedDType(
          "\(name) is an index vector of \(dtype.name), expected int32 or int64")
      }
    }
    views.append(try operand(arrays + k, name, shape: shape, dtype: dtype))
  }
  return views
}

@c @implementation
public func ttk_contraction_execute(
  _ plan: OpaquePointer?, _ count: Int, _ operands: UnsafePointer<ttk_array>?,
  _ out: UnsafeMutablePointer<ttk_array>?, _ workspace: UnsafeMutableRawPointer?,
  _ workspaceSize: Int
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let plan = try ContractionHandle.require(plan, "plan").value
    let views = try operandViews(plan, count, operands)
    let result = try TTKitC.target(out, "out", shape: plan.resultShape, dtype: plan.dtype)
    guard result.isInjective else {
      throw .invalidArgument("out has strides \(describe(result.strides)) that repeat elements")
    }
    let workspace = try require(workspace, "workspace")
    var regions = views.enumerated().compactMap { Region($0.element, "operands[\($0.offset)]") }
    if let target = Region(result, "out") {
      try target.requireApart(from: regions)
      regions.append(target)
    }
    try requireWorkspace(workspace, workspaceSize, plan.workspaceSize, apartFrom: regions)
    try plan.execute(views, into: result, workspace: workspace)
  }
}

@c @implementation
public func ttk_contraction_destroy(_ plan: OpaquePointer?) { ContractionHandle.destroy(plan) }
