/// What a cross approximation gives back.

/// Why a run ended.
public enum CrossReason: Int32, Sendable {
  /// The validated error is within the tolerance, and a global search found nothing worse.
  case converged = 1
  /// `maxEvaluations` leaves no room for the next step.
  case budget = 2
  /// Every bond that needs more pivots has reached `maxRank`.
  case rank = 3
  /// `maxSweeps` are over.
  case sweeps = 4
  /// The function, or the watcher of sweeps, asked to stop.
  case stopped = 5
  /// What is left is rounding noise of the dtype, above the tolerance.
  case precision = 6
}

/// Figures of a run, so far or at its end.
public struct CrossReport: Sendable {
  /// Distinct indices the function was asked for.
  public var evaluations = 0
  /// Passes over all bonds.
  public var sweeps = 0
  /// Relative root-mean-square error on the points that also guided the search: an estimate.
  public var estimatedError = 0.0
  /// The same on fresh random points that guided nothing; nil if the run ended before there were any.
  public var validatedError: Double?
  /// Fresh points behind `validatedError`.
  public var validationCount = 0
  public var maxRank = 1
  public var reason = CrossReason.converged
}

/// Called after every pass with the report so far; false stops the run.
public typealias SweepWatch = (CrossReport) throws(TTKitError) -> Bool

/// A train, how good it is, and where it interpolates.
public struct CrossResult<T: Scalar>: Sendable {
  public let train: TensorTrain<T>
  public let report: CrossReport
  /// Points where pivots were taken; may be handed to a later run.
  public let pivots: [[Int]]
}
