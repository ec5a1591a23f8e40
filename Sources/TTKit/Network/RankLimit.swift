/// The ranks of a format: one cap for all bonds or one for each, and an allowed error.

public struct RankLimit: Sendable, Equatable {
  /// nil: unbounded; one value: every bond; else one value a bond.
  public var ranks: [Int]?
  /// Relative Frobenius error at which truncation may stop earlier.
  public var rtol: Double
  /// The ranks are those of given cores: taken as they are, even above what the sizes would need.
  public var isExact = false

  public init(ranks: [Int]?, rtol: Double = 0) {
    self.ranks = ranks
    self.rtol = rtol
  }

  /// Takes `rank` and `rtol` from a spec.
  init(_ arguments: inout SpecArguments) throws(TTKitError) {
    ranks = try arguments.sizes("rank")
    rtol = try arguments.number("rtol", in: 0...1) ?? 0
  }

  /// - Throws: when neither a rank nor a tolerance bounds the fit, or the number of ranks is wrong.
  func check(
    _ arguments: SpecArguments, bonds: Int, example: String
  ) throws(TTKitError) {
    if rtol == 0 { _ = try arguments.required(ranks, "rank or rtol", example) }
    if let ranks, ranks.count != 1 && ranks.count != bonds {
      throw .invalidArgument(
        "rank has \(ranks.count) values for \(bonds) bonds, expected 1 or \(bonds)")
    }
  }

  /// Cap of bond k.
  func cap(_ k: Int) -> Int {
    guard let ranks else { return .max }
    return ranks.count == 1 ? ranks[0] : ranks[k]
  }

  /// Rank of bond k where a full matrix would have `full`.
  func rank(_ k: Int, full: Int) -> Int { isExact ? cap(k) : min(cap(k), full) }

  var arguments: [Spec.Argument] {
    var list: [Spec.Argument] = []
    if let ranks {
      list.append(Spec.Argument("rank", ranks.count == 1 ? .integer(ranks[0]) : .list(ranks)))
    }
    if rtol > 0 { list.append(Spec.Argument("rtol", .number(rtol))) }
    return list
  }

  /// The limit that cores of these ranks meet exactly: one number when all are equal.
  static func reached(_ ranks: [Int]) -> RankLimit {
    var limit = RankLimit(ranks: Set(ranks).count == 1 ? [ranks[0]] : ranks)
    limit.isExact = true
    return limit
  }

  /// The limit as trains understand it.
  var truncation: Truncation {
    let one = ranks?.count == 1
    return Truncation(
      relative: rtol, maxRank: one ? ranks?[0] : nil, maxRanks: one ? nil : ranks)
  }
}
