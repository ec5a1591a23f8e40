import CTTKit
import Glibc
import TTKit
import TTKitC
import Testing

/// A folder with a model of one layer, one embedding and one odd tensor, removed at the end.
private final class ModelFolder {
  let path: String
  var source: String { path + "/in.safetensors" }
  var out: String { path + "/out" }

  init() throws {
    var template = Array("/tmp/ttkit-test-XXXXXX".utf8CString)
    template.withUnsafeMutableBufferPointer { _ = mkdtemp($0.baseAddress!) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let writer = try SafetensorsWriter(path: source)
    func add(_ name: String, _ dtype: SafetensorsDType, _ shape: [Int]) throws {
      let count = shape.reduce(dtype.size, *)
      // Bytes below 0x40 make small finite floats.
      let raw = (0..<count).map { UInt8(($0 * 37) % 0x40) }
      try writer.add(
        name: name, dtype: dtype, shape: shape, bytes: Tensor(shape: [count], elements: raw))
    }
    try add("embed.weight", .float32, [5, 4])
    try add("a.weight", .float32, [3, 4])
    try add("a.bias", .float32, [3])
    try add("odd", .uint32, [2])
    try writer.write()
  }

  deinit {
    let names = [
      "out/model.safetensors", "out/model-00001-of-00002.safetensors",
      "out/model-00002-of-00002.safetensors", "out/model.safetensors.index.json",
    ]
    for name in names { unlink(path + "/" + name) }
    rmdir(out)
    unlink(source)
    rmdir(path)
  }

  /// Compresses by the default recipe.
  func compress(_ set: (inout ttk_compress_options) -> Void = { _ in }) -> ttk_status {
    var recipe: OpaquePointer?
    guard ttk_recipe_builtin("default", &recipe) == TTK_OK else { return -1 }
    defer { ttk_recipe_destroy(recipe) }
    var options = ttk_compress_options()
    options.struct_size = MemoryLayout<ttk_compress_options>.size
    set(&options)
    return ttk_model_compress(source, recipe, out, &options)
  }
}

private var message: String { String(cString: ttk_last_error()!) }

@Suite struct ModelTests {
  @Test func aModel_isCompressed_opened_andAsked() throws {
    let folder = try ModelFolder()
    #expect(folder.compress() == TTK_OK, "\(message)")
    var model: OpaquePointer?
    #expect(ttk_model_open(folder.out, 0, &model) == TTK_OK)
    defer { ttk_model_destroy(model) }
    let names = (0..<ttk_model_count(model)).map { String(cString: ttk_model_name(model, $0)!) }
    #expect(names == ["a.bias", "a.weight", "embed.weight", "odd"])
    #expect(ttk_model_name(model, 4) == nil && ttk_model_name(model, -1) == nil)
    var sum: Int64 = 0
    for i in 0..<4 {
      var report = ttk_weight_report()
      report.struct_size = MemoryLayout<ttk_weight_report>.size
      #expect(ttk_model_report(model, Int64(i), &report) == TTK_OK)
      #expect(String(cString: report.name) == names[i])
      sum += report.nbytes
      if i == 1 {
        #expect(report.kind == TTK_WEIGHT_LINEAR && report.ndim == 2)
        #expect(report.shape[0] == 3 && report.shape[1] == 4 && report.nbytes_before == 48)
        #expect(String(cString: report.spec) == "dense@int8(group=64)")
      }
    }
    #expect(sum == ttk_model_nbytes(model))

    var layer: OpaquePointer?
    #expect(ttk_model_linear(model, "a.weight", &layer) == TTK_OK)
    #expect(ttk_linear_has_bias(layer) == 1 && ttk_linear_in_features(layer) == 4)
    ttk_linear_destroy(layer)
    #expect(ttk_model_embedding(model, "embed.weight", &layer) == TTK_OK)
    #expect(ttk_embedding_rows(layer) == 5)
    ttk_embedding_destroy(layer)
    #expect(ttk_model_linear(model, "a.wieght", &layer) == TTK_ERROR_ARGUMENT)
    #expect(layer == nil && message.contains("a.weight"))

    var array = ttk_array()
    #expect(ttk_model_tensor(model, "a.bias", &array) == TTK_OK)
    #expect(array.ndim == 1 && array.shape[0] == 3 && array.dtype == TTK_FLOAT32)
    let bytes = UnsafeRawBufferPointer(start: array.data, count: 12)
    #expect(Array(bytes) == (0..<12).map { UInt8(($0 * 37) % 0x40) })
    var again = ttk_array()
    #expect(ttk_model_tensor(model, "a.bias", &again) == TTK_OK && again.data == array.data)
    #expect(ttk_model_tensor(model, "odd", &array) == TTK_ERROR_DTYPE)
    #expect(ttk_model_tensor(model, "a.weight", &array) == TTK_ERROR_ARGUMENT)
  }

