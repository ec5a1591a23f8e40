/// Errors that say which part of a model they are about.

extension TTKitError {
  /// The same error with words before its sentence.
  func inside(_ place: String) -> TTKitError {
    switch self {
    case .invalidArgument(let text): return .invalidArgument("\(place): \(text)")
    case .unsupportedDType(let text): return .unsupportedDType("\(place): \(text)")
    case .sizeOverflow(let text): return .sizeOverflow("\(place): \(text)")
    case .nonFinite(let text): return .nonFinite("\(place): \(text)")
    case .notConverged(let text): return .notConverged("\(place): \(text)")
    case .io(let text): return .io("\(place): \(text)")
    case .format(let text): return .format("\(place): \(text)")
    case .version(let text): return .version("\(place): \(text)")
    case .internal(let text): return .internal("\(place): \(text)")
    case .outOfMemory, .cancelled: return self
    }
  }

  /// An error about the contents of a file: what is wrong with a spec there is the file's fault.
  func inFile(_ place: String) -> TTKitError {
    switch self {
    case .invalidArgument(let text), .unsupportedDType(let text), .sizeOverflow(let text),
      .nonFinite(let text), .format(let text):
      return .format("\(place): \(text)")
    default: return self
    }
  }
}
