/// Operands as sets of axes with lengths: what a path is searched for.

struct ContractionNetwork: Sendable {
  /// Lengths by axis number.
  let lengths: [Double]
  let operands: [AxisSet]
  let result: AxisSet
  let cost: CostModel
  /// Elements that no intermediate may exceed.
  var mostElements = 9e18
  /// Operands that never change: what is made of them alone is made once and costs nothing later.
  var constants: [Bool]
  /// Elements that nothing made of constants may exceed.
  let mostConstant: Double

  init(
    lengths: [Int], operands: [AxisSet], result: AxisSet, cost: CostModel, constants: [Bool] = [],
    mostConstant: Double = 9e18
  ) {
    self.mostConstant = mostConstant
    self.lengths = lengths.map { Double(max($0, 1)) }
    self.operands = operands
    self.result = result
    self.cost = cost
    self.constants = constants.isEmpty ? operands.map { _ in false } : constants
  }

  /// Predicted seconds of left · right, whose result has the axes `kept`.
  func time(
    _ left: AxisSet, _ right: AxisSet, kept: AxisSet, _ leftSize: Double, _ rightSize: Double,
    isPacked: Bool
  ) -> Double {
    let shared = left.intersection(right)
    let batch = shared.intersection(kept).size(lengths)
    let both = shared.size(lengths)
    let (m, n) = (leftSize / both, rightSize / both)
    if isPacked { return cost.time(batch: batch, m: m, n: n, k: both / batch, isPacked: true) }
    return cost.time(batch: batch, m: min(m, n), n: max(m, n), k: both / batch)
  }

  /// Predicted seconds of a whole path.
  func time(_ path: ContractionPath) -> Double {
    var nodes = operands
    var fixed = constants
    var live = Array(operands.indices)
    var total = 0.0
    for (left, right) in path.pairs {
      live.removeAll { $0 == left || $0 == right }
      let outside = live.reduce(result) { $0.union(nodes[$1]) }
      let kept = nodes[left].union(nodes[right]).intersection(outside)
      let both = fixed[left] && fixed[right]
      if !both {
        let (a, b) = fixed[left] ? (right, left) : (left, right)
        total += time(
          nodes[a], nodes[b], kept: kept, nodes[a].size(lengths), nodes[b].size(lengths),
          isPacked: fixed[b])
      }
      nodes.append(kept)
      fixed.append(both)
      live.append(nodes.count - 1)
    }
    return total
  }
}

/// The order of pairs: operands are 0 ..< n, the result of pair i is n + i.
struct ContractionPath: Sendable, Equatable {
  var pairs: [(left: Int, right: Int)] = []

  static func == (a: Self, b: Self) -> Bool {
    a.pairs.elementsEqual(b.pairs) { $0 == $1 }
  }
}
