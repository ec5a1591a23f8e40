/// What happens to each tensor of a model: the recipe applied, before any work is done.

struct CompressionPlan {
  enum Work {
    case keep(ModelSource.Place)
    case fit(ModelSource.Place, Spec, kind: WeightKind, transpose: Bool)
    /// `place` nil: the source does not hold the weight, which is common for tied ones.
    case tie(ModelSource.Place?, to: String, Spec?, kind: WeightKind)
  }

  struct Task {
    let name: String
    let work: Work
    /// Done with the task before: a bias that its weight's fit changes.
    var follows = false
  }

  /// In the order of the source's files, then ties to weights that the source does not hold.
  private(set) var tasks: [Task] = []

  /// - Throws: `.invalidArgument` for ties that cannot be, for names that collide with ours, and for
  ///   a source that is compressed already.
  init(_ source: ModelSource, _ recipe: Recipe) throws(TTKitError) {
    for file in source.files where file.metadata(Manifest.key) != nil {
      throw .invalidArgument("\(file.path) is compressed already; start from the original model")
    }
    for place in source.tensors {
      tasks.append(
        Task(
          name: place.entry.name,
          work: try CompressionPlan.work(for: place, source, recipe)))
    }
    for rule in recipe.rules where rule.pattern.isName {
      let name = rule.pattern.text
      guard case .tied(let target, let kind) = rule.action, source[name] == nil,
        source[target] != nil
      else { continue }
      try CompressionPlan.checkTie(name, nil, target, source, recipe)
      let task = Task(
        name: name,
        work: .tie(
          nil, to: target, recipe.spec(for: target), kind: kind ?? WeightKind(guessedFrom: name)))
      tasks.append(task)
    }
    try checkNames()
  }

  private static func work(
    for place: ModelSource.Place, _ source: ModelSource, _ recipe: Recipe
  ) throws(TTKitError) -> Work {
    let entry = place.entry
    guard isCompressible(entry) else { return .keep(place) }
    let guessed = WeightKind(guessedFrom: entry.name)
    switch recipe.action(for: entry.name) {
    case .keep: return .keep(place)
    case .compress(let spec, let kind, let transpose):
      return .fit(place, spec, kind: kind ?? guessed, transpose: transpose)
    case .tied(let target, let kind):
      try checkTie(entry.name, place, target, source, recipe)
      return .tie(place, to: target, recipe.spec(for: target), kind: kind ?? guessed)
    }
  }

  /// Matrices of floats; nothing else is ever compressed.
  static func isCompressible(_ entry: SafetensorsEntry) -> Bool {
    let floats: [SafetensorsDType] = [.float16, .bfloat16, .float32, .float64]
    return entry.shape.count == 2 && !entry.shape.contains(0) && floats.contains(entry.dtype)
  }

  /// The target is there, is not tied itself, and holds the same values.
  private static func checkTie(
    _ name: String, _ place: ModelSource.Place?, _ target: String, _ source: ModelSource,
    _ recipe: Recipe
  ) throws(TTKitError) {
    guard let other = source[target] else {
      let hint = nearestName(to: target, in: source.tensors.map(\.entry.name)) ?? "none"
      throw .invalidArgument(
        "weight \(name) is tied to \(target), which the model does not hold; the nearest is \(hint)"
      )
    }
    if case .tied = recipe.action(for: target) {
      throw .invalidArgument("weight \(name) is tied to \(target), which is tied itself")
    }
    guard isCompressible(other.entry) else {
      throw .invalidArgument("weight \(name) is tied to \(target), which is no matrix of floats")
    }
    guard let place else { return }
    let (a, b) = (place.entry, other.entry)
    guard a.dtype == b.dtype, a.shape == b.shape,
      try place.file.crc32c(of: a) == other.file.crc32c(of: b)
    else {
      throw .invalidArgument(
        "weight \(name) differs from \(target), to which the recipe ties it; give it a spec instead"
      )
    }
  }

  /// No tensor has the name of a part that a compressed weight will have.
  private func checkNames() throws(TTKitError) {
    var fitted: Set<String> = []
    for case .fit(let place, _, _, _) in tasks.map(\.work) { fitted.insert(place.entry.name) }
    for task in tasks {
      let words = task.name.split(separator: ".", omittingEmptySubsequences: false)
      guard words.count >= 3, StoredWeight.partNames.contains(String(words[words.count - 2])),
        words[words.count - 1].allSatisfy({ $0.isASCII && $0.isNumber })
      else { continue }
      let owner = words.dropLast(2).joined(separator: ".")
      if fitted.contains(owner) {
        throw .invalidArgument(
          "tensor \(task.name) has the name of a part of the compressed \(owner); rename one")
      }
    }
  }

  /// Only tasks i with i mod parts = part; those that follow go with what they follow.
  mutating func keep(part: Int, of parts: Int) {
    var leader = -1
    tasks = tasks.filter { task in
      if !task.follows { leader += 1 }
      return leader % parts == part
    }
  }

  /// Puts the biases of calibrated weights behind their weights.
  mutating func moveBiases(calibrated: (String) -> Bool) {
    var biases: [String: Task] = [:]
    var owners: [String: String] = [:]
    for task in tasks {
      guard case .fit(_, _, .linear, _) = task.work, calibrated(task.name),
        let bias = biasName(of: task.name)
      else { continue }
      owners[bias] = task.name
    }
    for task in tasks {
      if case .keep = task.work, owners[task.name] != nil {
        biases[task.name] = Task(name: task.name, work: task.work, follows: true)
      }
    }
    tasks = tasks.flatMap { task -> [Task] in
      if biases[task.name] != nil { return [] }
      guard let bias = biasName(of: task.name), owners[bias] == task.name, let moved = biases[bias]
      else { return [task] }
      return [task, moved]
    }
  }
}
