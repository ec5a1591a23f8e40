/// What a storage must provide. A new storage is a file here and a line in Registry.

/// How the numbers of one core are held. A storage never changes the equation.
public protocol Storage: Sendable {
  /// Names in spec strings.
  static var names: [String] { get }

  /// Takes its arguments from a spec and checks them.
  init(name: String, _ arguments: inout SpecArguments) throws(TTKitError)

  /// The call that makes this storage again.
  var call: Spec.Call { get }

  /// dtype of computing with decoded cores: float64 only where the storage holds float64.
  var computeDType: DType { get }

  /// Encodes a finite core.
  /// - Throws: `.nonFinite` where a value exceeds what the storage can hold.
  func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart]

  /// Names, dtypes and shapes of the parts of a core of this shape, in order: for reading files.
  func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout]

  /// Checks what a part says about others: indices of a file. Parts have the layout of this shape.
  /// - Throws: `.format`.
  func check(_ parts: [StoragePart], shape: [Int]) throws(TTKitError)

  /// Elements `range` of a core of shape `shape`, in row-major order, to the start of `out`.
  ///
  /// - Precondition: parts have the layout of this shape; range is within the core; out is as long.
  func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>)
}

extension Storage {
  public func check(_ parts: [StoragePart], shape: [Int]) throws(TTKitError) {}
}

/// One array of an encoded core, as it stands in files.
public struct StoragePart: Sendable {
  /// What a part is: its name in files, its dtypes, its shape.
  public struct Layout: Sendable, Equatable {
    public let name: String
    /// dtypes the part may have; encoding chooses the first that fits.
    public let dtypes: [DType]
    public let shape: [Int]
  }

  public let name: String
  public let dtype: DType
  public let shape: [Int]
  /// Little-endian elements in row-major order.
  public let bytes: Tensor<UInt8>

  public init(name: String, dtype: DType, shape: [Int], bytes: Tensor<UInt8>) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
  }
}

/// A core in its storage.
public struct EncodedCore: Sendable {
  public let shape: [Int]
  public let storage: any Storage
  public let parts: [StoragePart]

  /// Encodes a core.
  public init<T: RealScalar>(_ core: Tensor<T>, storage: any Storage) throws(TTKitError) {
    shape = core.shape
    self.storage = storage
    parts = try storage.encode(core)
  }

  /// Encodes a matrix whose inputs have this moment, with error compensation where the storage can.
  init<T: RealScalar>(
    compensating matrix: Tensor<T>, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) {
    guard storage is any ColumnStorage else {
      try self.init(matrix, storage: storage)
      return
    }
    let single = try matrix.converted(to: Float.self)
    guard single.isFinite else {
      throw .nonFinite("a value exceeds the largest float32; \(storage.call) cannot hold it")
    }
    try self.init(
      shape: matrix.shape, storage: storage,
      parts: Compensation.encode(single, storage, moment))
  }

  /// A core from the parts of a file.
  /// - Throws: `.format` when a part is missing or has another dtype or shape.
  public init(
    shape: [Int], storage: any Storage, parts: [StoragePart]
  ) throws(TTKitError) {
    let layout = try storage.layout(shape)
    guard parts.map(\.name) == layout.map(\.name) else {
      throw .format("a core has the parts \(parts.map(\.name)), expected \(layout.map(\.name))")
    }
    for (part, wanted) in zip(parts, layout) {
      guard wanted.dtypes.contains(part.dtype), part.shape == wanted.shape,
        part.bytes.count == (try checkedProduct(part.shape + [part.dtype.size]))
      else {
        throw .format(
          "part \(part.name) is \(part.dtype.name) \(describe(part.shape)), "
            + "expected \(wanted.dtypes[0].name) \(describe(wanted.shape))")
      }
    }
    try storage.check(parts, shape: shape)
    self.shape = shape
    self.storage = storage
    self.parts = parts
  }

  /// Bytes as stored.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.bytes.count } }

  /// All values.
  public func decoded<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> Tensor<T> {
    try Tensor<T>(shape: shape) { out in
      storage.decode(parts, shape: shape, range: 0..<out.count, into: &out)
    }
  }
}
