/// Greedy paths for many operands, each trial with other weights.

extension PathSearch {
  /// Contracts, step by step, the pair whose result is smallest against what it consumes.
  ///
  /// Trial 0 is plain; later trials weigh consumption and add pseudo-random noise: the same for the same
  /// trial. Source: J. Gray, S. Kourtis, Hyper-optimized tensor network contraction, Quantum 5 (2021).
  static func greedyPath(_ network: ContractionNetwork, trial: UInt64) -> ContractionPath {
    var random = (trial &+ 1) &* 0x9e37_79b9_7f4a_7c15
    func noise() -> Double {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      return Double(random >> 11) / Double(1 << 53)
    }
    let weight = trial == 0 ? 1 : 0.5 + noise()
    let temperature = trial == 0 ? 0 : 0.3 * noise()
    var nodes = network.operands
    var sizes = nodes.map { $0.size(network.lengths) }
    var live = Array(nodes.indices)
    // How many live nodes have each axis; the result counts as one.
    var uses = [Int](repeating: 0, count: network.lengths.count)
    for axis in network.lengths.indices {
      uses[axis] = nodes.count { $0.contains(axis) } + (network.result.contains(axis) ? 1 : 0)
    }
    func kept(_ a: AxisSet, _ b: AxisSet) -> AxisSet {
      let union = a.union(b)
      let shared = a.intersection(b)
      return AxisSet(union.elements.filter { uses[$0] > (shared.contains($0) ? 2 : 1) })
    }
    var scores: [Int: Double] = [:]  // of pairs of live nodes that share an axis
    func key(_ a: Int, _ b: Int) -> Int { a * 1024 + b }
    func score(_ a: Int, _ b: Int) {
      guard !nodes[a].intersection(nodes[b]).isEmpty else { return }
      let size = kept(nodes[a], nodes[b]).size(network.lengths)
      let gain = size - weight * (sizes[a] + sizes[b])
      scores[key(a, b)] = gain < 0 ? gain * (1 + temperature * noise()) : gain / (1 + noise())
    }
    for a in live { for b in live where a < b { score(a, b) } }
    var path = ContractionPath()
    while live.count > 1 {
      let best = scores.min { ($0.value, $0.key) < ($1.value, $1.key) }
      let (a, b): (Int, Int)
      if let best {
        (a, b) = best.key.quotientAndRemainder(dividingBy: 1024)
      } else {
        // Unconnected parts: the two smallest.
        let ordered = live.sorted { (sizes[$0], $0) < (sizes[$1], $1) }
        (a, b) = (min(ordered[0], ordered[1]), max(ordered[0], ordered[1]))
      }
      let made = kept(nodes[a], nodes[b])
      for axis in network.lengths.indices {
        uses[axis] -=
          (nodes[a].contains(axis) ? 1 : 0) + (nodes[b].contains(axis) ? 1 : 0)
          - (made.contains(axis) ? 1 : 0)
      }
      path.pairs.append((a, b))
      live.removeAll { $0 == a || $0 == b }
      for other in live {
        scores[key(min(a, other), max(a, other))] = nil
        scores[key(min(b, other), max(b, other))] = nil
      }
      scores[key(a, b)] = nil
      nodes.append(made)
      sizes.append(made.size(network.lengths))
      let new = nodes.count - 1
      for other in live { score(other, new) }
      live.append(new)
    }
    return path
  }
}
