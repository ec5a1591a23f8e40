import Testing

@testable import TTKit

@Suite struct DamagedModelTests {
  let folder = TemporaryFolder()

  /// A compressed model of one layer, one embedding and one untouched tensor.
  private func writeSmallModel(_ path: String) throws {
    let skipped: Set = ["layer.1.weight", "stored_as_in_out", "layer.0.bias", "norm.weight"]
    try writeSampleModel(folder("in.safetensors"), without: skipped)
    let recipe = #"""
      {"word*": "train_matrix(rows=2x5, columns=2x4, rank=2)@float16",
       "*.weight": "low_rank(rank=1)@int8(group=4)"}
      """#
    let problem = try compress(folder("in.safetensors"), folder("out"), recipe: recipe)
    #expect(problem == nil)
  }

  /// All that can be read from a model; nil when something is refused.
  private func contents(_ path: String, verifying: Bool) throws -> [String]? {
    do {
      let model = try Model(path: path, verifying: verifying)
      return try (0..<model.count).map { i in
        let report = try model.report(i)
        let values =
          report.kind == nil
          ? "\(model.items[i])" : "\(try model.matrix(report.name).dense(Float.self).elements)"
        return "\(report) \(report.kind == nil ? "" : values)"
      }
    } catch is TTKitError {
      return nil
    }
  }

  @Test func aFlippedBitAnywhere_isRefused_orChangesNothing() throws {
    try writeSmallModel(folder("out"))
    let whole = try readAll(folder("out") + "/model.safetensors")
    let expected = try contents(folder("out"), verifying: true)
    #expect(expected?.count == 3)
    for i in whole.indices {
      var bytes = whole
      bytes[i] ^= 1 << UInt8(i % 8)  // every bit of a file: DamagedFileTests
      try writeAll(folder("x"), bytes)
      if let found = try contents(folder("x"), verifying: true) {
        #expect(found == expected, "byte \(i)")
      }
      // Without checksums anything may come out, but nothing may crash.
      _ = try contents(folder("x"), verifying: false)
    }
  }

  /// Descriptions that do not fit the tensors, with valid checksums.
  @Test(arguments: [
    ("spec", #""low_rank(rank=1)@int8(group=3)""#),
    ("spec", #""low_rank(rank=1)@float32""#), ("spec", #""dense@int8(group=4)""#),
    ("spec", #""low_rank(rank=1)""#), ("spec", #""holographic(rank=1)""#), ("spec", "null"),
    ("spec", #""train(rows=2x3, columns=2x4, rank=9223372036854775807)@int8(group=4)""#),
    ("spec", #""train_matrix(rows=4611686018427387904x4, columns=2x4, rank=1)@int8(group=4)""#),
    ("spec", #""low_rank(rank=1)@int8(group=4) + low_rank(rank=1)@int8(group=4)""#),
    ("shape", "[8,6]"), ("shape", "[6,-8]"), ("shape", "[0,8]"), ("shape", "[48]"),
    ("shape", "[4611686018427387904,4611686018427387904]"), ("shape", "[6000000000,8]"),
    ("cores", "[]"), ("cores", "[[6,1]]"), ("cores", "[[6,1],[1,9]]"), ("cores", "[[6,1],[8,1]]"),
    ("cores", "[[6,1],[1,8],[1,1]]"), ("cores", "[[6,-1],[1,8]]"), ("cores", "[[6],[8]]"),
    ("cores", "[[6,4611686018427387904],[4611686018427387904,8]]"), ("cores", "[[],[]]"),
    ("cores", "[[0,1],[1,0]]"), ("cores", "7"), ("dtype", #""float12""#), ("kind", #""conv""#),
    ("tied", #""nowhere""#),
  ])
  func descriptionsThatDoNotFit_areRefused(key: String, value: String) throws {
    try writeSmallModel(folder("out"))
    let file = try SafetensorsFile(path: folder("out") + "/model.safetensors")
    var weights = try #require(try file.manifest(of: .model)["weights"]?.object)
    var weight = try #require(weights["layer.0.weight"]?.object)
    weight[key] = try JSONValue(parsing: "[\(value)]").array?.first
    weights["layer.0.weight"] = .object(weight)
    let writer = try SafetensorsWriter(path: folder("x"))
    for entry in file.entries {
      try writer.add(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, bytes: file.bytes(of: entry))
    }
    try writer.finish(kind: .model, fields: ["weights": .object(weights)]).commit()
    let found = failure { () throws(TTKitError) in
      _ = try Model(path: folder("x")).matrix("layer.0.weight").dense(Float.self)
    }
    #expect(found?.isFormat == true, "\(String(describing: found))")
  }

  @Test func unknownMembers_areIgnored() throws {
    try writeSmallModel(folder("out"))
    let file = try SafetensorsFile(path: folder("out") + "/model.safetensors")
    var weights = try #require(try file.manifest(of: .model)["weights"]?.object)
    var weight = try #require(weights["layer.0.weight"]?.object)
    weight["colour"] = .string("green")
    weights["layer.0.weight"] = .object(weight)
    let writer = try SafetensorsWriter(path: folder("x"))
    for entry in file.entries {
      try writer.add(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, bytes: file.bytes(of: entry))
    }
    let fields: JSONObject = ["weights": .object(weights), "later": .integer(1)]
    try writer.finish(kind: .model, fields: fields).commit()
    #expect(try contents(folder("x"), verifying: true)?.count == 3)
  }
}
