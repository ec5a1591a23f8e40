/// The output folder of a compression: files wait under temporary names and get theirs together.

final class ModelOutput {
  private let folder: String
  private let source: ModelSource
  private let maxShardByteCount: Int?
  private let part: Int
  private let parts: Int
  /// Folders that were not there before.
  private var madeFolders: [String] = []
  private var shard: SafetensorsWriter?
  private var weights = JSONObject()
  private var tensorNames: [String] = []
  /// Bytes the current shard's file will have at most, header included.
  private var shardBound = 0
  private var drafts: [(draft: SafetensorsDraft, tensors: [String], byteCount: Int)] = []
  private var committed = false

  /// Makes the folder and checks that nothing in it stands in the way.
  init(
    folder: String, source: ModelSource, path: String, _ options: CompressionOptions
  ) throws(TTKitError) {
    self.folder = folder
    self.source = source
    maxShardByteCount = options.maxShardByteCount
    (part, parts) = (options.part, options.parts)
    let home = source.folder ?? parentFolder(path)
    guard !sameFile(home, folder) else {
      throw .invalidArgument("the output folder \(folder) is that of the source; choose another")
    }
    if try fileKind(folder) == .folder { try checkStrangers() }
    madeFolders = try makeFolder(folder)
  }

  deinit {
    guard !committed else { return }
    shard = nil
    drafts = []
    for made in madeFolders.reversed() { removeFolder(made) }
  }

  /// Model files in the folder that this run does not replace would be opened instead of, or with, ours.
  private func checkStrangers() throws(TTKitError) {
    for name in try namesInFolder(folder) {
      guard name.hasSuffix(".safetensors") || name == ShardIndex.fileName else { continue }
      let replaced =
        if parts > 1 {
          name == ShardIndex.fileName || ShardIndex.isShardName(name, of: parts)
        } else {
          maxShardByteCount == nil && name == "model.safetensors"
        }
      guard replaced else {
        throw .invalidArgument(
          "the output folder \(folder) already holds \(name); remove it or choose another folder")
      }
    }
  }

  /// The shard that takes so many more bytes of file: the current one, or a new one when it is full.
  private func writer(for byteCount: Int) throws(TTKitError) -> SafetensorsWriter {
    if let limit = maxShardByteCount, shard != nil, !tensorNames.isEmpty,
      byteCount > limit - shardBound
    {
      try closeShard()
    }
    if shard == nil {
      shard = try SafetensorsWriter(path: joined(folder, "model.safetensors"))
      shardBound = 512 + metadata.reduce(0) { $0 + inHeader($1.key) + inHeader($1.value) }
    }
    guard let shard else { throw .internal("no shard to write to") }
    shardBound += byteCount
    return shard
  }

  /// Bytes of text in a header at most: quoted twice, since our JSON is a string of the header's.
  private func inHeader(_ text: String) -> Int {
    text.utf8.reduce(8) { $0 + ($1 < 0x20 || $1 == 0x7f ? 12 : $1 == 0x22 || $1 == 0x5c ? 4 : 1) }
  }

  /// Bytes a tensor adds to a file at most: data, its member of the header, its checksum.
  private func inFile(_ name: String, _ axes: Int, _ byteCount: Int) -> Int {
    2 * inHeader(name) + 21 * (axes + 2) + 80 + byteCount
  }

  private func closeShard() throws(TTKitError) {
    guard let writer = shard else { return }
    let draft = try writer.finish(
      kind: .model, fields: ["weights": .object(weights)], others: metadata)
    drafts.append((draft, tensorNames, writer.byteCount))
    shard = nil
    weights = JSONObject()
    tensorNames = []
  }

  /// Metadata of other programs, from the first file that has each key.
  private var metadata: [(key: String, value: String)] {
    var seen: Set<String> = []
    return source.files.flatMap(\.metadata).filter { seen.insert($0.key).inserted }
  }

