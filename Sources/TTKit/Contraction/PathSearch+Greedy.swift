/// Greedy paths for many operands, each trial with other weights.

extension PathSearch {
  /// Contracts, step by step, the pair whose result is smallest against what it consumes.
  ///
  /// Trial 0 is plain; later trials weigh consumption and add pseudo-random noise: the same for the same
  /// trial. Source: J. Gray, S. Kourtis, Hyper-optimized tensor network contraction, Quantum 5 (2021).
  static func greedyPath(_ network: ContractionNetwork, trial: UInt64) -> ContractionPath {
    var run = GreedyRun(network, trial: trial)
    return run.path()
  }
}

/// One greedy run: live nodes, and candidates for the next pair.
private struct GreedyRun {
  private struct Candidate {
    let left, right: Int
    let score: Double
  }

  private let lengths: [Double]
  private var weight = 1.0
  private var temperature = 0.0
  private var random: UInt64
  private var nodes: [AxisSet]
  private var sizes: [Double]
  private var isLive: [Bool]
  private var live: LiveAxes
  private var candidates: [Candidate] = []

  init(_ network: ContractionNetwork, trial: UInt64) {
    lengths = network.lengths
    random = (trial &+ 1) &* 0x9e37_79b9_7f4a_7c15
    nodes = network.operands
    sizes = nodes.map { $0.size(network.lengths) }
    isLive = nodes.map { _ in true }
    live = LiveAxes(network)
    if trial > 0 {
      let (a, b) = (noise(), noise())
      (weight, temperature) = (0.5 + a, 0.3 * b)
    }
  }

  private mutating func noise() -> Double {
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    return Double(random >> 11) / Double(1 << 53)
  }

  private mutating func propose(_ a: Int, _ b: Int) {
    let size = live.kept(nodes[a], nodes[b]).size(lengths)
    let gain = size - weight * (sizes[a] + sizes[b])
    var score = gain
    if temperature > 0 {
      score = gain < 0 ? gain * (1 + temperature * noise()) : gain / (1 + noise())
    }
    candidates.append(Candidate(left: a, right: b, score: score))
  }

  mutating func path() -> ContractionPath {
    for a in nodes.indices {
      for b in nodes.indices.dropFirst(a + 1) where !nodes[a].intersection(nodes[b]).isEmpty {
        propose(a, b)
      }
    }
    var path = ContractionPath()
    for _ in 1..<nodes.count { path.pairs.append(contract(next())) }
    return path
  }

  /// The best candidate; of unconnected parts the two smallest.
  private func next() -> (Int, Int) {
    if var best = candidates.first {
      for candidate in candidates.dropFirst() where candidate.score < best.score {
        best = candidate
      }
      return (best.left, best.right)
    }
    let ordered = nodes.indices.filter { isLive[$0] }.sorted { (sizes[$0], $0) < (sizes[$1], $1) }
    return (min(ordered[0], ordered[1]), max(ordered[0], ordered[1]))
  }

  private mutating func contract(_ pair: (Int, Int)) -> (Int, Int) {
    let (a, b) = pair
    let made = live.kept(nodes[a], nodes[b])
    live.replace(nodes[a], nodes[b], by: made)
    isLive[a] = false
    isLive[b] = false
    candidates.removeAll { !isLive[$0.left] || !isLive[$0.right] }
    nodes.append(made)
    sizes.append(made.size(lengths))
    isLive.append(true)
    let new = nodes.count - 1
    for other in 0..<new where isLive[other] && !nodes[other].intersection(made).isEmpty {
      propose(other, new)
    }
    return pair
  }
}
