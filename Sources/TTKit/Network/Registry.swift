/// The one list of formats and storages. A new one is a line here and its own files.

enum Registry {
  static let formats: [any Format.Type] = [
    Dense.self, LowRank.self, TrainLinear.self, TrainMatrixFormat.self,
    BlockTensorTrain.self, Monarch.self, Kronecker.self, CP.self, TuckerLinear.self,
    HierarchicalTuckerLinear.self, TokenTrain.self,
    Rotation.self, Kashin.self, Sparse.self,
  ]

  static let storages: [any Storage.Type] = [
    Float64Storage.self, Float32Storage.self, Float16Storage.self, BFloat16Storage.self,
    IntegerStorage.self, KMeansStorage.self, VectorStorage.self,
  ]

  /// The format a call names, with its arguments checked.
  static func format(_ call: Spec.Call) throws(TTKitError) -> any Format {
    guard let type = formats.first(where: { $0.name == call.name }) else {
      throw unknown("format", call, formats.map { $0.name })
    }
    var arguments = SpecArguments(call)
    let format = try type.init(&arguments)
    try arguments.finish(known: arguments.known)
    return format
  }

  /// The storage a call names, with its arguments checked.
  static func storage(_ call: Spec.Call) throws(TTKitError) -> any Storage {
    guard let type = storages.first(where: { $0.names.contains(call.name) }) else {
      throw unknown("storage", call, storages.flatMap { $0.names })
    }
    var arguments = SpecArguments(call)
    let storage = try type.init(name: call.name, &arguments)
    try arguments.finish(known: arguments.known)
    return storage
  }

  private static func unknown(
    _ what: String, _ call: Spec.Call, _ names: [String]
  ) -> TTKitError {
    let hint =
      nearestName(to: call.name, in: names).map { "the nearest is \($0)" }
      ?? "expected one of \(names.joined(separator: ", "))"
    return .invalidArgument(
      "spec, character \(call.position): unknown \(what) '\(call.name)'; \(hint)")
  }
}
