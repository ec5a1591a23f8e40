/// The order in which operands meet: exact for few, greedy with local search for many.

enum PathSearch {
  /// Dynamic programming over all subsets costs 3ⁿ steps.
  static let mostExact = 11
  private static let subtree = 8

  /// The path of least predicted time with no intermediate above the network's limit.
  /// - Throws: `.sizeOverflow` when every path exceeds the limit.
  static func path(_ network: ContractionNetwork) throws(TTKitError) -> ContractionPath {
    let n = network.operands.count
    guard n > 1 else { return ContractionPath() }
    if n <= mostExact {
      guard let found = exact(network, network.operands, network.constants, network.result) else {
        throw tooLarge(network)
      }
      return found.path
    }
    var best: (tree: ContractionTree, time: Double)?
    for trial in 0..<UInt64(8) {
      var tree = ContractionTree(network, greedyPath(network, trial: trial))
      tree.improve(network, subtree: trial == 0 ? subtree : 6)
      let time = tree.time(network)
      if time < best?.time ?? .infinity { best = (tree, time) }
    }
    guard var tree = best?.tree else { throw tooLarge(network) }
    tree.improve(network, subtree: subtree)
    return tree.path
  }

  private static func tooLarge(_ network: ContractionNetwork) -> TTKitError {
    .sizeOverflow(
      "every order has an intermediate of more than \(network.mostElements) elements; raise the "
        + "memory limit or contract in parts")
  }

  /// The best path over all binary trees, by dynamic programming over subsets.
  ///
  /// - Complexity: O(3ⁿ) for n operands.
  static func exact(
    _ network: ContractionNetwork, _ operands: [AxisSet], _ constants: [Bool], _ result: AxisSet
  ) -> (path: ContractionPath, time: Double)? {
    let n = operands.count
    let full = 1 << n  // n is small
    var unions = [AxisSet](repeating: AxisSet(), count: full)
    var fixed = [Bool](repeating: true, count: full)
    for s in 1..<full {
      let low = s.trailingZeroBitCount
      unions[s] = unions[s & (s - 1)].union(operands[low])
      fixed[s] = fixed[s & (s - 1)] && constants[low]
    }
    var axes = unions
    var sizes = [Double](repeating: 1, count: full)
    for s in 1..<full {
      axes[s] = unions[s].intersection(unions[full - 1 - s].union(result))
      sizes[s] = axes[s].size(network.lengths)
    }
    var times = [Double](repeating: .infinity, count: full)
    var splits = [Int](repeating: 0, count: full)
    for s in 1..<full {
      if s & (s - 1) == 0 {
        times[s] = 0
        continue
      }
      let most = fixed[s] ? network.mostConstant : network.mostElements
      guard s == full - 1 || sizes[s] <= most else { continue }
      let low = s & -s
      let rest = s ^ low
      var part = rest
      // Left holds the lowest operand, so every split is seen once.
      repeat {
        part = (part - 1) & rest
        let (left, right) = (low | part, rest ^ part)
        let before = times[left] + times[right]
        guard before < times[s] else { continue }
        var time = before
        if fixed[s] {
          // Made once: the less the better, but it costs nothing later.
          time += sizes[s] * 1e-18
        } else {
          let (a, b) = fixed[left] ? (right, left) : (left, right)
          time += network.time(
            axes[a], axes[b], kept: axes[s], sizes[a], sizes[b], isPacked: fixed[b])
        }
        if time < times[s] { (times[s], splits[s]) = (time, left) }
      } while part != 0
    }
    guard times[full - 1].isFinite else { return nil }
    var path = ContractionPath()
    var next = n
    func build(_ s: Int) -> Int {
      if s & (s - 1) == 0 { return s.trailingZeroBitCount }
      let left = build(splits[s])
      let right = build(s ^ splits[s])
      path.pairs.append((left, right))
      next += 1
      return next - 1
    }
    _ = build(full - 1)
    return (path, times[full - 1])
  }
}
