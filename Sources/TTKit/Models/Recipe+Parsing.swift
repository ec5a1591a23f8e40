/// Recipes from JSON, with messages that say where they go wrong.

extension Recipe {
  /// A recipe from JSON text; every spec is checked.
  ///
  /// - Throws: `.invalidArgument` with line and column for malformed JSON, with the pattern for a rule
  ///   that cannot be used.
  public init(parsing text: String) throws(TTKitError) {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValue(parsing: text)
    } catch {
      throw .invalidArgument("the recipe is malformed at \(error.message)")
    }
    guard let object = value.object else {
      throw .invalidArgument(
        "the recipe is \(value.kind), expected an object from name patterns to specs")
    }
    var rules: [Rule] = []
    for member in object.members {
      rules.append(
        Rule(
          pattern: NamePattern(member.key),
          action: try Recipe.action(member.value, pattern: member.key)))
    }
    self.rules = rules
    json = try value.serialized(indent: 2)
  }

  /// A recipe from a file.
  public init(path: String) throws(TTKitError) {
    let file = try ReadableFile(path: path)
    let limit = 16 << 20
    guard file.size <= limit else {
      throw .invalidArgument("\(path) has \(file.size) bytes, a recipe at most \(limit)")
    }
    let bytes = try file.read(UInt8.self, count: file.size, at: 0)
    let text = bytes.withSpan { span in
      String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
    }
    do throws(TTKitError) {
      try self.init(parsing: text)
    } catch {
      if case .invalidArgument(let text) = error { throw .invalidArgument("\(path): \(text)") }
      throw error
    }
  }

  private static func action(
    _ value: JSONValue, pattern: String
  ) throws(TTKitError) -> Action {
    func wrong(_ what: String) -> TTKitError { .invalidArgument("recipe, \"\(pattern)\": \(what)") }
    switch value {
    case .null: return .keep
    case .string(let text): return .compress(try spec(text, wrong), kind: nil, transpose: false)
    case .object(let object): return try action(object, wrong)
    default: throw wrong("\(value.kind), expected a spec, null or an object")
    }
  }

  private static func action(
    _ object: JSONObject, _ wrong: (String) -> TTKitError
  ) throws(TTKitError) -> Action {
    let known = ["spec", "transpose", "kind", "tied"]
    for key in object.keys where !known.contains(key) {
      let nearest = nearestName(to: key, in: known) ?? "spec"
      throw wrong("unknown key \"\(key)\"; the nearest is \"\(nearest)\"")
    }
    var kind: WeightKind?
    if let value = object["kind"] {
      kind = value.string.flatMap(WeightKind.init(rawValue:))
      guard kind != nil else { throw wrong("kind must be \"linear\" or \"embedding\"") }
    }
    if let value = object["tied"] {
      guard let target = value.string else {
        throw wrong("tied is \(value.kind), expected the name of a weight")
      }
      guard object["spec"] == nil, object["transpose"] == nil else {
        throw wrong("tied weights take spec and transpose from \"\(target)\"; leave them out")
      }
      return .tied(to: target, kind: kind)
    }
    guard let value = object["spec"] else { throw wrong("expected \"spec\" or \"tied\"") }
    guard let text = value.string else {
      throw wrong("spec is \(value.kind), expected a string such as \"dense@int8(group=64)\"")
    }
    var transpose = false
    if let value = object["transpose"] {
      guard let given = value.bool else {
        throw wrong("transpose is \(value.kind), expected true or false")
      }
      transpose = given
    }
    return .compress(try spec(text, wrong), kind: kind, transpose: transpose)
  }

  private static func spec(
    _ text: String, _ wrong: (String) -> TTKitError
  ) throws(TTKitError) -> Spec {
    do throws(TTKitError) {
      return try Spec(parsing: text)
    } catch {
      throw wrong(error.message)
    }
  }
}
