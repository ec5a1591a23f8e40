/// Entry points of ttkit/embedding.h.
internal import CTTKKernels
public import CTTKit
internal import TTKit

typealias EmbeddingHandle = Handle<Embedding>
typealias EmbeddingPlanHandle = Handle<EmbeddingPlan>

// MARK: - Making

@c @implementation
public func ttk_embedding_fit(
  _ table: UnsafePointer<ttk_array>?, _ spec: UnsafePointer<CChar>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let executor = try fitExecutor(options)
    let matrix = try CompressedMatrix.fit(
      try weightView(table, "table"), spec: Spec(parsing: requireString(spec, "spec")),
      padsRows: true, executor: executor)
    EmbeddingHandle.store(Embedding(matrix: matrix), in: out)
  }
}

@c @implementation
public func ttk_embedding_from_cores(
  _ spec: UnsafePointer<CChar>?, _ rows: Int64, _ features: Int64, _ count: Int32,
  _ cores: UnsafePointer<ttk_array>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let matrix = try CompressedMatrix.make(
      Spec(parsing: requireString(spec, "spec")), rows: Int(rows), columns: Int(features),
      cores: views(cores, count, "cores"), padsRows: true)
    EmbeddingHandle.store(Embedding(matrix: matrix), in: out)
  }
}

@c @implementation
public func ttk_embedding_initialize(
  _ spec: UnsafePointer<CChar>?, _ rows: Int64, _ features: Int64, _ dtype: ttk_dtype,
  _ seed: UInt64, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let matrix = try CompressedMatrix.initialized(
      Spec(parsing: requireString(spec, "spec")), rows: Int(rows), columns: Int(features),
      dtype: realDType(dtype), seed: seed, padsRows: true)
    EmbeddingHandle.store(Embedding(matrix: matrix), in: out)
  }
}

@c @implementation
public func ttk_embedding_destroy(_ layer: OpaquePointer?) { EmbeddingHandle.destroy(layer) }

// MARK: - Accessors

@c @implementation
public func ttk_embedding_rows(_ layer: OpaquePointer?) -> Int64 {
  Int64(EmbeddingHandle.from(layer)?.value.rows ?? 0)
}

@c @implementation
public func ttk_embedding_features(_ layer: OpaquePointer?) -> Int64 {
  Int64(EmbeddingHandle.from(layer)?.value.features ?? 0)
}

@c @implementation
public func ttk_embedding_dtype(_ layer: OpaquePointer?) -> ttk_dtype {
  EmbeddingHandle.from(layer)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_embedding_nbytes(_ layer: OpaquePointer?) -> Int64 {
  Int64(EmbeddingHandle.from(layer)?.value.byteCount ?? 0)
}

@c @implementation
public func ttk_embedding_error(_ layer: OpaquePointer?) -> Double {
  EmbeddingHandle.from(layer)?.value.matrix.error ?? 0
}

@c @implementation
public func ttk_embedding_spec(_ layer: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = EmbeddingHandle.from(layer) else { return nil }
  return handle.arena.string(handle.value.matrix.spec.description)
}

@c @implementation
public func ttk_embedding_core_count(_ layer: OpaquePointer?) -> Int32 {
  Int32(EmbeddingHandle.from(layer)?.value.matrix.cores.count ?? 0)
}

@c @implementation
public func ttk_embedding_core_shape(
  _ layer: OpaquePointer?, _ k: Int32, _ ndim: UnsafeMutablePointer<Int32>?,
  _ shape: UnsafeMutablePointer<Int64>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeCoreShape(EmbeddingHandle.require(layer, "layer").value.matrix, k, ndim, shape)
  }
}

@c @implementation
public func ttk_embedding_core_to_array(
  _ layer: OpaquePointer?, _ k: Int32, _ core: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeCore(EmbeddingHandle.require(layer, "layer").value.matrix, k, core)
  }
}

@c @implementation
public func ttk_embedding_to_array(
  _ layer: OpaquePointer?, _ table: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeDense(EmbeddingHandle.require(layer, "layer").value.matrix, table, "table")
  }
}

// MARK: - Plans

@c @implementation
public func ttk_embedding_prepare(
  _ layer: OpaquePointer?, _ options: UnsafePointer<ttk_prepare_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let layer = try EmbeddingHandle.require(layer, "layer").value
    let wish = try PrepareWish(options)
    guard wish.compute == .full else {
      throw .invalidArgument(
        "compute is TTK_COMPUTE_INT8, but an embedding multiplies nothing; use 0")
    }
    EmbeddingPlanHandle.store(
      try layer.prepare(
        maxCount: wish.maxRows, memoryLimit: wish.memoryLimit, executor: wish.executor), in: out)
  }
}

@c @implementation
public func ttk_embedding_plan_workspace_size(_ plan: OpaquePointer?) -> Int {
  EmbeddingPlanHandle.from(plan)?.value.workspaceSize ?? 0
}

@c @implementation
public func ttk_embedding_plan_resident_nbytes(_ plan: OpaquePointer?) -> Int64 {
  Int64(EmbeddingPlanHandle.from(plan)?.value.residentByteCount ?? 0)
}

