/// The files behind a model: one safetensors file, a folder, or an index of shards.

/// All tensors of a model, wherever they lie.
struct ModelSource: Sendable {
  struct Place: Sendable {
    let file: SafetensorsFile
    let entry: SafetensorsEntry
  }

  let files: [SafetensorsFile]
  /// The folder that was given, for the files beside the weights; nil when a file was given.
  let folder: String?
  /// Tensors file by file, in the order of their data.
  let tensors: [Place]
  private let positions: [String: Int]

  /// - Throws: `.io` and `.format` as reading does, `.format` for a name in two files.
  init(path: String) throws(TTKitError) {
    var folder: String?
    switch try fileKind(path) {
    case .folder:
      folder = path
      files = try ModelSource.filesOfFolder(path)
    case .file where path.hasSuffix(".json"):
      files = try ModelSource.filesOfIndex(path)
    default: files = [try SafetensorsFile(path: path)]
    }
    self.folder = folder
    var tensors: [Place] = []
    var positions: [String: Int] = [:]
    for file in files {
      for entry in file.entries {
        if let other = positions.updateValue(tensors.count, forKey: entry.name) {
          throw .format(
            "tensor \(entry.name) is in two files, \(tensors[other].file.path) and \(file.path)")
        }
        tensors.append(Place(file: file, entry: entry))
      }
    }
    self.tensors = tensors
    self.positions = positions
  }

  subscript(name: String) -> Place? { positions[name].map { tensors[$0] } }

  private static func filesOfFolder(_ path: String) throws(TTKitError) -> [SafetensorsFile] {
    let single = joined(path, "model.safetensors")
    if try fileKind(single) != .missing { return [try SafetensorsFile(path: single)] }
    let index = joined(path, ShardIndex.fileName)
    if try fileKind(index) != .missing { return try filesOfIndex(index) }
    var files: [SafetensorsFile] = []
    for name in try namesInFolder(path) where name.hasSuffix(".safetensors") {
      files.append(try SafetensorsFile(path: joined(path, name)))
    }
    guard !files.isEmpty else {
      throw .io("cannot read a model from the folder \(path): it holds no .safetensors file")
    }
    return files
  }

  private static func filesOfIndex(_ path: String) throws(TTKitError) -> [SafetensorsFile] {
    let index = try ShardIndex(path: path)
    var files: [SafetensorsFile] = []
    var byName: [String: Int] = [:]
    for name in index.fileNames {
      byName[name] = files.count
      files.append(try SafetensorsFile(path: joined(parentFolder(path), name)))
    }
    for (tensor, name) in index.files {
      if let position = byName[name], files[position].entry(tensor) == nil {
        throw .format("\(path) places \(tensor) in \(name), which does not hold it")
      }
    }
    guard !files.isEmpty else { throw .format("\(path) names no files") }
    return files
  }
}
