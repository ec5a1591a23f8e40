/// What is known of one weight of a model.

public struct WeightReport: Sendable, Equatable {
  public let name: String
  /// With the ranks that were reached; nil for untouched tensors.
  public let spec: String?
  public let shape: [Int]
  public let byteCountBefore: Int
  /// As stored; 0 for tied weights, which share another's.
  public let byteCount: Int
  /// Relative Frobenius error; 0 for untouched tensors.
  public let error: Double
  /// Spent fitting; 0 when read from a file.
  public let seconds: Double
  /// nil: untouched.
  public let kind: WeightKind?
}
