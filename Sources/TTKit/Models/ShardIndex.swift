/// The index over the files of a model that is spread over several.

public struct ShardIndex {
  static let fileName = "model.safetensors.index.json"

  /// Tensor name to file name, in order.
  var files: [(tensor: String, file: String)] = []
  var totalSize = 0

  /// "model-00002-of-00005.safetensors" for part 1 of 5.
  static func shardName(_ part: Int, of parts: Int) -> String {
    func padded(_ number: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(5 - digits.count, 0)) + digits
    }
    return "model-\(padded(part + 1))-of-\(padded(parts)).safetensors"
  }

  /// Whether `name` is that of a shard of `parts`.
  static func isShardName(_ name: String, of parts: Int) -> Bool {
    (0..<parts).contains { shardName($0, of: parts) == name }
  }

  /// Most files of one model: what five digits name.
  static let shardLimit = 99_999

  init() {}

  /// - Throws: `.io`, `.format` for anything but plain file names under "weight_map".
  init(path: String) throws(TTKitError) {
    let file = try ReadableFile(path: path)
    guard file.size <= SafetensorsHeader.byteLimit else {
      throw .format("\(path) has \(file.size) bytes, too many for an index")
    }
    let bytes = try file.read(UInt8.self, count: file.size, at: 0)
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try bytes.withSpan { (span) throws(JSONSyntaxError) in
        try JSONValue(parsing: span)
      }
    } catch {
      throw .format("\(path) is malformed at \(error.message)")
    }
    guard let map = value.object?["weight_map"]?.object else {
      throw .format("\(path) is no index of shards: it has no object weight_map")
    }
    for member in map.members {
      guard let name = member.value.string, !name.isEmpty, name != ".", name != "..",
        !name.utf8.contains(UInt8(ascii: "/"))
      else {
        throw .format("\(path): the file of \(member.key) must be a plain name without folders")
      }
      files.append((member.key, name))
    }
    totalSize = value.object?["metadata"]?.object?["total_size"]?.integer ?? 0
  }

  /// File names, each once, in byte order.
  var fileNames: [String] { Set(files.map(\.file)).sorted(by: byteOrder) }

  /// The index as a file that waits for its name.
  func draft(folder: String) throws(TTKitError) -> PendingFile {
    var map = JSONObject()
    for (tensor, file) in files.sorted(by: { byteOrder($0.tensor, $1.tensor) }) {
      map[tensor] = .string(file)
    }
    let value: JSONValue = .object([
      "metadata": .object(["total_size": .integer(totalSize)]), "weight_map": .object(map),
    ])
    let file = try PendingFile(beside: joined(folder, ShardIndex.fileName))
    try file.append(try value.serialized(indent: 2) + "\n")
    try file.seal()
    return file
  }
}
