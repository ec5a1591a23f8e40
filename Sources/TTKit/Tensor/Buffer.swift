/// Owned, aligned memory that reports when there is none.
internal import CTTKKernels

/// Memory for `count` elements, 64-byte aligned, owned by exactly one value.
///
/// Every tensor-sized piece of memory is a `Buffer`: unlike `Array`, which ends the process when memory
/// runs out, it throws ``TTKitError/outOfMemory(bytes:)``.
@safe
public struct Buffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  public let count: Int
  /// First element; valid while the buffer lives.
  let base: UnsafeMutablePointer<Element>
  /// False for somebody else's memory, which a result must not keep.
  let isOwned: Bool

  /// - Parameters:
  ///   - count: number of elements, at least 0.
  ///   - zeroed: all bytes 0; otherwise contents are unspecified.
  ///   - tail: elements past the last one that may be read, though they mean nothing.
  /// - Throws: `.sizeOverflow` if the byte count exceeds `Int`, else `.outOfMemory`.
  public init(count: Int, zeroed: Bool = false, tail: Int = 0) throws(TTKitError) {
    guard count >= 0 else { throw .invalidArgument("count is \(count), expected at least 0") }
    let stride = MemoryLayout<Element>.stride
    let (length, long) = count.addingReportingOverflow(tail)
    let (bytes, overflow) = length.multipliedReportingOverflow(by: stride)
    guard !long, !overflow else {
      throw .sizeOverflow("\(count) elements of \(stride) bytes exceed the address space")
    }
    guard let raw = unsafe ttkk_allocate(bytes, zeroed ? 1 : 0) else {
      throw .outOfMemory(bytes: bytes)
    }
    self.count = count
    unsafe base = raw.bindMemory(to: Element.self, capacity: count)
    isOwned = true
  }

  /// Somebody else's memory, which must outlive the buffer and is not freed.
  init(borrowing base: UnsafeMutablePointer<Element>, count: Int) {
    unsafe self.base = base
    self.count = count
    isOwned = false
  }

  deinit { if isOwned { unsafe ttkk_free(base) } }

  /// Bytes in use.
  public var byteCount: Int { count * MemoryLayout<Element>.stride }

  /// Calls `body` with the elements; bounds are checked on every access through the span.
  public func withSpan<R, E: Error>(_ body: (Span<Element>) throws(E) -> R) throws(E) -> R {
    // In bounds: base holds exactly count elements.
    try body(unsafe Span(_unsafeStart: base, count: count))
  }

  /// Calls `body` with the elements for writing.
  public mutating func withMutableSpan<R, E: Error>(
    _ body: (inout MutableSpan<Element>) throws(E) -> R
  ) throws(E) -> R {
    // In bounds: base holds exactly count elements.
    var span = unsafe MutableSpan(_unsafeStart: base, count: count)
    return try body(&span)
  }
}
