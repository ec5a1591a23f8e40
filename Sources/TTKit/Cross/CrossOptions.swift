/// What a caller may choose about a cross approximation.

/// How the pivots of a bond's matrix are searched.
public enum PivotSearch: Int32, Sendable, CaseIterable {
  /// Alternating rows and columns: O(r n) function values a pivot.
  case rook = 1
  /// All elements of the two-mode matrix: O(r² n²) function values a bond.
  case full = 2
}

/// How index sets are found.
public enum CrossMethod: Int32, Sendable, CaseIterable {
  /// Tensor cross interpolation: pivots of partial LU factorisations over two modes; sets only grow.
  case interpolation = 1
  /// One-mode sweeps with (rectangular) maximum-volume rows.
  case maximumVolume = 2
  /// Two-mode sweeps with truncated SVDs and maximum-volume rows (DMRG cross).
  case twoSite = 3
  /// One-mode sweeps that add directions of the residual (AMEn cross).
  case enriched = 4
}

/// Accuracy, limits, search and guidance.
public struct CrossOptions: Sendable {
  /// Root-mean-square error over the grid, relative to that of f; nil with `absolute` nil: 1e-8 in double
  /// precision, 1e-5 in single.
  public var relative: Double?
  /// The same error, absolute; excludes `relative`.
  public var absolute: Double?
  /// Largest rank, nil for no cap.
  public var maxRank: Int?
  /// A cap for each of the d−1 inner bonds, nil for none.
  public var maxRanks: [Int]?
  /// Function values in all, validation included; nil for no limit.
  public var maxEvaluations: Int?
  /// Passes over all bonds.
  public var maxSweeps: Int?
  public var seed: UInt64
  /// Points where f is known to matter, or the pivots of an earlier run.
  public var pivots: [[Int]]
  public var method: CrossMethod
  public var search: PivotSearch

  public init(
    relative: Double? = nil, absolute: Double? = nil, maxRank: Int? = nil,
    maxEvaluations: Int? = nil, maxSweeps: Int? = nil, seed: UInt64 = 0, pivots: [[Int]] = [],
    method: CrossMethod = .interpolation, search: PivotSearch = .rook
  ) {
    self.relative = relative
    self.absolute = absolute
    self.maxRank = maxRank
    self.maxEvaluations = maxEvaluations
    self.maxSweeps = maxSweeps
    self.seed = seed
    self.pivots = pivots
    self.method = method
    self.search = search
  }

  /// The largest rank of bond `b`, between cores b−1 and b.
  func cap(bond b: Int) -> Int { min(maxRank ?? .max, maxRanks?[b - 1] ?? .max) }

  /// Passes when the caller sets no limit.
  static var defaultSweeps: Int { 200 }

  /// - Throws: `.invalidArgument` naming the field.
  func check(shape: [Int]) throws(TTKitError) {
    guard (1...1024).contains(shape.count), shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "shape is \(describe(shape)), expected 1 to 1024 lengths of at least 1")
    }
    // One fibre of every mode is sampled, and listed.
    for (k, n) in shape.enumerated() where n > 1 << 24 {
      throw .sizeOverflow(
        "mode \(k) has length \(n), expected at most 2^24; split it into digits, one mode each")
    }
    guard relative == nil || absolute == nil else {
      throw .invalidArgument(
        "rtol is \(relative!) and atol is \(absolute!), expected only one of them")
    }
    for (name, value) in [("rtol", relative), ("atol", absolute)] {
      guard let value else { continue }
      guard value > 0, value.isFinite else {
        throw .invalidArgument("\(name) is \(value), expected a finite number above 0")
      }
    }
    for (name, value) in [
      ("max_rank", maxRank), ("max_evaluations", maxEvaluations), ("max_sweeps", maxSweeps),
    ] {
      if let value, value < 1 {
        throw .invalidArgument(
          "\(name) is \(value), expected at least 1; leave it out for no limit")
      }
    }
    try Truncation(maxRanks: maxRanks).check(order: shape.count)
    for (p, pivot) in pivots.enumerated() {
      guard pivot.count == shape.count else {
        throw .invalidArgument(
          "pivot \(p) has \(pivot.count) indices, expected \(shape.count), one a mode")
      }
      for (k, i) in pivot.enumerated() where i < 0 || i >= shape[k] {
        throw .invalidArgument(
          "pivot \(p) has index \(i) in mode \(k), expected 0 to \(shape[k] - 1)")
      }
    }
  }
}
