/// A compressed weight as files describe it: one member of "weights" in docs/format.md.

struct StoredWeight: Sendable {
  let name: String
  let kind: WeightKind
  let spec: Spec
  let rows: Int
  let columns: Int
  /// Of the original weight.
  let dtype: DType
  let coreShapes: [[Int]]
  let error: Double
  let bias: String?
  let transpose: Bool

  /// Names of the arrays a core may consist of, in the order storages have them.
  static let partNames = [
    "core", "codes", "scales", "zeros", "codebook", "columns", "offsets",
  ]

  static func partName(_ weight: String, _ part: String, _ core: Int) -> String {
    "\(weight).\(part).\(core)"
  }

  /// Bytes of the dense original; fits, since init checks it.
  var denseByteCount: Int { rows * columns * dtype.size }

  init(
    name: String, kind: WeightKind, matrix: CompressedMatrix, dtype: DType, bias: String?,
    transpose: Bool
  ) {
    self.name = name
    self.kind = kind
    spec = matrix.spec
    rows = matrix.rows
    columns = matrix.columns
    self.dtype = dtype
    coreShapes = matrix.cores.map(\.shape)
    error = matrix.error
    self.bias = bias
    self.transpose = transpose
  }

  /// The members of the JSON object.
  var json: JSONValue {
    var object: JSONObject = [
      "kind": .string(kind.rawValue), "spec": .string(spec.description),
      "shape": .integers([rows, columns]), "dtype": .string(dtype.name),
      "cores": .array(coreShapes.map(JSONValue.integers)),
      "error": error.isFinite ? .number(error) : .null,
    ]
    object["bias"] = bias.map(JSONValue.string)
    if transpose { object["transpose"] = .bool(true) }
    return .object(object)
  }

  /// - Throws: `.format` that says what is wrong; unknown members are ignored.
  init(name: String, json object: JSONObject) throws(TTKitError) {
    func wrong(_ what: String) -> TTKitError { .format("weight \(name): \(what)") }
    self.name = name
    guard let kind = object["kind"]?.string.flatMap(WeightKind.init(rawValue:)) else {
      throw wrong("kind is neither linear nor embedding")
    }
    self.kind = kind
    guard let text = object["spec"]?.string else { throw wrong("there is no spec") }
    do throws(TTKitError) {
      spec = try Spec(parsing: text)
    } catch {
      throw error.inFile("weight \(name)")
    }
    guard let shape = object["shape"]?.integers, shape.count == 2, shape.allSatisfy({ $0 > 0 })
    else {
      throw wrong("shape is not two lengths of at least 1")
    }
    (rows, columns) = (shape[0], shape[1])
    guard let dtype = DType.allCases.first(where: { $0.name == object["dtype"]?.string }) else {
      throw wrong("dtype is unknown")
    }
    self.dtype = dtype
    do throws(TTKitError) {
      _ = try checkedProduct(shape + [MemoryLayout<Double>.stride])  // however it is decoded
    } catch {
      throw error.inFile("weight \(name)")
    }
    var shapes: [[Int]] = []
    for value in object["cores"]?.array ?? [] {
      guard let shape = value.integers, shape.allSatisfy({ $0 >= 0 }), shape.count <= 64 else {
        throw wrong("cores holds \(value.kind) that is no shape")
      }
      shapes.append(shape)
    }
    guard !shapes.isEmpty else { throw wrong("there are no cores") }
    coreShapes = shapes
    error = object["error"]?.number ?? .nan
    bias = object["bias"]?.string
    transpose = object["transpose"]?.bool ?? false
  }

  /// The stored arrays of each core; nothing is read.
  /// - Throws: `.format` when a core has none.
  func entries(in file: SafetensorsFile) throws(TTKitError) -> [[(part: String, SafetensorsEntry)]]
  {
    var cores: [[(part: String, SafetensorsEntry)]] = []
    for k in coreShapes.indices {
      let found = StoredWeight.partNames.compactMap { part in
        file.entry(StoredWeight.partName(name, part, k)).map { (part, $0) }
      }
      guard !found.isEmpty else {
        throw .format("\(file.path): weight \(name) has no tensors for its core \(k)")
      }
      cores.append(found)
    }
    return cores
  }

  /// Reads the cores.
  /// - Throws: `.format` when they do not fit the spec and the shape.
  func matrix(in file: SafetensorsFile) throws(TTKitError) -> CompressedMatrix {
    do throws(TTKitError) {
      var groups: [[StoragePart]] = []
      for core in try entries(in: file) {
        var parts: [StoragePart] = []
        for (part, entry) in core {
          guard let dtype = entry.dtype.dtype else {
            throw .format("tensor \(entry.name) has the dtype \(entry.dtype.rawValue)")
          }
          parts.append(
            StoragePart(
              name: part, dtype: dtype, shape: entry.shape, bytes: try file.bytes(of: entry)))
        }
        groups.append(parts)
      }
      return try CompressedMatrix.make(
        spec, rows: rows, columns: columns, coreShapes: coreShapes, parts: groups, error: error)
    } catch {
      throw error.inFile("\(file.path), weight \(name)")
    }
  }
}
