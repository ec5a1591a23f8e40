/// How much a truncation may drop, and the bookkeeping of what it did drop.

/// What a caller allows: a relative and an absolute error, and caps on ranks that win over both.
public struct Truncation: Sendable {
  public var relative: Double
  public var absolute: Double
  /// Largest inner rank, nil for no cap.
  public var maxRank: Int?
  /// A cap for each of the d−1 inner bonds, nil for none.
  public var maxRanks: [Int]?

  public init(
    relative: Double = 0, absolute: Double = 0, maxRank: Int? = nil, maxRanks: [Int]? = nil
  ) {
    self.relative = relative
    self.absolute = absolute
    self.maxRank = maxRank
    self.maxRanks = maxRanks
  }

  /// - Throws: `.invalidArgument` naming the field.
  func check(order: Int) throws(TTKitError) {
    for (name, value) in [("rtol", relative), ("atol", absolute)] {
      guard value >= 0, value.isFinite else {
        throw .invalidArgument("\(name) is \(value), expected a finite number of at least 0")
      }
    }
    if let maxRank, maxRank < 1 {
      throw .invalidArgument("max_rank is \(maxRank), expected at least 1, or 0 for no cap")
    }
    guard let maxRanks else { return }
    guard maxRanks.count == order - 1 else {
      throw .invalidArgument(
        "\(maxRanks.count) rank caps, expected \(order - 1), one for each inner bond")
    }
    for (bond, cap) in maxRanks.enumerated() where cap < 1 {
      throw .invalidArgument("max_ranks[\(bond)] is \(cap), expected at least 1")
    }
  }

  /// The cap of the bond after core `k`.
  func cap(afterCore k: Int) -> Int { min(maxRank ?? .max, maxRanks?[k] ?? .max) }
}

/// Squared errors allowed and spent, in the units of the (possibly scaled) tensor at hand.
///
/// Truncations in one direction are nested orthogonal projections, so their squared errors add up
/// (Oseledets 2011, Theorem 2.2), and what one step leaves unspent the later ones may use. Between the two
/// directions, peeling from the right and splitting from the left, only the triangle inequality holds:
/// splitting a peeled core drops part of what the projection on it had kept wrongly.
struct TruncationBudget<Real: RealScalar> {
  let norm: Double
  private let bound: Double
  /// Set aside for rounding errors of the whole sweep, and part of the error told.
  private let rounding: Double
  /// Whether values go that are rounding errors of a factorisation, whatever was asked for.
  private let dropsZeros: Bool
  private(set) var allowed: Double
  private var spent = 0.0
  /// Error, not squared, of the direction that is over.
  private var before = 0.0
  /// Truncations still to come, which share what is allowed.
  private var steps: Int

  /// - Parameters:
  ///   - exponent: the tensor at hand is the caller's divided by 2^exponent.
  ///   - rounding: a bound of the rounding errors to expect in all, relative to `norm`. What it leaves of
  ///     the tolerance may be dropped, but never less than a quarter of it, which is the size that such
  ///     errors have: the error stays below the tolerance, or below twice this bound. 0: not looked at.
  init(
    _ truncation: Truncation, norm: Double, exponent: Int, steps: Int, rounding: Double = 0
  ) {
    self.norm = norm
    self.steps = steps
    self.rounding = rounding * norm
    let absolute = scaledByPowerOfTwo(truncation.absolute, -exponent)
    let asked = max(truncation.relative * norm, absolute)
    dropsZeros = asked == 0 || rounding == 0
    bound = asked == 0 ? 0 : max(asked - self.rounding, asked / 2, self.rounding / 4)
    allowed = bound * bound
  }

  /// The rounding errors of a TT-SVD of so many steps, relative to the tensor.
  ///
  /// Each step multiplies by a basis that is orthonormal to about √r eps after one Newton step, and rounds
  /// sums: a few eps of the norm, independent from step to step, so they add up as squares. Its singular
  /// values have a backward error of the same kind. The factor is a measured one: errors of random trains
  /// and of full tensors up to rank 512 are a fifth to three quarters of this.
  static func rounding(ofSteps steps: Int) -> Double {
    5 * Double(Real.ulpOfOne) * Double(steps + 1).squareRoot()
  }

  /// ‖tensor − result‖ / ‖tensor‖: exact but for rounding when all truncations went in one direction,
  /// else an upper bound (triangle inequality; 1.1 to 1.5 times too large is usual).
  var relativeError: Double {
    norm > 0 ? (before + spent.squareRoot() + rounding) / norm : 0
  }

  /// From here on truncations go the other way.
  mutating func turn() {
    before += spent.squareRoot()
    spent = 0
    let rest = max(0, bound - before)
    allowed = rest * rest
  }

  /// The squared loss that one step on `columns` columns may have: a share of what is allowed, and more of
  /// it where rounding takes much of that anyway.
  func limit(share: Double, columns: Int) -> Double {
    let rounding = 16 * Double(Real.ulpOfOne) * norm
    let zero = numericalZero(columns)
    return max(allowed * share, min(allowed / 2, rounding * rounding), zero * zero)
  }

  /// The joint size of so many singular values that are rounding errors of a factorisation.
  private func numericalZero(_ count: Int) -> Double {
    dropsZeros ? 4 * Double(Real.ulpOfOne) * Double(count).squareRoot() * norm : 0
  }

  /// How many of the descending singular values stay when this step may drop `share` of what is allowed.
  ///
  /// Without a tolerance, values whose joint size is that of rounding errors of the factorisation,
  /// 4 eps √k ‖tensor‖, are numerical zeros and go. At least one stays.
  func rank(of values: [Real], share: Double, cap: Int) -> Int {
    let limit = limit(share: share, columns: values.count)
    var tail = 0.0
    var rank = values.count
    while rank > 1 {
      let next = tail + Double(values[rank - 1]) * Double(values[rank - 1])
      if next > limit { break }
      tail = next
      rank -= 1
    }
    return min(rank, cap)
  }

  /// Books the dropped values.
  mutating func drop(_ values: ArraySlice<Real>) {
    drop(squared: values.reversed().reduce(0) { $0 + Double($1) * Double($1) })
  }

  mutating func drop(squared error: Double) {
    spent += error
    allowed = max(0, allowed - error)
  }

  /// What the next of the planned steps may drop, squared.
  var stepLimit: Double { allowed / Double(max(steps, 1)) }

  /// How many of the descending singular values the next planned step keeps.
  func planned(_ values: [Real], cap: Int) -> Int {
    rank(of: values, share: 1 / Double(max(steps, 1)), cap: cap)
  }

  /// One of the planned steps: decides, books, and passes on what it leaves unspent.
  mutating func keep(_ values: [Real], cap: Int) -> Int {
    let rank = planned(values, cap: cap)
    drop(values[rank...])
    steps -= 1
    return rank
  }

  /// One of the planned steps, decided elsewhere: books its measured loss, unless that is more than so many
  /// times what the step may drop.
  mutating func book(step loss: Double, within factor: Double) -> Bool {
    guard loss <= factor * stepLimit else { return false }
    drop(squared: loss)
    steps -= 1
    return true
  }
}
