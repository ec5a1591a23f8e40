import Glibc
import Testing

@testable import TTKit

/// Made the files of Tests/Golden, once. Runs only where TTKIT_WRITE_GOLDEN names an empty folder.
@Suite struct GoldenWriter {
  @Test(.enabled(if: getenv("TTKIT_WRITE_GOLDEN") != nil, "golden files are never written again"))
  func write() throws {
    let folder = String(cString: getenv("TTKIT_WRITE_GOLDEN"))
    try #require(namesInFolder(folder).isEmpty)
    _ = try makeFolder(folder + "/v1")
    _ = try makeFolder(folder + "/refused")
    try writeModel(folder + "/v1/model")
    try writeTrain(folder + "/v1/train")
    try writeTrainMatrix(folder + "/v1/train_matrix")
    try writeRefused(folder + "/refused/", from: folder + "/v1/model.safetensors")
  }

  /// Made v1/formats, once, after the other files: TTKIT_WRITE_GOLDEN_FORMATS names an empty folder.
  @Test(
    .enabled(
      if: getenv("TTKIT_WRITE_GOLDEN_FORMATS") != nil, "golden files are never written again"))
  func writeFormats() throws {
    let path = String(cString: getenv("TTKIT_WRITE_GOLDEN_FORMATS"))
    try #require(namesInFolder(path).isEmpty)
    let specs = [
      "dense@float64", "low_rank(rank=3)@bfloat16", "kronecker(rows=2x3, columns=4x2)",
      "monarch(blocks=2)", "block_tensor_train(rows=2x3, columns=4x2, rank=2)",
      "train(rows=2x3, columns=4x2, rank=3)", "cp(rows=2x3, columns=4x2, rank=3)",
      "tucker(rows=2x3, columns=4x2, rank=2)", "hierarchical_tucker(rows=2x3, columns=4x2, rank=2)",
      "token_train(shape=4x2, rank=2)", "kashin(transform=dct)@kmeans4",
      "rotation(transform=hadamard)@int4(group=4)", "dense@int3(group=4, symmetric=false)",
      "dense@kmeans2",
    ]
    let folder = TemporaryFolder()
    let writer = try SafetensorsWriter(path: folder("in.safetensors"))
    var recipe = JSONObject()
    for (k, spec) in specs.enumerated() {
      let name = "\(k).\(spec.prefix { $0 != "(" && $0 != "@" })"
      try writer.add(
        name: name, dtype: .float32, shape: [6, 8],
        bytes: bytes(sampleValues(48, seed: k + 20)))
      recipe[name] = .string(spec)
    }
    try writer.write(metadata: [])
    try writeModel(
      path + "/formats", folder, recipe: JSONValue.object(recipe).serialized(indent: 1))
  }

  private func writeModel(_ path: String) throws {
    let folder = TemporaryFolder()
    try writeSampleModel(folder("in.safetensors"))
    try writeModel(path, folder, recipe: sampleRecipe)
  }

  private func writeModel(_ path: String, _ folder: TemporaryFolder, recipe: String) throws {
    #expect(try compress(folder("in.safetensors"), folder("out"), recipe: recipe) == nil)
    try writeAll(path + ".safetensors", readAll(folder("out") + "/model.safetensors"))
    let model = try Model(path: path + ".safetensors")
    var expected = JSONObject()
    for (i, name) in model.names.enumerated() {
      let report = try model.report(i)
      var weight: JSONObject = ["shape": .integers(report.shape)]
      weight["spec"] = report.spec.map(JSONValue.string)
      weight["kind"] = report.kind.map { .string($0.rawValue) }
      let place = try ModelSource(path: path + ".safetensors")[name]
      weight["values"] =
        if let place {
          .array(try place.file.bytes(of: place.entry).elements.map { .integer(Int($0)) })
        } else {
          .array(try model.matrix(name).dense(Double.self).elements.map { .number($0) })
        }
      expected[name] = .object(weight)
    }
    try writeAll(path + ".json", JSONValue.object(expected).serialized(indent: 1) + "\n")
  }

  /// complex64, modes (3, 2, 2), ranks (1, 2, 2, 1): floats with a last axis of 2.
  private func writeTrain(_ path: String) throws {
    let fields: JSONObject = [
      "dtype": .string("complex64"), "shape": .integers([3, 2, 2]),
      "ranks": .integers([1, 2, 2, 1]),
    ]
    try writeCores(path, .train, fields, [[1, 3, 2, 2], [2, 2, 2, 2], [2, 2, 1, 2]], .float32)
  }

  private func writeTrainMatrix(_ path: String) throws {
    let fields: JSONObject = [
      "dtype": .string("float64"), "row_shape": .integers([2, 3]),
      "column_shape": .integers([4, 2]), "ranks": .integers([1, 3, 1]),
    ]
    try writeCores(path, .trainMatrix, fields, [[1, 2, 4, 3], [3, 3, 2, 1]], .float64)
  }

  private func writeCores(
    _ path: String, _ kind: Manifest.Kind, _ fields: JSONObject, _ shapes: [[Int]],
    _ dtype: SafetensorsDType
  ) throws {
    let writer = try SafetensorsWriter(path: path + ".safetensors")
    var cores: [JSONValue] = []
    for (k, shape) in shapes.enumerated() {
      let values = sampleValues(shape.reduce(1, *), seed: k + 10).map { Double($0) }
      let raw = values.flatMap { value -> [UInt8] in
        let bits = dtype == .float64 ? value.bitPattern : UInt64(Float(value).bitPattern)
        return (0..<dtype.size).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) }
      }
      try writer.add(
        name: "\(kind.rawValue).core.\(k)", dtype: dtype, shape: shape,
        bytes: Tensor(shape: [raw.count], elements: raw))
      cores.append(
        .object(["shape": .integers(shape), "values": .array(values.map { .number($0) })]))
    }
    try writer.write(kind: kind, fields: fields)
    var expected = fields
    expected["cores"] = .array(cores)
    try writeAll(path + ".json", JSONValue.object(expected).serialized(indent: 1) + "\n")
  }

  private func writeRefused(_ folder: String, from path: String) throws {
    let sound = try readAll(path)
    try writeAll(folder + "truncated.safetensors", Array(sound.dropLast(7)))
    var flipped = sound
    flipped[flipped.count - 5] ^= 0x10
    try writeAll(folder + "flipped_bit.safetensors", flipped)
    var absurd = sound
    absurd[7] = 0x7f
    try writeAll(folder + "absurd_header_length.safetensors", absurd)
    let header =
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
    try writeAll(
      folder + "overlapping_offsets.safetensors",
      safetensors(header, data: [UInt8](repeating: 1, count: 12)))
    let writer = try SafetensorsWriter(path: folder + "newer_version.safetensors")
    try writer.add(name: "a", dtype: .float32, shape: [1], bytes: bytes([1]))
    let text = #"{"format_version":2,"kind":"model","weights":{}}"#
    try writer.finish(metadata: [(Manifest.key, text)]).commit()
  }
}
