/// The files beside a model's weights: configuration, tokeniser, vocabulary.

/// Copies that wait for their names.
struct FolderCopy {
  private(set) var files: [(path: String, file: PendingFile)] = []
  /// Folders that were not there before, outermost first.
  private(set) var madeFolders: [String] = []

  /// Endings of files that hold the original weights.
  private static let weightEndings = [
    ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".pth", ".ckpt",
    ".h5", ".msgpack", ".onnx", ".onnx_data", ".ot", ".gguf", ".tflite", ".tmp",
  ]
  private static let depthLimit = 8

  /// Copies all files of a folder but weights and hidden ones, folders in it included.
  init(from source: String, to target: String) throws(TTKitError) {
    do throws(TTKitError) {
      try copy(source, target, depth: 0, target: target)
    } catch {
      files = []
      for made in madeFolders.reversed() { removeFolder(made) }
      throw error
    }
  }

  private mutating func copy(
    _ source: String, _ folder: String, depth: Int, target: String
  ) throws(TTKitError) {
    for name in try namesInFolder(source) where !name.hasPrefix(".") {
      let path = joined(source, name)
      let copyPath = joined(folder, name)
      switch try fileKind(path) {
      case .file where !FolderCopy.weightEndings.contains(where: { name.hasSuffix($0) }):
        madeFolders += try makeFolder(folder)
        files.append((copyPath, try pendingCopy(of: path, as: copyPath)))
      case .folder where depth < FolderCopy.depthLimit && name != "__pycache__":
        // The output folder may lie inside the source.
        if !sameFile(path, target) {
          try copy(path, copyPath, depth: depth + 1, target: target)
        }
      default: break
      }
    }
  }

  private func pendingCopy(
    of path: String, as copyPath: String
  ) throws(TTKitError) -> PendingFile {
    let source = try ReadableFile(path: path)
    let copy = try PendingFile(beside: copyPath)
    var offset = 0
    while offset < source.size {
      let count = min(source.size - offset, 1 << 20)
      let piece = try source.read(UInt8.self, count: count, at: offset)
      try piece.withSpan { (span) throws(TTKitError) in try copy.append(span) }
      offset += count
    }
    try copy.seal()
    return copy
  }
}
