/// What went wrong, with the numbers that matter: every throwing function of the core throws this.
///
/// A message says what was found, what was expected and what to try.
public enum TTKitError: Error, Equatable {
  /// A value, shape or text that cannot be used; the sentence says which and why.
  case invalidArgument(String)
  /// An unknown, mixed or unsupported dtype.
  case unsupportedDType(String)
  /// A product of sizes exceeds what an `Int` holds.
  case sizeOverflow(String)
  case outOfMemory(bytes: Int)
  /// NaN or infinity in the input.
  case nonFinite(String)
  /// An iteration gave no usable result.
  case notConverged(String)
  /// A callback stopped the call before there was a result.
  case cancelled(String)
  /// The system refused a read or a write.
  case io(String)
  /// Not one of our files, or a damaged one.
  case format(String)
  /// Made by, or for, a newer library.
  case version(String)
  /// A defect in this library.
  case `internal`(String)

  /// The sentence for people.
  public var message: String {
    switch self {
    case .invalidArgument(let text), .unsupportedDType(let text), .sizeOverflow(let text),
      .nonFinite(let text), .notConverged(let text), .cancelled(let text), .io(let text),
      .format(let text), .version(let text), .internal(let text):
      return text
    case .outOfMemory(let bytes):
      return "no memory for \(bytes) bytes; try smaller sizes or free some memory"
    }
  }
}
