/// Writing safetensors files: tensors as they come, the header last, the name at the very end.

/// A safetensors file in the making.
///
/// Data goes to a file without a name; ``finish(metadata:)`` writes header and data to a temporary file
/// beside the target; ``SafetensorsDraft/commit(as:)`` gives it its name. Whatever is dropped before
/// that leaves nothing. Tensors are laid out by falling element size, in the order they were added among
/// equals, so that each begins at a multiple of its element size. Same calls, same bytes.
public final class SafetensorsWriter {
  private struct Written {
    let name: String
    let dtype: SafetensorsDType
    let shape: [Int]
    let range: Range<Int>
    let crc: UInt32
  }

  private let target: String
  private let scratch: PendingFile
  private var tensors: [Written] = []
  private var names: Set<String> = []

  /// - Parameter path: where the file will be; its folder must exist.
  public init(path: String) throws(TTKitError) {
    target = path
    scratch = try PendingFile(beside: path, scratch: true)
  }

  /// Bytes of all tensors so far.
  public var byteCount: Int { scratch.size }

  /// Names and checksums of all tensors so far, in the order they were added.
  var checksums: [(name: String, crc: UInt32)] { tensors.map { ($0.name, $0.crc) } }

  /// Dtypes and shapes of all tensors so far.
  var descriptions: [SafetensorsDescription] {
    tensors.map { SafetensorsDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape) }
  }

  /// Adds a tensor whose bytes are in memory: compact, row-major, little-endian.
  public func add(
    name: String, dtype: SafetensorsDType, shape: [Int], bytes: Tensor<UInt8>
  ) throws(TTKitError) {
    try add(name: name, dtype: dtype, shape: shape) { (append) throws(TTKitError) in
      try bytes.withSpan { (span) throws(TTKitError) in try append(span) }
    }
  }

  /// Adds a tensor whose bytes come in pieces: `produce` hands them, in order, to the function it gets.
  ///
  /// - Throws: `.invalidArgument` for a name twice, `.internal` for bytes that do not fill the shape,
  ///   `.io`, and what `produce` throws. After a failure the writer is of no more use.
  public func add(
    name: String, dtype: SafetensorsDType, shape: [Int],
    _ produce: ((Span<UInt8>) throws(TTKitError) -> Void) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    guard names.insert(name).inserted, name != "__metadata__" else {
      throw .invalidArgument("\(target) would hold two tensors called \(name); rename one")
    }
    let expected = try checkedProduct(shape + [dtype.size])
    let begin = scratch.size
    var crc: UInt32 = 0
    try produce { (span) throws(TTKitError) in
      crc = crc32c(span, continuing: crc)
      try scratch.append(span)
    }
    guard scratch.size - begin == expected else {
      throw .internal(
        "\(scratch.size - begin) bytes for tensor \(name) of shape \(describe(shape)) and dtype "
          + "\(dtype.rawValue), expected \(expected)")
    }
    tensors.append(
      Written(name: name, dtype: dtype, shape: shape, range: begin..<scratch.size, crc: crc))
  }

  /// Writes header and data and waits until they are on the disk.
  public func finish(
    metadata: [(key: String, value: String)] = []
  ) throws(TTKitError) -> SafetensorsDraft {
    // Sorting by size and position is stable.
    let layout = tensors.indices.sorted {
      (-tensors[$0].dtype.size, $0) < (-tensors[$1].dtype.size, $1)
    }.map { tensors[$0] }
    var header = JSONObject()
    if !metadata.isEmpty {
      var object = JSONObject()
      for (key, value) in metadata { object[key] = .string(value) }
      header["__metadata__"] = .object(object)
    }
    var offset = 0
    for tensor in layout {
      let end = offset + tensor.range.count
      header[tensor.name] = .object([
        "dtype": .string(tensor.dtype.rawValue), "shape": .integers(tensor.shape),
        "data_offsets": .integers([offset, end]),
      ])
      offset = end
    }
    var text = try JSONValue.object(header).serialized()
    text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    guard text.utf8.count <= SafetensorsHeader.byteLimit else {
      throw .sizeOverflow(
        "the header of \(target) would have \(text.utf8.count) bytes, at most "
          + "\(SafetensorsHeader.byteLimit) are allowed; write several files")
    }
    let file = try PendingFile(beside: target)
    let length = UInt64(text.utf8.count)
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) }
    try file.append(prefix.span)
    try file.append(text)
    for tensor in layout { try file.append(tensor.range, of: scratch) }
    try file.seal()
    return SafetensorsDraft(target: target, file: file)
  }

  /// Writes the file under its name.
  public func write(metadata: [(key: String, value: String)] = []) throws(TTKitError) {
    try finish(metadata: metadata).commit()
  }
}

/// A complete file that has no name yet; it vanishes unless it gets one.
public final class SafetensorsDraft {
  private let target: String
  private let file: PendingFile

  init(target: String, file: PendingFile) {
    self.target = target
    self.file = file
  }

  public var byteCount: Int { file.size }

  /// Gives the file the path it was made for, or another in the same folder.
  public func commit(as path: String? = nil) throws(TTKitError) {
    try file.commit(as: path)
    synchronizeFolder(parentFolder(path ?? target))
  }
}
