/// How a TT-SVD is to work, and what it tells afterwards.

/// The way to the singular vectors of a large tensor's unfoldings.
public enum DecompositionMethod: Int32, Sendable {
  /// Samples first, QR where they do not suffice.
  case auto = 0
  /// Samples alone; what they do not reach is an error.
  case sampled = 1
  /// Householder QR of every unfolding.
  case qr = 2

  public var name: String {
    switch self {
    case .auto: return "auto"
    case .sampled: return "sampled"
    case .qr: return "qr"
    }
  }
}

public struct DecompositionOptions: Sendable {
  public var truncation: Truncation
  public var method: DecompositionMethod
  /// Of the samples; the same seed gives the same bits.
  public var seed: UInt64
  /// Bytes that may be taken beside the input, nil for no limit.
  public var memoryLimit: Int?

  public init(
    _ truncation: Truncation = Truncation(), method: DecompositionMethod = .auto, seed: UInt64 = 0,
    memoryLimit: Int? = nil
  ) {
    self.truncation = truncation
    self.method = method
    self.seed = seed
    self.memoryLimit = memoryLimit
  }
}

/// What a TT-SVD did.
public struct DecompositionReport: Sendable {
  /// `.qr` as soon as one of the large unfoldings, or none at all, was left to samples.
  public var method = DecompositionMethod.qr
  /// ‖tensor − train‖ / ‖tensor‖, as in ``TensorTrain/error``.
  public var error = 0.0
  /// Times the whole tensor was read.
  public var passes = 0
  /// Most bytes of tensor-sized memory held at once beside the input, the result included; small
  /// factorisations and LAPACK's workspaces come on top.
  public var memory = 0
}

/// Counts tensor-sized memory and keeps a limit.
struct MemoryLedger {
  let limit: Int?
  /// Bytes that stay until the end, or until they are given back.
  private(set) var held = 0
  private(set) var peak = 0

  init(limit: Int?) { self.limit = limit }

  /// Notes that `bytes` are needed now, beside what is held.
  /// - Throws: `.outOfMemory` beyond the limit.
  mutating func require(_ bytes: Int, _ purpose: String) throws(TTKitError) {
    let (total, overflow) = held.addingReportingOverflow(bytes)
    if let limit, overflow || total > limit {
      throw .invalidArgument(
        "memory_limit is \(limit) bytes, but \(purpose) needs \(overflow ? "far more" : "\(total)"); "
          + "raise the limit, or allow a larger error or a smaller rank")
    }
    peak = max(peak, overflow ? .max : total)
  }

  mutating func hold(_ bytes: Int) {
    held += bytes  // fits: memory that exists
    peak = max(peak, held)
  }

  mutating func release(_ bytes: Int) { held -= bytes }
}
