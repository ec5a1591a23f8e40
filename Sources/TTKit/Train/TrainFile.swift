/// Trains and train matrices in safetensors files, as docs/format.md describes them.

/// A file that holds one train or train matrix, opened and verified.
public struct TrainFile {
  private let file: SafetensorsFile
  private let fields: JSONObject
  private let kind: Manifest.Kind
  /// The dtype of the cores.
  public let dtype: DType

  /// - Parameter kind: `.train` or `.trainMatrix`.
  /// - Throws: `.io`, `.format` for anything but a sound file of that kind, `.version`.
  public init(path: String, kind: Manifest.Kind) throws(TTKitError) {
    file = try SafetensorsFile(path: path)
    fields = try file.manifest(of: kind)
    self.kind = kind
    let name = fields["dtype"]?.string
    let known: [DType] = [.float32, .float64, .complex64, .complex128]
    guard let dtype = known.first(where: { $0.name == name }) else {
      throw .format(
        "\(path) has the dtype \(name ?? "nothing"), expected float32, float64, complex64 or"
          + " complex128")
    }
    self.dtype = dtype
  }

  /// The error of the truncation that made the cores; 0 when the file does not say.
  fileprivate var error: Double {
    let value = fields["error"]?.number ?? 0
    return value.isFinite && value >= 0 ? value : 0
  }

  /// The cores, whose modes are given by the lists under `modes`, one length each per core.
  fileprivate func cores<T: Scalar>(
    _ type: T.Type, modes: [String]
  ) throws(TTKitError) -> [Tensor<T>] {
    let lists = try modes.map { (name) throws(TTKitError) in try integers(name) }
    let ranks = try integers("ranks")
    let order = ranks.count - 1
    guard order >= 1, lists.allSatisfy({ $0.count == order }) else {
      throw .format("\(file.path): \(modes.joined(separator: ", ")) and ranks do not fit")
    }
    var cores: [Tensor<T>] = []
    for k in 0..<order {
      try cores.append(core(k, [ranks[k]] + lists.map { $0[k] } + [ranks[k + 1]]))
    }
    return cores
  }

  private func integers(_ name: String) throws(TTKitError) -> [Int] {
    guard let values = fields[name]?.integers, values.allSatisfy({ $0 >= 1 }) else {
      throw .format("\(file.path): \(name) is missing or no list of lengths of at least 1")
    }
    return values
  }

  /// Checks the tensor's description against the metadata before it reads anything.
  private func core<T: Scalar>(_ k: Int, _ shape: [Int]) throws(TTKitError) -> Tensor<T> {
    let name = "\(kind.rawValue).core.\(k)"
    guard let entry = file.entry(name) else {
      throw .format("\(file.path) has no tensor \(name)")
    }
    let expected = storedShape(shape, T.dtype)
    guard entry.dtype == SafetensorsDType(storing: T.dtype), entry.shape == expected else {
      throw .format(
        "\(file.path): tensor \(name) is \(entry.dtype.rawValue) of shape \(describe(entry.shape)),"
          + " expected shape \(describe(expected)) of \(T.dtype.name)")
    }
    return try withView(of: file.bytes(of: entry), dtype: T.dtype, shape: shape) {
      (view) throws(TTKitError) in try view.copied(as: T.self)
    }
  }

  /// The same error, said of this file.
  fileprivate func blamed(_ error: TTKitError) -> TTKitError { error.inFile(file.path) }
}

/// Complex numbers are stored as pairs of floats: one more axis.
private func storedShape(_ shape: [Int], _ dtype: DType) -> [Int] {
  dtype == .complex64 || dtype == .complex128 ? shape + [2] : shape
}

/// Writes cores and fields; nothing is left behind when that fails.
private func writeCores<T: Scalar>(
  _ cores: [Tensor<T>], kind: Manifest.Kind, fields: JSONObject, to path: String
) throws(TTKitError) {
  let writer = try SafetensorsWriter(path: path)
  for (k, core) in cores.enumerated() {
    try writer.add(
      name: "\(kind.rawValue).core.\(k)", dtype: SafetensorsDType(storing: T.dtype),
      shape: storedShape(core.shape, T.dtype)
    ) { (append) throws(TTKitError) in try core.withBytes(append) }
  }
  try writer.write(kind: kind, fields: fields)
}

extension TensorTrain {
  /// Writes a file of kind `train`. The same train gives the same bytes.
  public func save(to path: String) throws(TTKitError) {
    try writeCores(
      cores, kind: .train,
      fields: [
        "dtype": .string(T.dtype.name), "shape": .integers(shape), "ranks": .integers(ranks),
        "error": .number(error),
      ], to: path)
  }

  /// - Throws: `.format` when the file's parts do not make a train.
  public init(_ file: TrainFile) throws(TTKitError) {
    do throws(TTKitError) {
      try self.init(cores: file.cores(T.self, modes: ["shape"]), error: file.error)
    } catch {
      throw file.blamed(error)
    }
  }
}

extension TrainMatrix {
  /// Writes a file of kind `train_matrix`. The same matrix gives the same bytes.
  public func save(to path: String) throws(TTKitError) {
    try writeCores(
      cores, kind: .trainMatrix,
      fields: [
        "dtype": .string(T.dtype.name), "row_shape": .integers(rows),
        "column_shape": .integers(columns), "ranks": .integers(ranks), "error": .number(error),
      ], to: path)
  }

  /// - Throws: `.format` when the file's parts do not make a train matrix.
  public init(_ file: TrainFile) throws(TTKitError) {
    do throws(TTKitError) {
      try self.init(
        cores: file.cores(T.self, modes: ["row_shape", "column_shape"]), error: file.error)
    } catch {
      throw file.blamed(error)
    }
  }
}
