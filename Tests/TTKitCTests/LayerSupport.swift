/// Layers and plans for tests of the C interface.
import CTTKit
import Testing
import TTKitC

/// A layer or plan with what destroys it.
final class COwned {
  let handle: OpaquePointer
  private let destroy: (OpaquePointer?) -> Void

  init(
    _ destroy: @escaping (OpaquePointer?) -> Void,
    _ make: (UnsafeMutablePointer<OpaquePointer?>) -> ttk_status
  ) throws {
    var out: OpaquePointer?
    let status = make(&out)
    try #require(status == ok, "\(String(cString: ttk_last_error()))")
    handle = try #require(out)
    self.destroy = destroy
  }

  deinit { destroy(handle) }
}

func makeLinear(_ spec: String = "dense", _ shape: [Int64] = [12, 8]) throws -> COwned {
  let weight = CArray(shape)
  let bias = CArray([shape[0]])
  return try COwned(ttk_linear_destroy) {
    ttk_linear_fit(&weight.array, spec, &bias.array, nil, $0)
  }
}

func makeEmbedding(_ spec: String = "dense") throws -> COwned {
  let table = CArray([12, 8])
  return try COwned(ttk_embedding_destroy) { ttk_embedding_fit(&table.array, spec, nil, $0) }
}

func prepareOptions(rows: Int64) -> ttk_prepare_options {
  var options = ttk_prepare_options()
  options.struct_size = MemoryLayout<ttk_prepare_options>.size
  options.max_rows = rows
  return options
}

func prepareLinear(_ layer: COwned, rows: Int64) throws -> COwned {
  var options = prepareOptions(rows: rows)
  return try COwned(ttk_linear_plan_destroy) { ttk_linear_prepare(layer.handle, &options, $0) }
}

func prepareEmbedding(_ layer: COwned, rows: Int64) throws -> COwned {
  var options = prepareOptions(rows: rows)
  return try COwned(ttk_embedding_plan_destroy) {
    ttk_embedding_prepare(layer.handle, &options, $0)
  }
}