@c @implementation
public func ttk_embedding_plan_max_rows(_ plan: OpaquePointer?) -> Int64 {
  Int64(EmbeddingPlanHandle.from(plan)?.value.maxCount ?? 0)
}

@c @implementation
public func ttk_embedding_execute(
  _ plan: OpaquePointer?, _ ids: UnsafeRawPointer?, _ idsDType: ttk_dtype, _ count: Int64,
  _ y: UnsafeMutableRawPointer?, _ workspace: UnsafeMutableRawPointer?, _ workspaceSize: Int
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let plan = try EmbeddingPlanHandle.require(plan, "plan").value
    let count = try checkedRows(count, plan.maxCount, "count")
    let type = try idType(idsDType)
    if count == 0 { return }
    let ids = try require(ids, "ids")
    let y = try require(y, "y")
    let workspace = try require(workspace, "workspace")
    let size = plan.dtype.size
    let input = try Region(ids, count * type.size, "ids")
    let (bytes, overflow) = count.multipliedReportingOverflow(by: plan.features * size)
    guard !overflow else { throw .sizeOverflow("y of \(count) rows exceeds the address space") }
    let output = try Region(y, bytes, "y", alignment: size)
    try requireWorkspace(workspace, workspaceSize, plan.workspaceSize, apartFrom: [input, output])
    try output.requireApart(from: input)
    try plan.execute(ids, type, count: count, into: y, workspace: workspace)
  }
}

@c @implementation
public func ttk_embedding_execute_bags(
  _ plan: OpaquePointer?, _ ids: UnsafeRawPointer?, _ idsDType: ttk_dtype, _ count: Int64,
  _ offsets: UnsafeRawPointer?, _ bags: Int64, _ mode: ttk_bag_mode,
  _ y: UnsafeMutableRawPointer?, _ workspace: UnsafeMutableRawPointer?, _ workspaceSize: Int
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let plan = try EmbeddingPlanHandle.require(plan, "plan").value
    let count = try checkedRows(count, plan.maxCount, "count")
    let type = try idType(idsDType)
    guard let mode = BagMode(rawValue: mode) else {
      throw .invalidArgument("mode is \(mode), expected TTK_BAG_SUM or TTK_BAG_MEAN")
    }
    guard bags >= 0 else { throw .invalidArgument("bags is \(bags), expected at least 0") }
    guard bags > 0 else {
      guard count == 0 else {
        throw .invalidArgument("\(count) ids belong to no bag; give at least one offset")
      }
      return
    }
    let size = plan.dtype.size
    let y = try require(y, "y")
    let starts = try require(offsets, "offsets")
    let workspace = try require(workspace, "workspace")
    // Without ids nothing is read from them.
    let source = count == 0 ? starts : try require(ids, "ids")
    let inputs = [
      try Region(source, count * type.size, "ids"),
      try Region(starts, count: Int(bags), size: type.size, alignment: 1, "offsets"),
    ]
    let width = plan.features * size  // a plan checked that many rows of it fit
    let output = try Region(y, count: Int(bags), size: width, alignment: size, "y")
    try requireWorkspace(
      workspace, workspaceSize, plan.workspaceSize, apartFrom: inputs + [output])
    try output.requireApart(from: inputs)
    try plan.executeBags(
      source, type, count: count, offsets: starts, bags: Int(bags), mode: mode, into: y,
      workspace: workspace)
  }
}

@c @implementation
public func ttk_embedding_vjp(
  _ layer: OpaquePointer?, _ ids: UnsafeRawPointer?, _ idsDType: ttk_dtype, _ count: Int64,
  _ gradient: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_fit_options>?,
  _ gradCores: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try EmbeddingHandle.require(layer, "layer").value
    let executor = try fitExecutor(options)
    let type = try idType(idsDType)
    guard count >= 0, count <= Int64(Int32.max) else {
      throw .invalidArgument("count is \(count), expected 0 to 2^31 - 1")
    }
    let source = try operand(
      gradient, "gradient", shape: [Int(count), layer.features], dtype: layer.dtype)
    let targets = try require(gradCores, "grad_cores")
    var apart = Apart(inputs: [("gradient", source)])
    let views = try apart.addCores(targets, layer.matrix.cores.map(\.shape), layer.dtype)
    var none: Int64 = 0
    guard count > 0 else {
      return try layer.vjp(&none, type, count: 0, source, gradCores: views, executor: executor)
    }
    let ids = try require(ids, "ids")
    try Region(ids, count: Int(count), size: type.size, alignment: 1, "ids")
      .requireApart(from: apart.regions)
    try layer.vjp(ids, type, count: Int(count), source, gradCores: views, executor: executor)
  }
}

private func idType(_ dtype: ttk_dtype) throws(TTKitError) -> IdType {
  switch DType(rawValue: dtype) {
  case .int64: return .int64
  case .int32: return .int32
  default: throw .unsupportedDType("ids_dtype is \(dtype), expected TTK_INT32 or TTK_INT64")
  }
}

@c @implementation
public func ttk_embedding_plan_destroy(_ plan: OpaquePointer?) {
  EmbeddingPlanHandle.destroy(plan)
}
