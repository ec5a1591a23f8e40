/// Opened models: names, reports, layers and tensors, read when asked for.
internal import Synchronization

/// A model in safetensors files, compressed or plain. Never changes; any number of threads may use it.
public final class Model: Sendable {
  /// One name of the model and what lies behind it.
  struct Item: Sendable {
    enum Content: Sendable {
      case plain(ModelSource.Place)
      case compressed(StoredWeight, in: SafetensorsFile)
      case tied(to: String, kind: WeightKind)
    }
    let name: String
    let content: Content
  }

  /// What has been read; kept as long as the model, since views and layers point to it.
  private struct Cache {
    var matrices: [String: CompressedMatrix] = [:]
    var tensors: [String: Tensor<UInt8>] = [:]
  }

  let items: [Item]
  private let positions: [String: Int]
  private let cache = Mutex(Cache())
  /// Bytes of all weights as stored.
  public let byteCount: Int

  /// Opens a safetensors file, a folder of them, or an index of shards.
  ///
  /// - Parameter verifying: checks the checksums of compressed files, which reads them once.
  /// - Throws: `.io`, `.format`, `.version`.
  public init(path: String, verifying: Bool = true) throws(TTKitError) {
    let source = try ModelSource(path: path)
    items = try ModelItems(source, verifying: verifying).sorted
    var positions: [String: Int] = [:]
    for (i, item) in items.enumerated() { positions[item.name] = i }
    self.positions = positions
    byteCount = source.tensors.reduce(0) { $0 + $1.entry.byteCount }  // at most the files' bytes
  }

  public var count: Int { items.count }

  /// Names in byte order.
  public var names: [String] { items.map(\.name) }

  /// Name of weight `i`, 0 <= i < count.
  public func name(_ i: Int) -> String { items[i].name }

  /// What is known of weight `i`, 0 <= i < count.
  public func report(_ i: Int) throws(TTKitError) -> WeightReport {
    guard items.indices.contains(i) else {
      throw .invalidArgument("there is no weight \(i); the model has \(items.count)")
    }
    return try report(items[i])
  }

  private func report(_ item: Item) throws(TTKitError) -> WeightReport {
    switch item.content {
    case .plain(let place):
      return WeightReport(
        name: item.name, spec: nil, shape: place.entry.shape,
        byteCountBefore: place.entry.byteCount, byteCount: place.entry.byteCount, error: 0,
        seconds: 0, kind: nil)
    case .compressed(let weight, let file):
      let bytes = try weight.entries(in: file).joined().reduce(0) { $0 + $1.1.byteCount }
      return WeightReport(
        name: item.name, spec: weight.spec.description, shape: [weight.rows, weight.columns],
        byteCountBefore: weight.denseByteCount, byteCount: bytes, error: weight.error, seconds: 0,
        kind: weight.kind)
    case .tied(let target, let kind):
      let other = try report(try self.item(target))
      return WeightReport(
        name: item.name, spec: other.spec, shape: other.shape, byteCountBefore: 0, byteCount: 0,
        error: other.error, seconds: 0, kind: kind)
    }
  }

  /// - Throws: `.invalidArgument` that suggests the nearest name.
  func item(_ name: String) throws(TTKitError) -> Item {
    if let position = positions[name] { return items[position] }
    let hint = nearestName(to: name, in: names).map { "; the nearest is \($0)" } ?? ""
    throw .invalidArgument("the model has no weight \(name)\(hint)")
  }

  /// The bytes of an untouched tensor, which live as long as the model, its dtype and shape.
  public func tensor(
    _ name: String
  ) throws(TTKitError) -> (bytes: Tensor<UInt8>, dtype: DType, shape: [Int]) {
    switch try item(name).content {
    case .plain(let place):
      guard let dtype = place.entry.dtype.dtype else {
        throw .unsupportedDType(
          "tensor \(name) has the dtype \(place.entry.dtype.rawValue), which has no ttk_dtype")
      }
      if let found = cache.withLock({ $0.tensors[name] }) {
        return (found, dtype, place.entry.shape)
      }
      let read = try place.file.bytes(of: place.entry)
      // Another thread may have been first: then its copy is the one that lives.
      let kept = cache.withLock { cache in
        if let found = cache.tensors[name] { return found }
        cache.tensors[name] = read
        return read
      }
      return (kept, dtype, place.entry.shape)
    case .compressed, .tied:
      throw .invalidArgument(
        "weight \(name) is compressed; ask for its layer, ttk_model_linear or ttk_model_embedding")
    }
  }

  /// The matrix of a weight; a plain tensor of two axes becomes a dense one that loses nothing.
  public func matrix(_ name: String) throws(TTKitError) -> CompressedMatrix {
    let item = try self.item(name)
    if case .tied(let target, _) = item.content { return try matrix(target) }
    if let found = cache.withLock({ $0.matrices[name] }) { return found }
    let read: CompressedMatrix
    switch item.content {
    case .compressed(let weight, let file): read = try weight.matrix(in: file)
    case .plain(let place): read = try dense(place)
    case .tied: throw .internal("weight \(name) is tied to a tied weight")
    }
    return cache.withLock { cache in
      if let found = cache.matrices[name] { return found }
      cache.matrices[name] = read
      return read
    }
  }

  private func dense(_ place: ModelSource.Place) throws(TTKitError) -> CompressedMatrix {
    let entry = place.entry
    guard entry.shape.count == 2, let dtype = entry.dtype.dtype else {
      throw .invalidArgument(
        "tensor \(entry.name) is \(entry.dtype.rawValue) of shape \(describe(entry.shape)); a layer "
          + "needs a matrix of floats")
    }
    do throws(TTKitError) {
      return try withView(of: place.file.bytes(of: entry), dtype: dtype, shape: entry.shape) {
        (view) throws(TTKitError) in try CompressedMatrix.fit(view, spec: Spec(parsing: "dense"))
      }
    } catch {
      throw error.inside("tensor \(entry.name)")
    }
  }

  /// The bias that belongs to a weight; nil when there is none.
  public func bias(_ name: String) throws(TTKitError) -> Bias? {
    var candidate: String?
    switch try item(name).content {
    case .compressed(let weight, _): candidate = weight.bias
    case .plain, .tied: candidate = biasName(of: name)
    }
    guard let candidate, let position = positions[candidate],
      case .plain(let place) = items[position].content, place.entry.shape.count == 1
    else { return nil }
    let (bytes, dtype, shape) = try tensor(candidate)
    return try withView(of: bytes, dtype: dtype, shape: shape) { (view) throws(TTKitError) in
      try Bias(view)
    }
  }

  /// The layer of a weight, with the bias beside it.
  public func linear(_ name: String) throws(TTKitError) -> Linear {
    try Linear(matrix: matrix(name), bias: bias(name))
  }

  /// The embedding whose table is a weight.
  public func embedding(_ name: String) throws(TTKitError) -> Embedding {
    try Embedding(matrix: matrix(name))
  }
}

/// The name of the bias beside a weight: "x.bias" for "x.weight".
func biasName(of weight: String) -> String? {
  guard weight.hasSuffix(".weight") else { return nil }
  return weight.dropLast("weight".count) + "bias"
}
