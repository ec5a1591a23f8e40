/// What a caller may choose about a linear system, and what comes back.

/// How the cores of the solution are found.
public enum SolveMethod: Int32, Sendable, CaseIterable {
  /// One core at a time, ranks grown by directions of the residual.
  case enriched = 1
  /// One core at a time, ranks fixed.
  case oneSite = 2
  /// Two cores at a time, split by truncated SVDs.
  case twoSite = 3
}

/// What speeds up the iterative solution of large local problems.
public enum LocalPreconditioner: Int32, Sendable, CaseIterable {
  case none = 0
  /// Blocks that couple the modes with the left rank.
  case left = 1
  /// Blocks that couple the modes with the right rank.
  case right = 2
}

/// What the residual is made orthogonal to.
public enum SolveProjection: Int32, Sendable, CaseIterable {
  /// The solution's own tangent directions: for matrices that are not far from positive definite.
  case galerkin = 1
  /// Their images under the matrix: least squares, by the normal equations, for any matrix; the
  /// condition number is squared.
  case leastSquares = 2
}

/// Why a run ended.
public enum SolveReason: Int32, Sendable {
  /// The residual, computed, is within the tolerance.
  case converged = 1
  /// Passes no longer make the residual smaller.
  case stalled = 2
  /// `maxSweeps` are over.
  case sweeps = 3
  /// The watcher asked to stop.
  case stopped = 4
  /// The residual needs larger ranks than the caller allows.
  case rank = 5
}

public struct SolveOptions<T: Scalar>: Sendable {
  /// Residual relative to the right side; nil: 1e-8 in double precision, 1e-4 in single.
  public var relative: Double?
  /// Caps on ranks; with `.oneSite` the ranks themselves.
  public var maxRank: Int?
  public var maxRanks: [Int]?
  /// Passes over all cores; nil: 50.
  public var maxSweeps: Int?
  public var seed: UInt64 = 0
  /// Where to start; nil: from the right side.
  public var start: TensorTrain<T>?
  public var method = SolveMethod.enriched
  public var preconditioner = LocalPreconditioner.none
  public var projection = SolveProjection.galerkin

  public init() {}

  var tolerance: Double { relative ?? (T.Real.dtype == .float32 ? 1e-4 : 1e-8) }
  var sweeps: Int { maxSweeps ?? 50 }
  var truncation: Truncation { Truncation(maxRank: maxRank, maxRanks: maxRanks) }

  /// - Throws: `.invalidArgument` naming the field.
  func check(order: Int) throws(TTKitError) {
    try truncation.check(order: order)
    guard tolerance > 0, tolerance.isFinite else {
      throw .invalidArgument("rtol is \(tolerance), expected a finite number above 0")
    }
    guard sweeps >= 1 else {
      throw .invalidArgument("max_sweeps is \(sweeps), expected at least 1, or 0 for the default")
    }
  }
}

/// Figures of a run, so far or at its end.
public struct SolveReport: Sendable {
  /// ‖A x − b‖ / ‖b‖: computed at the end; on the way the largest part of it that a local problem saw.
  public var residual = 0.0
  /// Passes over all cores.
  public var sweeps = 0
  public var maxRank = 1
  public var reason = SolveReason.converged
}

/// Called after every pass but the last, with the report so far; false stops the run.
public typealias SolveWatch = (SolveReport) throws(TTKitError) -> Bool
