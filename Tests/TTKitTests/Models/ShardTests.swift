import Testing

@testable import TTKit

@Suite struct ShardTests {
  let folder = TemporaryFolder()
  var source: String { folder("in.safetensors") }
  var out: String { folder("out") }

  init() throws { try writeSampleModel(source) }

  /// All matrices and tensors of a model as numbers.
  private func contents(_ path: String) throws -> [String: [Float]] {
    let model = try Model(path: path)
    var result: [String: [Float]] = [:]
    for (i, name) in model.names.enumerated() {
      let kind = try model.report(i).kind
      result[name] =
        kind == nil
        ? (try? model.tensor(name).bytes.elements.map(Float.init)) ?? []
        : try model.matrix(name).dense(Float.self).elements
    }
    return result
  }

  @Test func shards_stayBelowTheLimit_andHoldTheSame() throws {
    #expect(try compress(source, folder("whole")) == nil)
    #expect(try compress(source, out) { $0.maxShardByteCount = 2500 } == nil)
    let shards = try namesInFolder(out).filter { $0.hasSuffix(".safetensors") }
    #expect(shards.count > 1)
    for name in shards { #expect(try readAll(out + "/" + name).count <= 2500) }
    #expect(try contents(out) == contents(folder("whole")))
    let index = try ShardIndex(path: out + "/" + ShardIndex.fileName)
    #expect(index.fileNames == shards)
    #expect(index.totalSize == (try Model(path: out).byteCount))
  }

  @Test func everyLimit_isKept_exceptByWeightsThatAreLargerAlone() throws {
    for limit in stride(from: 1200, to: 3600, by: 100) {
      let out = folder("out\(limit)")
      #expect(try compress(source, out) { $0.maxShardByteCount = limit } == nil)
      for name in try namesInFolder(out) where name.hasSuffix(".safetensors") {
        let model = try? Model(path: out + "/" + name)  // nil: a tie to another shard
        let size = try readAll(out + "/" + name).count
        #expect(size <= limit || model?.count == 1, "\(name): \(size) bytes, limit \(limit)")
      }
    }
  }

  @Test func oneShard_needsNoIndex() throws {
    #expect(try compress(source, out) { $0.maxShardByteCount = 1 << 30 } == nil)
    #expect(try namesInFolder(out) == ["model.safetensors"])
  }

  @Test func parts_joined_holdTheSame() throws {
    #expect(try compress(source, folder("whole")) == nil)
    for part in [2, 0, 1] {
      let join = failure { () throws(TTKitError) in try ShardIndex.join(folder: out, parts: 3) }
      #expect(join?.isIO == true, "not all parts are there")
      #expect(
        try compress(source, out) { options in
          options.part = part
          options.parts = 3
        } == nil)
    }
    try ShardIndex.join(folder: out, parts: 3)
    #expect(try contents(out) == contents(folder("whole")))
    #expect(try contents(out + "/" + ShardIndex.fileName).count == 8)
    let wrong = try compress(source, out) { options in
      options.part = 3
      options.parts = 3
    }
    #expect(wrong?.isArgument == true)
  }

  @Test func indexes_ofOthers_areRead_unsoundOnesRefused() throws {
    _ = try makeFolder(out)
    try writeSampleModel(out + "/a.safetensors")
    let index = out + "/" + ShardIndex.fileName
    try writeAll(index, #"{"weight_map":{"odd":"a.safetensors"}}"#)
    #expect(try Model(path: out).count == 7)
    for text in [
      #"{"weight_map":{"other":"a.safetensors"}}"#, #"{"weight_map":{"odd":"../a.safetensors"}}"#,
      #"{"weight_map":{"odd":".."}}"#, #"{"weight_map":{"odd":1}}"#, #"{"weight_map":{}}"#, "{",
      "[]",
    ] {
      try writeAll(index, text)
      #expect(
        failure { () throws(TTKitError) in _ = try Model(path: out) }?.isFormat == true, "\(text)")
    }
    try writeAll(index, #"{"weight_map":{"odd":"missing.safetensors"}}"#)
    #expect(failure { () throws(TTKitError) in _ = try Model(path: out) }?.isIO == true)
  }

  @Test func namesInTwoFiles_areRefused() throws {
    _ = try makeFolder(out)
    for name in ["a", "b"] { try writeSampleModel(out + "/\(name).safetensors") }
    #expect(failure { () throws(TTKitError) in _ = try Model(path: out) }?.isFormat == true)
  }
}
