/// Joining the parts that several runs of the pipeline left in one folder.

extension ShardIndex {
  /// Writes the index over `model-00001-of-<parts>.safetensors` and its siblings.
  ///
  /// - Throws: `.io` when a part is missing, `.format` when parts do not belong together.
  public static func join(folder: String, parts: Int) throws(TTKitError) {
    guard parts >= 1, parts <= shardLimit else {
      throw .invalidArgument("parts is \(parts), expected 1 to \(shardLimit)")
    }
    // One part is the whole model, which needs no index.
    if parts == 1 {
      let path = joined(folder, "model.safetensors")
      _ = try SafetensorsFile(path: path).manifest(of: .model, verifying: false)
      return
    }
    var index = ShardIndex()
    var seen: Set<String> = []
    for part in 0..<parts {
      let name = shardName(part, of: parts)
      let file = try SafetensorsFile(path: joined(folder, name))
      _ = try file.manifest(of: .model, verifying: false)
      for entry in file.entries {
        guard seen.insert(entry.name).inserted else {
          throw .format("tensor \(entry.name) is in \(name) and in an earlier part")
        }
        index.files.append((entry.name, name))
        index.totalSize += entry.byteCount  // fits: bytes of files
      }
    }
    try index.draft(folder: folder).commit()
  }
}
