/// Reading safetensors files: everything is checked on opening, tensors are read when asked for.

/// An open safetensors file. Any number of threads may read from it.
public final class SafetensorsFile: Sendable {
  public let path: String
  /// Tensors in the order of their data.
  public let entries: [SafetensorsEntry]
  /// Metadata in the file's order.
  public let metadata: [(key: String, value: String)]
  private let positions: [String: Int]
  private let file: ReadableFile
  private let dataStart: Int

  /// Opens a file and checks its header against its length; reads no tensor.
  ///
  /// - Parameter mapped: reads through a mapping; nobody may cut the file while it is open.
  /// - Throws: `.io` when the system refuses, `.format` when it is no sound safetensors file.
  public init(path: String, mapped: Bool = false) throws(TTKitError) {
    file = try ReadableFile(path: path, mapped: mapped)
    self.path = path
    guard file.size >= 8 else {
      throw .format(
        "\(path) is no safetensors file: it has \(file.size) bytes, expected at least 8")
    }
    let prefix = try file.read(UInt8.self, count: 8, at: 0)
    let length = prefix.withSpan { span in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(span[$1]) << UInt64(8 * $1) }
    }
    let room = min(file.size - 8, SafetensorsHeader.byteLimit)
    guard length <= UInt64(room) else {
      throw .format(
        "\(path) is no safetensors file or is cut: its header would have \(length) bytes, "
          + "expected at most \(room)")
    }
    dataStart = 8 + Int(length)
    let dataSize = file.size - dataStart
    let text = try file.read(UInt8.self, count: Int(length), at: 8)
    let header = try text.withSpan { (span) throws(TTKitError) in
      try SafetensorsHeader(parsing: span, dataSize: dataSize, path: path)
    }
    entries = header.entries
    metadata = header.metadata
    var positions: [String: Int] = [:]
    for (i, entry) in entries.enumerated() { positions[entry.name] = i }
    self.positions = positions
  }

  /// The tensor of this name.
  public func entry(_ name: String) -> SafetensorsEntry? { positions[name].map { entries[$0] } }

  /// The metadata string of a key.
  public func metadata(_ key: String) -> String? { metadata.first { $0.key == key }?.value }

  /// Bytes `range` of a tensor of this file, counted from its first.
  public func bytes(
    of entry: SafetensorsEntry, _ range: Range<Int>? = nil
  ) throws(TTKitError) -> Tensor<UInt8> {
    let range = range ?? 0..<entry.byteCount
    guard range.lowerBound >= 0, range.upperBound <= entry.byteCount else {
      throw .internal("bytes \(range) of tensor \(entry.name), which has \(entry.byteCount)")
    }
    let buffer = try file.read(
      UInt8.self, count: range.count, at: dataStart + entry.offset + range.lowerBound)
    return Tensor(shape: [range.count], buffer: buffer)
  }

  /// A tensor of this file, whose dtype in memory must be `Element`.
  public func tensor<Element: BitwiseCopyable>(
    of entry: SafetensorsEntry, as type: Element.Type
  ) throws(TTKitError) -> Tensor<Element> {
    let size = MemoryLayout<Element>.stride
    guard size == entry.dtype.size else {
      throw .internal("tensor \(entry.name) of \(entry.dtype.rawValue) read as \(Element.self)")
    }
    let buffer = try file.read(
      Element.self, count: entry.byteCount / size, at: dataStart + entry.offset)
    return Tensor(shape: entry.shape, buffer: buffer)
  }

  /// Calls `body` with a tensor's bytes, a few at a time, in order.
  public func forEachPiece(
    of entry: SafetensorsEntry, size: Int = 1 << 20,
    _ body: (Span<UInt8>) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    var begin = 0
    while begin < entry.byteCount {
      let end = min(begin + max(size, 1), entry.byteCount)
      try file.withBytes(end - begin, at: dataStart + entry.offset + begin, body)
      begin = end
    }
  }

  /// CRC-32C of a tensor's bytes.
  public func crc32c(of entry: SafetensorsEntry) throws(TTKitError) -> UInt32 {
    var crc: UInt32 = 0
    try forEachPiece(of: entry) { (span) throws(TTKitError) in
      crc = TTKit.crc32c(span, continuing: crc)
    }
    return crc
  }
}
