/// The names of a model, from the tensors and the descriptions of its files.

struct ModelItems {
  private var items: [Model.Item] = []

  /// All items, in byte order of names.
  var sorted: [Model.Item] { items.sorted { byteOrder($0.name, $1.name) } }

  /// - Throws: `.format` when descriptions and tensors do not agree, `.version`.
  init(_ source: ModelSource, verifying: Bool) throws(TTKitError) {
    var parts: Set<String> = []
    for file in source.files {
      guard let manifest = try file.manifest(verifying: verifying) else { continue }
      let kind = manifest["kind"]?.string.flatMap(Manifest.Kind.init(rawValue:))
      guard kind == .model || kind == .layer else {
        throw .format(
          "\(file.path) holds a \(manifest["kind"]?.string ?? "nothing"), expected a model")
      }
      for member in manifest["weights"]?.object?.members ?? [] {
        let content = try ModelItems.content(member, file)
        if case .compressed(let weight, _) = content {
          for (_, entry) in try weight.entries(in: file).joined() { parts.insert(entry.name) }
        }
        items.append(Model.Item(name: member.key, content: content))
      }
    }
    for place in source.tensors where !parts.contains(place.entry.name) {
      items.append(Model.Item(name: place.entry.name, content: .plain(place)))
    }
    try check()
  }

  private static func content(
    _ member: JSONObject.Member, _ file: SafetensorsFile
  ) throws(TTKitError) -> Model.Item.Content {
    guard let object = member.value.object else {
      throw .format("\(file.path): weight \(member.key) is \(member.value.kind)")
    }
    if let target = object["tied"]?.string {
      let kind = object["kind"]?.string.flatMap(WeightKind.init(rawValue:))
      return .tied(to: target, kind: kind ?? WeightKind(guessedFrom: member.key))
    }
    do throws(TTKitError) {
      return .compressed(try StoredWeight(name: member.key, json: object), in: file)
    } catch {
      throw error.inside(file.path)
    }
  }

  /// Names are unique, and ties lead to weights that are not tied.
  private func check() throws(TTKitError) {
    var contents: [String: Model.Item.Content] = [:]
    for item in items {
      guard contents.updateValue(item.content, forKey: item.name) == nil else {
        throw .format("the model has two weights called \(item.name)")
      }
    }
    for item in items {
      guard case .tied(let target, _) = item.content else { continue }
      switch contents[target] {
      case .compressed, .plain: break
      case .tied: throw .format("weight \(item.name) is tied to \(target), which is tied itself")
      case nil:
        throw .format("weight \(item.name) is tied to \(target), which no opened file holds")
      }
    }
  }
}
