/// The best path of few operands, by dynamic programming over sets of them.

extension PathSearch {
  /// The best path of less time than `bound`; nil when there is none.
  ///
  /// Up to `mostSplits` operands every binary tree is seen; beyond it those whose parts are connected by
  /// shared axes, unless the operands themselves are not.
  /// - Complexity: O(3ⁿ) for n operands at most; for chains O(n³) beyond `mostSplits`.
  static func exact(
    _ network: ContractionNetwork, _ operands: [AxisSet], _ constants: [Bool], _ result: AxisSet,
    bound: Double = .infinity
  ) -> (path: ContractionPath, time: Double)? {
    var table = SubsetTable(network, operands, constants, result)
    return table.search(network, bound: bound)
  }
}

/// Sets of operands as bits of an index.
private struct SubsetTable {
  private let n: Int
  private let neighbours: [Int]
  private let isConnectedOnly: Bool
  private var fixed: [Bool]
  private var axes: [AxisSet]
  private var sizes: [Double]
  private var times: [Double]
  private var splits: [Int]

  init(
    _ network: ContractionNetwork, _ operands: [AxisSet], _ constants: [Bool], _ result: AxisSet
  ) {
    n = operands.count
    let full = 1 << n  // n is small
    var neighbours = operands.map { axes in
      operands.indices.reduce(0) { $0 | (operands[$1].intersection(axes).isEmpty ? 0 : 1 << $1) }
    }
    for k in neighbours.indices { neighbours[k] |= 1 << k }
    self.neighbours = neighbours
    axes = [AxisSet](repeating: AxisSet(), count: full)
    fixed = [Bool](repeating: true, count: full)
    sizes = [Double](repeating: 0, count: full)
    times = [Double](repeating: .infinity, count: full)
    splits = [Int](repeating: 0, count: full)
    var unions = axes
    for s in 1..<full {
      let low = s.trailingZeroBitCount
      unions[s] = unions[s & (s - 1)].union(operands[low])
      fixed[s] = fixed[s & (s - 1)] && constants[low]
    }
    for s in 1..<full { axes[s] = unions[s].intersection(unions[full - 1 - s].union(result)) }
    isConnectedOnly = n > PathSearch.mostSplits && Self.isConnected(full - 1, neighbours)
    for s in 1..<full where !isConnectedOnly || Self.isConnected(s, neighbours) {
      sizes[s] = axes[s].size(network.lengths)
    }
  }

  private static func isConnected(_ s: Int, _ neighbours: [Int]) -> Bool {
    var reached = s & -s
    var frontier = reached
    while frontier != 0 {
      let next = neighbours[frontier.trailingZeroBitCount] & s & ~reached
      frontier &= frontier - 1
      reached |= next
      frontier |= next
    }
    return reached == s
  }

  mutating func search(
    _ network: ContractionNetwork, bound: Double
  ) -> (path: ContractionPath, time: Double)? {
    let full = 1 << n
    for s in 1..<full where sizes[s] > 0 {
      if s & (s - 1) == 0 {
        times[s] = 0
        continue
      }
      let most = fixed[s] ? network.mostConstant : network.mostElements
      guard s == full - 1 || sizes[s] <= most else { continue }
      split(s, network, bound)
    }
    guard times[full - 1].isFinite else { return nil }
    var path = ContractionPath()
    _ = build(full - 1, &path)
    return (path, times[full - 1])
  }

  /// The best way to make set `s` of two.
  private mutating func split(_ s: Int, _ network: ContractionNetwork, _ bound: Double) {
    let low = s & -s
    let rest = s ^ low
    var part = rest
    var best = bound
    // Left holds the lowest operand, so every split is seen once.
    repeat {
      part = (part - 1) & rest
      let (left, right) = (low | part, rest ^ part)
      let before = times[left] + times[right]
      guard before < best else { continue }
      var time = before
      if fixed[s] {
        // Made once: the less the better, but it costs nothing later.
        time += sizes[s] * 1e-18
      } else {
        let (a, b) = fixed[left] ? (right, left) : (left, right)
        time += network.time(
          axes[a], axes[b], kept: axes[s], sizes[a], sizes[b], isPacked: fixed[b])
      }
      if time < best {
        best = time
        (times[s], splits[s]) = (time, left)
      }
    } while part != 0
  }

  private func build(_ s: Int, _ path: inout ContractionPath) -> Int {
    if s & (s - 1) == 0 { return s.trailingZeroBitCount }
    let left = build(splits[s], &path)
    let right = build(s ^ splits[s], &path)
    path.pairs.append((left, right))
    return n + path.pairs.count - 1
  }
}