  @Test func nullArguments_areRefused() throws {
    let folder = try ModelFolder()
    var out: OpaquePointer?
    #expect(ttk_model_compress(folder.source, nil, folder.out, nil) == TTK_ERROR_ARGUMENT)
    var recipe: OpaquePointer?
    #expect(ttk_recipe_builtin("default", &recipe) == TTK_OK)
    defer { ttk_recipe_destroy(recipe) }
    #expect(ttk_model_compress(nil, recipe, folder.out, nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_compress(folder.source, recipe, nil, nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_open(nil, 0, &out) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_open(folder.source, 0, nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_open(folder.path + "/missing", 0, &out) == TTK_ERROR_IO && out == nil)
    #expect(ttk_model_join(nil, 2) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_join(folder.path, 0) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_linear(nil, "a", &out) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_tensor(nil, "a", nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_report(nil, 0, nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_model_count(nil) == 0 && ttk_model_nbytes(nil) == 0)
    #expect(ttk_model_name(nil, 0) == nil)
    ttk_model_destroy(nil)
  }

  @Test func optionsOutOfRange_areRefused() throws {
    let folder = try ModelFolder()
    #expect(folder.compress { $0.memory_limit = -1 } == TTK_ERROR_ARGUMENT)
    #expect(folder.compress { $0.max_shard_nbytes = -1 } == TTK_ERROR_ARGUMENT)
    #expect(folder.compress { $0.parts = -1 } == TTK_ERROR_ARGUMENT)
    #expect(folder.compress { ($0.part, $0.parts) = (2, 2) } == TTK_ERROR_ARGUMENT)
    #expect(folder.compress { $0.threads = -1 } == TTK_ERROR_ARGUMENT)
    #expect(folder.compress { $0.struct_size = 4 } == TTK_ERROR_ARGUMENT)
    #expect(folder.compress { $0.reserved = 1 } == TTK_ERROR_VERSION)
    #expect(access(folder.out, F_OK) != 0, "nothing was made")
  }

  @Test func reports_ofOtherSizes_areFilledAsFarAsTheyGo() throws {
    let folder = try ModelFolder()
    var model: OpaquePointer?
    #expect(ttk_model_open(folder.source, 0, &model) == TTK_OK)
    defer { ttk_model_destroy(model) }
    var report = ttk_weight_report()
    report.struct_size = 16
    report.nbytes = 77
    #expect(ttk_model_report(model, 0, &report) == TTK_OK)
    #expect(String(cString: report.name) == "a.bias" && report.nbytes == 77)
    report.struct_size = 0
    #expect(ttk_model_report(model, 0, &report) == TTK_ERROR_ARGUMENT)
    report.struct_size = MemoryLayout<ttk_weight_report>.size
    #expect(ttk_model_report(model, 9, &report) == TTK_ERROR_ARGUMENT)
  }

  @Test func callbacks_hearOfEachWeight_andMayStop() throws {
    let folder = try ModelFolder()
    var count: Int64 = 0
    let status = withUnsafeMutablePointer(to: &count) { count in
      folder.compress { options in
        options.weight_done_context = UnsafeMutableRawPointer(count)
        options.weight_done = { context, report, done, total in
          let count = context!.assumingMemoryBound(to: Int64.self)
          count.pointee += report!.pointee.ndim > 0 && total == 4 ? 1 : 0
          return done == 3 ? 1 : 0
        }
      }
    }
    #expect(status == TTK_ERROR_CANCELLED && count == 3)
    #expect(access(folder.out, F_OK) != 0, "nothing is left")
  }

  @Test func parts_areJoined() throws {
    let folder = try ModelFolder()
    for part in 0..<2 as Range<Int32> {
      #expect(folder.compress { ($0.part, $0.parts) = (part, 2) } == TTK_OK)
    }
    #expect(ttk_model_join(folder.out, 2) == TTK_OK)
    var model: OpaquePointer?
    #expect(ttk_model_open(folder.out, 0, &model) == TTK_OK)
    #expect(ttk_model_count(model) == 4)
    ttk_model_destroy(model)
  }
}