  /// Copies a tensor bit for bit.
  func copy(_ place: ModelSource.Place) throws(TTKitError) {
    let entry = place.entry
    let writer = try writer(for: inFile(entry.name, entry.shape.count, entry.byteCount))
    try writer.add(name: entry.name, dtype: entry.dtype, shape: entry.shape) {
      (append) throws(TTKitError) in
      try place.file.forEachPiece(of: entry) { (span) throws(TTKitError) in try append(span) }
    }
    tensorNames.append(entry.name)
  }

  /// Writes a vector of floats plus a change, in its own dtype.
  func add(_ place: ModelSource.Place, plus change: Tensor<Double>) throws(TTKitError) {
    let entry = place.entry
    guard let dtype = entry.dtype.dtype, entry.shape == change.shape else {
      throw .internal("bias \(entry.name) cannot take a change of \(describe(change.shape))")
    }
    let bytes = try place.file.bytes(of: entry)
    let values = try Tensor<Double>(shape: entry.shape) { out in
      decodeFloats(bytes, dtype, 0..<out.count, into: &out)
    }
    let sum = try encodeFloats(added(values, change), as: dtype)
    let writer = try writer(for: inFile(entry.name, entry.shape.count, entry.byteCount))
    try writer.add(name: entry.name, dtype: entry.dtype, shape: entry.shape, bytes: sum)
    tensorNames.append(entry.name)
  }

  func add(_ weight: StoredWeight, _ matrix: CompressedMatrix) throws(TTKitError) {
    var bound = inHeader(try weight.json.serialized()) + inHeader(weight.name)
    for core in matrix.cores {
      for part in core.parts {
        let longest = StoredWeight.partName(weight.name, "codebook", matrix.cores.count)
        bound += inFile(longest, part.shape.count, part.bytes.count)
      }
    }
    let writer = try writer(for: bound)
    for (k, core) in matrix.cores.enumerated() {
      for part in core.parts {
        let name = StoredWeight.partName(weight.name, part.name, k)
        try writer.add(
          name: name, dtype: SafetensorsDType(storing: part.dtype), shape: part.shape,
          bytes: part.bytes)
        tensorNames.append(name)
      }
    }
    weights[weight.name] = weight.json
  }

  func tie(_ name: String, to target: String, _ kind: WeightKind) throws(TTKitError) {
    _ = try writer(for: inHeader(name) + inHeader(target) + 64)
    weights[name] = .object(["kind": .string(kind.rawValue), "tied": .string(target)])
  }

  /// Gives everything its name; after a failure takes back what had one.
  func commit() throws(TTKitError) {
    _ = try writer(for: 0)
    try closeShard()
    var waiting: [(path: String, commit: () throws(TTKitError) -> Void)] = []
    var index = ShardIndex()
    for (i, item) in drafts.enumerated() {
      let name: String
      if parts > 1 {
        name = ShardIndex.shardName(part, of: parts)
      } else {
        name =
          drafts.count == 1 ? "model.safetensors" : ShardIndex.shardName(i, of: drafts.count)
      }
      for tensor in item.tensors { index.files.append((tensor, name)) }
      index.totalSize += item.byteCount
      let path = joined(folder, name)
      waiting.append((path, { () throws(TTKitError) in try item.draft.commit(as: path) }))
    }
    if drafts.count > 1 {
      guard drafts.count <= ShardIndex.shardLimit else {
        throw .invalidArgument(
          "max_shard_nbytes makes \(drafts.count) files, at most \(ShardIndex.shardLimit) are allowed"
        )
      }
      let file = try index.draft(folder: folder)
      waiting.append(
        (joined(folder, ShardIndex.fileName), { () throws(TTKitError) in try file.commit() }))
    }
    if part == 0, let beside = source.folder {
      let copies = try FolderCopy(from: beside, to: folder)
      madeFolders += copies.madeFolders
      for file in copies.files {
        waiting.insert((file.path, { () throws(TTKitError) in try file.file.commit() }), at: 0)
      }
    }
    var named: [String] = []
    do throws(TTKitError) {
      for file in waiting {
        try file.commit()
        named.append(file.path)
      }
    } catch {
      for path in named { removeFile(path) }
      throw error
    }
    committed = true
    synchronizeFolder(folder)
  }
}
