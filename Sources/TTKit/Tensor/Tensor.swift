/// Dense arrays, the currency between algorithms.

/// A compact row-major array: shape and shared, immutable elements.
///
/// A value: copies share memory, nothing writes to it after `init`. Reshaping costs nothing.
public struct Tensor<Element: BitwiseCopyable>: Sendable {
  public let shape: [Int]
  let storage: Storage

  /// The buffer behind one or more tensors.
  final class Storage: Sendable {
    let buffer: Buffer<Element>
    init(_ buffer: consuming Buffer<Element>) { self.buffer = buffer }
  }

  /// Takes a buffer that holds exactly the elements of `shape`.
  public init(shape: [Int], buffer: consuming Buffer<Element>) {
    // A product of this size exists in memory, so it does not overflow.
    precondition(shape.reduce(1, &*) == buffer.count, "buffer does not match its shape")
    self.shape = shape
    storage = Storage(buffer)
  }

  /// Makes a tensor and lets `fill` write its elements, which are unspecified before (0 if `zeroed`).
  /// - Throws: `.sizeOverflow`, `.outOfMemory`, and what `fill` throws.
  public init(
    shape: [Int], zeroed: Bool = false,
    fill: (inout MutableSpan<Element>) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    var buffer = try Buffer<Element>(count: checkedProduct(shape), zeroed: zeroed)
    try buffer.withMutableSpan { (span) throws(TTKitError) in try fill(&span) }
    self.init(shape: shape, buffer: buffer)
  }

  public var count: Int { storage.buffer.count }
  public var byteCount: Int { storage.buffer.byteCount }

  /// Calls `body` with the elements in row-major order.
  public func withSpan<R, E: Error>(_ body: (Span<Element>) throws(E) -> R) throws(E) -> R {
    try storage.buffer.withSpan(body)
  }

  /// The same elements under another shape of equal count.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, &*) == count, "reshape changes the number of elements")
    return Tensor(shape: shape, storage: storage)
  }

  private init(shape: [Int], storage: Storage) {
    self.shape = shape
    self.storage = storage
  }
}

extension Tensor {
  /// All elements as an array: for small tensors and tests.
  public var elements: [Element] {
    withSpan { span in span.indices.map { span[$0] } }
  }

  /// A tensor of the given elements: for small tensors and tests.
  public init(shape: [Int], elements: [Element]) throws(TTKitError) {
    guard try checkedProduct(shape) == elements.count else {
      throw .invalidArgument(
        "\(elements.count) elements do not fill the shape \(describe(shape))")
    }
    try self.init(shape: shape) { span in
      for i in elements.indices { span[i] = elements[i] }
    }
  }

  /// Element by element conversion.
  public func map<Other: BitwiseCopyable>(
    _ transform: (Element) -> Other
  ) throws(TTKitError) -> Tensor<Other> {
    try Tensor<Other>(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in
        for i in span.indices { out[i] = transform(span[i]) }
      }
    }
  }
}

extension Tensor where Element: Scalar {
  /// Rows of the tensor seen as a matrix whose columns are the last `axes` axes.
  public func matrix(lastAxes axes: Int) -> Tensor {
    let columns = shape.suffix(axes).reduce(1, *)  // no overflow: the elements exist
    let rows = shape.dropLast(axes).reduce(1, *)
    return reshaped([rows, columns])
  }

  /// The identity matrix.
  public static func identity(_ n: Int) throws(TTKitError) -> Tensor {
    try Tensor(shape: [n, n], zeroed: true) { span in
      for i in 0..<n { span[i * n + i] = .one }
    }
  }
}
