/// A path as a binary tree whose parts can be improved on their own.

struct ContractionTree {
  private struct Node {
    var children: (Int, Int)?
    var axes: AxisSet
    var size: Double
    var isConstant: Bool
  }

  private var nodes: [Node]
  private var root: Int
  private let leaves: Int

  init(_ network: ContractionNetwork, _ path: ContractionPath) {
    leaves = network.operands.count
    nodes = zip(network.operands, network.constants).map {
      Node(children: nil, axes: $0, size: $0.size(network.lengths), isConstant: $1)
    }
    var live = LiveAxes(network)
    for (left, right) in path.pairs {
      let axes = live.kept(nodes[left].axes, nodes[right].axes)
      live.replace(nodes[left].axes, nodes[right].axes, by: axes)
      nodes.append(
        Node(
          children: (left, right), axes: axes, size: axes.size(network.lengths),
          isConstant: nodes[left].isConstant && nodes[right].isConstant))
    }
    root = nodes.count - 1
  }

  /// Children before parents.
  var order: [Int] {
    var stack = [root]
    var order: [Int] = []
    while let node = stack.popLast() {
      order.append(node)
      if let (left, right) = nodes[node].children { stack += [left, right] }
    }
    return order.reversed()
  }

  private func time(of node: Int, _ network: ContractionNetwork) -> Double {
    guard let (left, right) = nodes[node].children, !nodes[node].isConstant else { return 0 }
    if node != root, nodes[node].size > network.mostElements { return .infinity }
    let (a, b) = nodes[left].isConstant ? (right, left) : (left, right)
    return network.time(
      nodes[a].axes, nodes[b].axes, kept: nodes[node].axes, nodes[a].size, nodes[b].size,
      isPacked: nodes[b].isConstant)
  }

  func time(_ network: ContractionNetwork) -> Double {
    order.reduce(0) { $0 + time(of: $1, network) }
  }

  /// Replaces subtrees of up to `subtree` leaves by their best form until nothing gains.
  mutating func improve(_ network: ContractionNetwork, subtree: Int, sweeps: Int = 8) {
    for _ in 0..<sweeps {
      var gained = false
      for top in order where nodes[top].children != nil {
        gained = improve(top, network, subtree) || gained
      }
      if !gained { return }
    }
  }

  private mutating func improve(
    _ top: Int, _ network: ContractionNetwork, _ most: Int
  ) -> Bool {
    // The frontier grows at its largest inner node.
    var frontier: [Int] = [top]
    var inner: [Int] = []
    while frontier.count < most {
      let open = frontier.filter { nodes[$0].children != nil }
      guard let next = open.max(by: { nodes[$0].size < nodes[$1].size }),
        let (left, right) = nodes[next].children
      else { break }
      frontier.removeAll { $0 == next }
      frontier += [left, right]
      inner.append(next)
    }
    guard inner.count > 1 else { return false }
    let before = inner.reduce(0) { $0 + time(of: $1, network) }
    guard
      let found = PathSearch.exact(
        network, frontier.map { nodes[$0].axes }, frontier.map { nodes[$0].isConstant },
        nodes[top].axes, bound: before * (1 - 1e-9))
    else { return false }
    // New inner nodes take the places of the old; the last is the top, whose axes stay.
    var ids = frontier
    var live = LiveAxes(frontier.map { nodes[$0].axes } + [nodes[top].axes], network.lengths)
    var free = Array(inner.reversed())  // top is last
    for (left, right) in found.path.pairs {
      let id = free.removeFirst()
      nodes[id].children = (ids[left], ids[right])
      nodes[id].isConstant = nodes[ids[left]].isConstant && nodes[ids[right]].isConstant
      let (a, b) = (nodes[ids[left]].axes, nodes[ids[right]].axes)
      nodes[id].axes = live.kept(a, b)
      nodes[id].size = nodes[id].axes.size(network.lengths)
      live.replace(a, b, by: nodes[id].axes)
      ids.append(id)
    }
    return true
  }

  /// The tree as pairs.
  var path: ContractionPath {
    var path = ContractionPath()
    var numbers: [Int: Int] = [:]
    for node in order {
      guard let (left, right) = nodes[node].children else {
        numbers[node] = node
        continue
      }
      path.pairs.append((numbers[left]!, numbers[right]!))  // children come first
      numbers[node] = leaves + path.pairs.count - 1
    }
    return path
  }
}
