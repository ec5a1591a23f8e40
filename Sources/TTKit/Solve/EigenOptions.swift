/// What a caller may choose about an eigenproblem, and what comes back.

public struct EigenOptions: Sendable {
  /// Residual ‖A x − λ x‖ of unit vectors, relative to the size of A; nil: 1e-8, single precision 1e-4.
  public var relative: Double?
  public var maxRank: Int?
  public var maxRanks: [Int]?
  /// Passes over all cores; nil: 50.
  public var maxSweeps: Int?
  public var seed: UInt64 = 0
  /// The largest eigenvalues instead of the smallest.
  public var largest = false

  public init() {}

  var truncation: Truncation { Truncation(maxRank: maxRank, maxRanks: maxRanks) }
  var sweeps: Int { maxSweeps ?? 50 }

  func tolerance<R: RealScalar>(_ type: R.Type) -> Double {
    relative ?? (R.dtype == .float32 ? 1e-4 : 1e-8)
  }
}

/// Eigenvalues, ascending or, the largest, descending; vectors of norm 1; what they leave.
public struct Eigenpairs<T: Scalar>: Sendable {
  public let values: [Double]
  public let vectors: [TensorTrain<T>]
  /// ‖A x − λ x‖ relative to the size of A, computed.
  public let residuals: [Double]
  public let report: SolveReport
}
