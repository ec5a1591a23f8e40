import Testing

@testable import TTKit

@Suite struct ModelTests {
  let folder = TemporaryFolder()
  var path: String { folder("out") + "/model.safetensors" }

  init() throws {
    try writeSampleModel(folder("in.safetensors"))
    let problem = try compress(folder("in.safetensors"), folder("out"))
    #expect(problem == nil)
  }

  @Test func names_areTheOriginalOnes_inByteOrder() throws {
    let model = try Model(path: path)
    #expect(
      model.names == [
        "head.weight", "layer.0.bias", "layer.0.weight", "layer.1.weight", "norm.weight", "odd",
        "stored_as_in_out", "word_embeddings.weight",
      ])
  }

  @Test func matrices_areAsFarFromTheOriginal_asReported() throws {
    let plain = try Model(path: folder("in.safetensors"))
    let model = try Model(path: path)
    for (i, name) in model.names.enumerated() {
      let report = try model.report(i)
      guard report.kind != nil, name != "head.weight" else { continue }
      var original = try plain.matrix(name).dense(Double.self)
      if name == "stored_as_in_out" { original = try original.transposed([1, 0]) }
      let found = try model.matrix(name).dense(Double.self)
      #expect(found.shape == original.shape && report.shape == original.shape)
      let difference = zip(found.elements, original.elements).reduce(0.0) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
      let norm = original.elements.reduce(0.0) { $0 + $1 * $1 }
      // Computed in float32 there: 8 eps covers the rounding of the sums.
      #expect(abs((difference / norm).squareRoot() - report.error) <= 1e-5)
      #expect(report.byteCountBefore == (name == "layer.1.weight" ? 2 : 4) * original.count)
    }
  }

  @Test func layers_takeTheirBias_tiesTheirTarget() throws {
    let model = try Model(path: path)
    let layer = try model.linear("layer.0.weight")
    #expect(try layer.bias?.converted(to: Float.self).elements == sampleValues(6, seed: 3))
    #expect(try model.linear("layer.1.weight").bias == nil)
    #expect(try model.linear("head.weight").matrix === model.matrix("word_embeddings.weight"))
    #expect(try model.embedding("word_embeddings.weight").rows == 10)
  }

  @Test func tensors_areReadOnce_byAnyThread() throws {
    let model = try Model(path: path)
    try Executor(threads: 4).parallelFor(64) { (i) throws(TTKitError) in
      let (bytes, dtype, shape) = try model.tensor("norm.weight")
      guard dtype == .float32, shape == [8], bytes.count == 32 else { throw .internal("wrong") }
      _ = try model.matrix(i % 2 == 0 ? "layer.0.weight" : "stored_as_in_out")
    }
    let (first, second) = (try model.tensor("norm.weight"), try model.tensor("norm.weight"))
    #expect(first.bytes.storage === second.bytes.storage)
  }

  @Test func wrongNames_getTheNearest() throws {
    let model = try Model(path: path)
    let found = failure { () throws(TTKitError) in _ = try model.linear("layer.0.weigth") }
    #expect(found?.isArgument == true)
    #expect(found?.message.contains("nearest is layer.0.weight") == true)
    let tensor = failure { () throws(TTKitError) in _ = try model.tensor("layer.0.weight") }
    #expect(tensor?.isArgument == true)
    #expect(throws: TTKitError.self) { try model.tensor("odd") }
    #expect(throws: TTKitError.self) { try model.linear("norm.weight") }
    #expect(throws: TTKitError.self) { try model.linear("odd") }
    #expect(throws: TTKitError.self) { try model.report(-1) }
    #expect(throws: TTKitError.self) { try model.report(8) }
  }

  @Test func plainModels_open_andBecomeDenseLayers() throws {
    let model = try Model(path: folder("in.safetensors"))
    #expect(model.count == 7)
    let layer = try model.linear("layer.0.weight")
    #expect(try layer.matrix.dense(Float.self).elements == sampleValues(48, seed: 2))
    #expect(layer.bias != nil)
  }

  @Test func savedAgain_bytesAreTheSame() throws {
    let file = try SafetensorsFile(path: path)
    let writer = try SafetensorsWriter(path: folder("again"))
    for entry in file.entries {
      try writer.add(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, bytes: file.bytes(of: entry))
    }
    var fields = JSONObject()
    let manifest = try file.manifest(of: .model)
    for member in manifest.members
    where !["format_version", "kind", "crc32c"].contains(member.key) {
      fields[member.key] = member.value
    }
    try writer.finish(kind: .model, fields: fields, others: file.metadata).commit()
    let first = try Model(path: folder("again"))
    #expect(first.names == (try Model(path: path)).names)
    #expect(try SafetensorsFile(path: folder("again")).entries == file.entries)
  }
}
