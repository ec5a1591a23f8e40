/// The order in which operands meet: exact for few, greedy with local search for many.

/// How long to search for an order. The same effort finds the same order: work is counted, not timed.
public enum PathEffort: Sendable {
  /// About a millisecond for up to 60 operands.
  case quick
  /// Some tenths of a second.
  case thorough
  /// As thorough, for the fewest flops instead of the least predicted time.
  case flops

  /// How orders are compared.
  var scheme: CostModel.Scheme { self == .flops ? .flops : .panels }
}

enum PathSearch {
  /// All splits of all sets of operands are seen up to so many; beyond it only connected sets.
  static let mostSplits = 8
  /// Dynamic programming over connected sets.
  static let mostExact = 13

  /// The path of least predicted time with no intermediate above the network's limit.
  /// - Throws: `.sizeOverflow` when every path exceeds the limit.
  static func path(
    _ network: ContractionNetwork, effort: PathEffort = .quick
  ) throws(TTKitError) -> ContractionPath {
    let n = network.operands.count
    guard n > 1 else { return ContractionPath() }
    var best = greedy(network, trials: 1)
    let exactLimit = effort != .quick ? mostExact + 2 : mostExact
    if n <= exactLimit {
      let bound = best?.time ?? .infinity
      if let found = exact(
        network, network.operands, network.constants, network.result, bound: bound * (1 + 1e-12))
      {
        return found.path
      }
      guard let best else { throw tooLarge(network) }
      return best.tree.path
    }
    if n <= 64 || effort != .quick { best = searched(network, effort) ?? best }
    guard let best else { throw tooLarge(network) }
    return best.tree.path
  }

  private typealias Found = (tree: ContractionTree, time: Double)

  /// The best of some greedy trials as it is.
  private static func greedy(_ network: ContractionNetwork, trials: UInt64) -> Found? {
    var best: Found?
    for trial in 0..<trials {
      let tree = ContractionTree(network, greedyPath(network, trial: trial))
      let time = tree.time(network)
      if time < best?.time ?? .infinity { best = (tree, time) }
    }
    return best
  }

  /// The best few of many greedy trials, improved.
  private static func searched(_ network: ContractionNetwork, _ effort: PathEffort) -> Found? {
    let (trials, kept, subtree): (UInt64, Int, Int) = effort == .quick ? (8, 1, 5) : (256, 8, 8)
    var pool: [(path: ContractionPath, time: Double)] = []
    for trial in 0..<trials {
      let path = greedyPath(network, trial: trial)
      pool.append((path, network.time(path)))
    }
    pool.sort { $0.time < $1.time }
    var best: Found?
    for (path, _) in pool.prefix(kept) {
      var tree = ContractionTree(network, path)
      tree.improve(network, subtree: subtree, sweeps: effort == .quick ? 1 : 8)
      let time = tree.time(network)
      if time < best?.time ?? .infinity { best = (tree, time) }
    }
    return best
  }

  private static func tooLarge(_ network: ContractionNetwork) -> TTKitError {
    .sizeOverflow(
      "every order has an intermediate of more than \(network.mostElements) elements; raise the "
        + "memory limit or contract in parts")
  }
}
