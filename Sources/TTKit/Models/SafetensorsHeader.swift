/// The header of a safetensors file: what is in it, checked in full before anything is read.

/// One tensor of a file.
public struct SafetensorsEntry: Sendable, Equatable {
  public let name: String
  public let dtype: SafetensorsDType
  public let shape: [Int]
  /// First byte, from the start of the data.
  public let offset: Int
  public let byteCount: Int
}

struct SafetensorsHeader {
  /// Tensors in the order of their data.
  var entries: [SafetensorsEntry] = []
  /// The file's metadata, in its order.
  var metadata: [(key: String, value: String)] = []

  /// Largest header that readers of the format accept.
  static let byteLimit = 100_000_000

  /// - Parameters:
  ///   - text: the JSON, padding included.
  ///   - dataSize: bytes behind the header.
  ///   - path: for messages.
  /// - Throws: `.format` for anything that is not exactly as the format asks.
  init(parsing text: Span<UInt8>, dataSize: Int, path: String) throws(TTKitError) {
    guard !text.isEmpty, text[0] == UInt8(ascii: "{") else {
      throw .format("\(path) is no safetensors file: its header does not begin with {")
    }
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValue(parsing: text)
    } catch {
      throw .format("\(path) is no safetensors file: its header is malformed at \(error.message)")
    }
    for member in value.object?.members ?? [] {
      if member.key == "__metadata__" {
        metadata = try SafetensorsHeader.metadata(member.value, path)
      } else {
        entries.append(
          try SafetensorsHeader.entry(member.key, member.value, dataSize, path))
      }
    }
    // Sorting keeps the header's order among empty tensors at the same place.
    entries = entries.enumerated().sorted {
      ($0.element.offset, $0.element.byteCount, $0.offset)
        < ($1.element.offset, $1.element.byteCount, $1.offset)
    }.map(\.element)
    var end = 0
    for entry in entries {
      guard entry.offset == end else {
        throw .format(
          "\(path): tensor \(entry.name) begins at byte \(entry.offset) of the data, expected \(end);"
            + " tensors must neither overlap nor leave holes")
      }
      end += entry.byteCount  // at most dataSize, as every end is
    }
    guard end == dataSize else {
      throw .format(
        "\(path) has \(dataSize) bytes of data, its header describes \(end); it is cut or damaged")
    }
  }

  private static func metadata(
    _ value: JSONValue, _ path: String
  ) throws(TTKitError) -> [(key: String, value: String)] {
    guard let object = value.object else {
      throw .format("\(path): __metadata__ is \(value.kind), expected an object")
    }
    var result: [(key: String, value: String)] = []
    for member in object.members {
      guard let text = member.value.string else {
        throw .format("\(path): metadata \(member.key) is \(member.value.kind), expected a string")
      }
      result.append((member.key, text))
    }
    return result
  }

  private static func entry(
    _ name: String, _ value: JSONValue, _ dataSize: Int, _ path: String
  ) throws(TTKitError) -> SafetensorsEntry {
    func damaged(_ what: String) -> TTKitError { .format("\(path): tensor \(name) \(what)") }
    guard let object = value.object else {
      throw damaged("is \(value.kind), expected an object")
    }
    guard let typeName = object["dtype"]?.string else { throw damaged("has no dtype") }
    guard let dtype = SafetensorsDType(rawValue: typeName) else {
      throw damaged(
        "has the unknown dtype \(typeName); expected F32, F16, BF16, I8, U8 and the like")
    }
    guard let shape = object["shape"]?.integers, shape.allSatisfy({ $0 >= 0 }) else {
      throw damaged("has no shape of lengths that are 0 or more")
    }
    guard let range = object["data_offsets"]?.integers, range.count == 2 else {
      throw damaged("has no data_offsets of two integers")
    }
    guard 0 <= range[0], range[0] <= range[1], range[1] <= dataSize else {
      throw damaged(
        "lies at bytes \(range[0]) to \(range[1]), expected a range within the \(dataSize) bytes of data"
      )
    }
    // A zero length makes the product 0 whatever the others are.
    var bytes = shape.contains(0) ? 0 : dtype.size
    for length in shape where bytes != 0 {
      let (next, overflow) = bytes.multipliedReportingOverflow(by: length)
      guard !overflow else { throw damaged("has the shape \(describe(shape)), which is too large") }
      bytes = next
    }
    guard bytes == range[1] - range[0] else {
      throw damaged(
        "of shape \(describe(shape)) and dtype \(typeName) takes \(bytes) bytes, "
          + "its data_offsets give \(range[1] - range[0])")
    }
    return SafetensorsEntry(
      name: name, dtype: dtype, shape: shape, offset: range[0], byteCount: bytes)
  }
}
