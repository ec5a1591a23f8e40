/// Entry points of ttkit/model.h.
public import CTTKit
internal import TTKit

typealias ModelHandle = Handle<Model>

// MARK: - Compressing

@c @implementation
public func ttk_model_compress(
  _ source: UnsafePointer<CChar>?, _ recipe: OpaquePointer?, _ out: UnsafePointer<CChar>?,
  _ options: UnsafePointer<ttk_compress_options>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let recipe = try RecipeHandle.require(recipe, "recipe")
    let source = try requireString(source, "source")
    let folder = try requireString(out, "out")
    try CompressionPipeline.run(
      source: source, recipe: recipe.value, folder: folder, options: compressionOptions(options))
  }
}

private func compressionOptions(
  _ pointer: UnsafePointer<ttk_compress_options>?
) throws(TTKitError) -> CompressionOptions {
  let given = try options(pointer, "ttk_compress_options", zero: ttk_compress_options())
  try requireZero(given.reserved, "ttk_compress_options->reserved")
  for (value, name) in [
    (given.max_shard_nbytes, "max_shard_nbytes"), (given.memory_limit, "memory_limit"),
    (Int64(given.parts), "parts"), (Int64(given.part), "part"),
  ] where value < 0 {
    throw .invalidArgument("\(name) is \(value), expected at least 0")
  }
  var result = CompressionOptions()
  result.executor = try executor(given.executor, threads: given.threads)
  if given.max_shard_nbytes > 0 { result.maxShardByteCount = Int(given.max_shard_nbytes) }
  if given.memory_limit > 0 { result.memoryLimit = Int(given.memory_limit) }
  result.part = Int(given.part)
  result.parts = max(Int(given.parts), 1)
  if given.calibration != nil {
    result.calibration = try CalibrationFile(path: requireString(given.calibration, "calibration"))
  }
  if let weightDone = given.weight_done {
    let context = given.weight_done_context
    result.weightDone = { report, done, total in
      let arena = Arena()
      var report = cReport(report, arena)
      let answer = weightDone(context, &report, Int64(done), Int64(total))
      withExtendedLifetime(arena) {}
      return answer == 0
    }
  }
  return result
}

@c @implementation
public func ttk_model_join(_ folder: UnsafePointer<CChar>?, _ parts: Int32) -> ttk_status {
  boundary { () throws(TTKitError) in
    try ShardIndex.join(folder: requireString(folder, "folder"), parts: Int(parts))
  }
}

// MARK: - Opening

@c @implementation
public func ttk_model_open(
  _ path: UnsafePointer<CChar>?, _ skipChecksums: Int32,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    ModelHandle.store(
      try Model(path: requireString(path, "path"), verifying: skipChecksums == 0), in: out)
  }
}

@c @implementation
public func ttk_model_destroy(_ model: OpaquePointer?) { ModelHandle.destroy(model) }

// MARK: - Asking

@c @implementation
public func ttk_model_count(_ model: OpaquePointer?) -> Int64 {
  Int64(ModelHandle.from(model)?.value.count ?? 0)
}

@c @implementation
public func ttk_model_name(_ model: OpaquePointer?, _ i: Int64) -> UnsafePointer<CChar>? {
  guard let handle = ModelHandle.from(model), i >= 0, i < handle.value.count else { return nil }
  return handle.arena.string(handle.value.name(Int(i)))
}

@c @implementation
public func ttk_model_report(
  _ model: OpaquePointer?, _ i: Int64, _ report: UnsafeMutablePointer<ttk_weight_report>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let handle = try ModelHandle.require(model, "model")
    let found = try handle.value.report(Int(i))
    try fill(report, "report", with: cReport(found, handle.arena))
  }
}

@c @implementation
public func ttk_model_nbytes(_ model: OpaquePointer?) -> Int64 {
  Int64(ModelHandle.from(model)?.value.byteCount ?? 0)
}

// MARK: - Layers and tensors

@c @implementation
public func ttk_model_linear(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let handle = try ModelHandle.require(model, "model")
    LinearHandle.store(try handle.value.linear(requireString(name, "name")), in: out)
  }
}

@c @implementation
public func ttk_model_embedding(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let handle = try ModelHandle.require(model, "model")
    EmbeddingHandle.store(try handle.value.embedding(requireString(name, "name")), in: out)
  }
}

@c @implementation
public func ttk_model_tensor(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensor: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let target = try require(tensor, "tensor")
    let handle = try ModelHandle.require(model, "model")
    let found = try handle.value.tensor(requireString(name, "name"))
    guard found.shape.count <= Int(TTK_MAX_NDIM) else {
      throw .sizeOverflow("tensor has \(found.shape.count) axes, an array at most \(TTK_MAX_NDIM)")
    }
    // The model keeps these bytes, so the view lives as long as the model.
    let start = found.bytes.withSpan { span in
      span.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
    }
    target.pointee = ttk_array(
      data: start, shape: handle.arena.lengths(found.shape), strides: nil,
      ndim: Int32(found.shape.count), dtype: found.dtype.rawValue)
  }
}
