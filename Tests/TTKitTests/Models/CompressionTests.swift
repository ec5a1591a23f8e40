import Testing

@testable import TTKit

@Suite struct CompressionTests {
  let folder = TemporaryFolder()
  var source: String { folder("in") }
  var out: String { folder("out") }

  init() throws {
    _ = try makeFolder(source + "/1_Pooling")
    try writeSampleModel(source + "/model.safetensors")
    try writeAll(source + "/config.json", "{}")
    try writeAll(source + "/1_Pooling/config.json", "{\"x\":1}")
    try writeAll(source + "/pytorch_model.bin", "weights")
  }

  @Test func aModel_isCompressed_untouchedTensorsBitForBit() throws {
    #expect(try compress(source, out) == nil)
    #expect(try namesInFolder(out) == ["1_Pooling", "config.json", "model.safetensors"])
    let original = try SafetensorsFile(path: source + "/model.safetensors")
    let file = try SafetensorsFile(path: out + "/model.safetensors")
    #expect(file.metadata("format") == "pt")
    for name in ["layer.0.bias", "norm.weight", "odd"] {
      let (a, b) = (try #require(original.entry(name)), try #require(file.entry(name)))
      #expect(try original.bytes(of: a).elements == file.bytes(of: b).elements)
    }
    #expect(file.entry("layer.0.weight") == nil)
    #expect(file.entry("layer.0.weight.core.0")?.dtype == .float16)
    #expect(file.entry("layer.0.weight.codes.2")?.dtype == .int8)
  }

  @Test func everyThreadCountAndBatching_givesTheSameBytes() throws {
    #expect(try compress(source, out) == nil)
    let expected = try readAll(out + "/model.safetensors")
    for (k, threads) in [2, 5].enumerated() {
      let other = folder("out\(k)")
      let problem = try compress(source, other) { options in
        options.executor = Executor(threads: threads)
        options.memoryLimit = k == 0 ? 1 : 1 << 20
      }
      #expect(problem == nil)
      #expect(try readAll(other + "/model.safetensors") == expected)
    }
  }

  @Test func reports_comeInOrder_andTiesCostNothing() throws {
    var names: [String] = []
    var bytes: [Int] = []
    var counts: [[Int]] = []
    let problem = try compress(source, out) { options in
      options.weightDone = { report, done, total in
        names.append(report.name)
        bytes.append(report.byteCount)
        counts.append([done, total])
        return true
      }
    }
    #expect(problem == nil && counts == (1...8).map { [$0, 8] })
    let order = try SafetensorsFile(path: source + "/model.safetensors").entries.map(\.name)
    #expect(names == order + ["head.weight"])
    #expect(bytes.last == 0)
    let model = try Model(path: out)
    #expect(model.byteCount == bytes.reduce(0, +))
  }

  @Test func stopping_leavesNothing() throws {
    for stop in 1...8 {
      let problem = try compress(source, out) { options in
        options.weightDone = { _, done, _ in done < stop }
      }
      if case .cancelled = problem {} else { Issue.record("\(String(describing: problem))") }
      #expect(folder.names == ["in"], "stopped after \(stop)")
    }
  }

  @Test func failures_nameTheWeight_andLeaveWhatWasThere() throws {
    _ = try makeFolder(out)
    try writeAll(out + "/model.safetensors", "old")
    let wrong = #"{"layer.1.weight": "train_matrix(rows=2x2, columns=2x2, rank=4)"}"#
    let problem = try compress(source, out, recipe: wrong)
    #expect(problem?.isArgument == true)
    #expect(problem?.message.contains("layer.1.weight") == true)
    #expect(try namesInFolder(out) == ["model.safetensors"])
    #expect(try readAll(out + "/model.safetensors") == Array("old".utf8))
    #expect(try compress(source, out) == nil, "an older result is replaced")
    #expect(try Model(path: out).count == 8)
  }

  @Test(arguments: [
    ("layer.0.weight.core.0", #"{"layer.0.weight": "dense"}"#, "rename"),
    ("x", #"{"x": {"tied": "layer.0.weights"}}"#, "layer.0.weight"),
    ("x", #"{"x": {"tied": "layer.0.weight"}, "*0.weight": "dense"}"#, "differs"),
    ("x", #"{"x": {"tied": "norm.weight"}}"#, "no matrix"),
    ("x", #"{"x": {"tied": "layer.0.weight"}, "layer.0.weight": {"tied": "x"}}"#, "tied itself"),
  ])
  func recipesThatCannotBe_areRefused(name: String, recipe: String, reason: String) throws {
    let path = folder("one.safetensors")
    let writer = try SafetensorsWriter(path: path)
    for (k, tensor) in ["layer.0.weight", name].enumerated() {
      try writer.add(
        name: tensor, dtype: .float32, shape: [2, 3], bytes: bytes(sampleValues(6, seed: k)))
    }
    try writer.add(name: "norm.weight", dtype: .float32, shape: [1], bytes: bytes([1]))
    try writer.write()
    let problem = try compress(path, out, recipe: recipe)
    #expect(problem?.isArgument == true)
    #expect(problem?.message.contains(reason) == true, "\(String(describing: problem))")
    #expect(folder.names == ["in", "one.safetensors"])
  }

  @Test func infinities_areRefused_withTheWeightsName() throws {
    let path = folder("one.safetensors")
    let writer = try SafetensorsWriter(path: path)
    try writer.add(name: "a.weight", dtype: .float32, shape: [1, 2], bytes: bytes([1, .infinity]))
    try writer.write()
    guard case .nonFinite(let text) = try compress(path, out) else {
      Issue.record("accepted")
      return
    }
    #expect(text.contains("a.weight"))
  }

  @Test func theSourceFolder_compressedModels_andStrangersInTheWay_areRefused() throws {
    #expect(try compress(source, source)?.isArgument == true)
    #expect(try compress(source + "/model.safetensors", source + "/.")?.isArgument == true)
    #expect(try compress(source, out) == nil)
    #expect(try compress(out, folder("again"))?.isArgument == true)
    let shards = try compress(source, out) { $0.maxShardByteCount = 1000 }
    #expect(shards?.isArgument == true)
    try writeAll(out + "/model-00001-of-00002.safetensors", "x")
    #expect(try compress(source, out)?.isArgument == true)
    #expect(try compress(folder("missing"), folder("o2"))?.isIO == true)
    #expect(try compress(folder.path, folder("o2"))?.isIO == true, "no weights in it")
    #expect(!folder.names.contains("o2") && !folder.names.contains("again"))
  }
}
