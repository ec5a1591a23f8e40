/// Writing one array from several threads: each piece gets a span of its own.

extension Executor {
  /// This executor, or the calling thread alone when the work is too small to share.
  ///
  /// - Parameter operations: multiplications, about; a million take around 100 microseconds.
  public func fitting(operations: Int) -> Executor {
    operations < 1_000_000 ? .serial : self
  }

  /// Cuts `out` into pieces of `pieceCount` elements (the last may be shorter) and calls
  /// `body(first index, piece)` for each, several at a time.
  public func parallelFill<Element: BitwiseCopyable>(
    _ out: inout MutableSpan<Element>, pieceCount: Int,
    _ body: @Sendable (Int, inout MutableSpan<Element>) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    precondition(pieceCount > 0, "pieces must hold elements")
    let count = out.count
    guard count > 0 else { return }
    let pieces = (count - 1) / pieceCount + 1
    var failure: TTKitError?
    unsafe out.withUnsafeMutableBufferPointer { whole in
      // Pieces are disjoint, and whole stays valid until parallelFor returns.
      let base = unsafe Shared(pointer: whole.baseAddress!)
      do throws(TTKitError) {
        try parallelFor(pieces) { (piece) throws(TTKitError) in
          let first = piece * pieceCount
          // In bounds: first < count, and the piece ends at count at the latest.
          var part = unsafe MutableSpan(
            _unsafeStart: base.pointer + first, count: min(pieceCount, count - first))
          try body(first, &part)
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}

/// A pointer that several threads may use at disjoint places.
@safe
private struct Shared<Element>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
}
