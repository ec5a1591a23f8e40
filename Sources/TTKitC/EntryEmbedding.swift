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
    let type: IdType
    switch DType(rawValue: idsDType) {
    case .int64: type = .int64
    case .int32: type = .int32
    default: throw .unsupportedDType("ids_dtype is \(idsDType), expected TTK_INT32 or TTK_INT64")
    }
    if count == 0 { return }
    let ids = try require(ids, "ids")
    let y = try require(y, "y")
    let workspace = try require(workspace, "workspace")
    let size = plan.dtype.size
    let input = try Region(ids, count * (type == .int64 ? 8 : 4), "ids")
    let (bytes, overflow) = count.multipliedReportingOverflow(by: plan.features * size)
    guard !overflow else { throw .sizeOverflow("y of \(count) rows exceeds the address space") }
    let output = try Region(y, bytes, "y", alignment: size)
    try requireWorkspace(workspace, workspaceSize, plan.workspaceSize, apartFrom: [input, output])
    try output.requireApart(from: input)
    try plan.execute(ids, type, count: count, into: y, workspace: workspace)
  }
}

@c @implementation
public func ttk_embedding_plan_destroy(_ plan: OpaquePointer?) {
  EmbeddingPlanHandle.destroy(plan)
}
