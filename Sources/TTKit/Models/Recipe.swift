/// Recipes: which weight of a model becomes what.

/// What a compressed weight is used as.
public enum WeightKind: String, Sendable {
  case linear
  case embedding

  /// The kind that a weight's name tells; linear unless it speaks of embeddings.
  init(guessedFrom name: String) {
    let words = name.split { $0 == "." || $0 == "_" || $0 == "/" }
    let embedding = words.contains {
      $0.hasPrefix("embed") || $0 == "wte" || $0 == "wpe" || $0 == "shared"
    }
    self =
      embedding && !words.contains("proj") && !words.contains("projection")
      ? .embedding : .linear
  }
}

/// Patterns of weight names with what to do, in order; the first that matches a name wins.
public struct Recipe: Sendable {
  public enum Action: Sendable, Equatable {
    /// The weight stays as it is.
    case keep
    /// `transpose`: the checkpoint stores (in, out). `kind` nil: the name tells.
    case compress(Spec, kind: WeightKind?, transpose: Bool)
    /// The same matrix as another weight, stored once.
    case tied(to: String, kind: WeightKind?)
  }

  struct Rule: Sendable {
    let pattern: NamePattern
    let action: Action
  }

  let rules: [Rule]
  /// The recipe as JSON.
  public let json: String

  /// What happens to the weight of this name; without a matching pattern it stays as it is.
  public func action(for name: String) -> Action {
    rules.first { $0.pattern.matches(name) }?.action ?? .keep
  }

  /// The spec that the weight of this name gets, through one tie; nil when it stays as it is.
  public func spec(for name: String) -> Spec? {
    switch action(for: name) {
    case .keep: return nil
    case .compress(let spec, _, _): return spec
    case .tied(let target, _):
      if case .compress(let spec, _, _) = action(for: target) { return spec }
      return nil
    }
  }

  /// Recipes that come with the library, by name.
  private static let builtins: [(name: String, json: String)] = [
    (
      "default",
      """
      {
        "*token_type_embeddings.weight": null,
        "*norm*.weight": null,
        "*Norm*.weight": null,
        "*.weight": "dense@int8(group=64)"
      }
      """
    ),
    (
      "encoder",
      """
      {
        "*token_type_embeddings.weight": null,
        "*norm*.weight": null,
        "*Norm*.weight": null,
        "*word_embeddings.weight": "dense@int4(group=row)",
        "*position_embeddings.weight": "dense@int8(group=64)",
        "*.weight": "dense@int4(group=64)"
      }
      """
    ),
  ]

  /// A recipe that comes with the library: "default", int8 in groups of 64 for any transformer;
  /// "encoder", 4 bits, for BERT-type sentence encoders with calibration.
  public init(builtin name: String) throws(TTKitError) {
    guard let found = Recipe.builtins.first(where: { $0.name == name }) else {
      let names = Recipe.builtins.map(\.name).joined(separator: ", ")
      throw .invalidArgument("there is no recipe called \(name); built in: \(names)")
    }
    try self.init(parsing: found.json)
  }
}
