/// What our files say about themselves: one JSON text under the metadata key "ttkit", and checksums.
///
/// docs/format.md describes it.

/// A tensor without its place: what the header's checksum covers.
struct SafetensorsDescription {
  let name: String
  let dtype: SafetensorsDType
  let shape: [Int]
}

public enum Manifest {
  /// Metadata key of the JSON text.
  public static let key = "ttkit"
  /// Metadata key of the checksum over that text and all names, dtypes and shapes.
  static let checksumKey = "ttkit_crc32c"
  /// The version this library writes, and the newest it reads.
  public static let version = 1

  /// What a file holds.
  public enum Kind: String, Sendable {
    case model
    case train
    case trainMatrix = "train_matrix"
    case layer
  }

  static func hexadecimal(_ crc: UInt32) -> String {
    let digits = String(crc, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// CRC-32C over the text and, in order of names, a line for every tensor: "name F32 [2,3]\n".
  static func checksum(_ text: String, _ tensors: [SafetensorsDescription]) -> UInt32 {
    var crc = crc32c(Array(text.utf8).span)
    for tensor in tensors.sorted(by: { byteOrder($0.name, $1.name) }) {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let line = "\(tensor.name) \(tensor.dtype.rawValue) [\(shape)]\n"
      crc = crc32c(Array(line.utf8).span, continuing: crc)
    }
    return crc
  }
}

extension SafetensorsWriter {
  /// As ``finish(metadata:)``, with our metadata: `fields` and a checksum of every tensor.
  ///
  /// - Parameter others: metadata of other programs to keep.
  public func finish(
    kind: Manifest.Kind, fields: JSONObject, others: [(key: String, value: String)] = []
  ) throws(TTKitError) -> SafetensorsDraft {
    var manifest: JSONObject = [
      "format_version": .integer(Manifest.version), "kind": .string(kind.rawValue),
    ]
    for member in fields.members { manifest[member.key] = member.value }
    var sums = JSONObject()
    for (name, crc) in checksums { sums[name] = .string(Manifest.hexadecimal(crc)) }
    manifest["crc32c"] = .object(sums)
    let text = try JSONValue.object(manifest).serialized()
    let crc = Manifest.checksum(text, descriptions)
    let kept = others.filter { $0.key != Manifest.key && $0.key != Manifest.checksumKey }
    return try finish(
      metadata: kept + [
        (Manifest.key, text), (Manifest.checksumKey, Manifest.hexadecimal(crc)),
      ])
  }

  /// As ``finish(kind:fields:others:)``, and gives the file its name.
  public func write(kind: Manifest.Kind, fields: JSONObject) throws(TTKitError) {
    try finish(kind: kind, fields: fields).commit()
  }
}

extension SafetensorsFile {
  /// What the file says about itself; nil when it is not one of ours.
  ///
  /// - Parameter verifying: also checks the data of every tensor, which reads the whole file.
  /// - Throws: `.version` when a newer library made it, `.format` when it is damaged.
  public func manifest(verifying: Bool = true) throws(TTKitError) -> JSONObject? {
    guard let text = metadata(Manifest.key) else {
      guard metadata(Manifest.checksumKey) == nil else {
        throw .format("\(path) has a checksum but no metadata \(Manifest.key); it is damaged")
      }
      return nil
    }
    let fields: JSONObject
    do throws(JSONSyntaxError) {
      guard let object = try JSONValue(parsing: text).object else {
        throw JSONSyntaxError(line: 1, column: 1, text: "expected an object")
      }
      fields = object
    } catch {
      throw .format("\(path): metadata \(Manifest.key) is malformed at \(error.message)")
    }
    guard let version = fields["format_version"]?.integer, version >= 1 else {
      throw .format("\(path): metadata \(Manifest.key) has no format_version")
    }
    guard version <= Manifest.version else {
      throw .version(
        "\(path) has format version \(version), this library reads up to \(Manifest.version); "
          + "install a newer ttkit")
    }
    if verifying { try verify(text, fields) }
    return fields
  }

  /// The manifest of a file of the given kind.
  ///
  /// - Throws: also `.format` when the file is none of ours or holds something else.
  public func manifest(
    of kind: Manifest.Kind, verifying: Bool = true
  ) throws(TTKitError) -> JSONObject {
    guard let fields = try manifest(verifying: verifying) else {
      throw .format("\(path) was not written by ttkit: it has no metadata \(Manifest.key)")
    }
    let found = fields["kind"]?.string ?? "nothing"
    guard found == kind.rawValue else {
      throw .format("\(path) holds a \(found), expected a \(kind.rawValue)")
    }
    return fields
  }

  private func verify(_ text: String, _ fields: JSONObject) throws(TTKitError) {
    let tensors = entries.map {
      SafetensorsDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape)
    }
    let header = Manifest.hexadecimal(Manifest.checksum(text, tensors))
    guard metadata(Manifest.checksumKey) == header else {
      throw .format(
        "\(path) is damaged: its description has checksum \(header), expected "
          + (metadata(Manifest.checksumKey) ?? "one under \(Manifest.checksumKey)"))
    }
    guard let sums = fields["crc32c"]?.object, sums.members.count == entries.count else {
      throw .format("\(path): metadata \(Manifest.key) does not hold one checksum for each tensor")
    }
    for entry in entries {
      let found = Manifest.hexadecimal(try crc32c(of: entry))
      let expected = sums[entry.name]?.string
      guard found == expected else {
        throw .format(
          "\(path) is damaged: tensor \(entry.name) has checksum \(found), expected "
            + (expected ?? "one in the metadata"))
      }
    }
  }
}
