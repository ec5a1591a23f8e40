/// A binary tree of small cores over the factors of rows and columns.
///
/// Source: W. Hackbusch, S. Kühn, A New Scheme for the Tensor Representation, J. Fourier Anal. Appl. 15
/// (2009); L. Grasedyck, SIAM J. Matrix Anal. 31 (2010).
public struct HierarchicalTuckerLinear: Format {
  public static let name = "hierarchical_tucker"
  public let shape: TrainShape

  private init(shape: TrainShape) { self.shape = shape }

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let example = "hierarchical_tucker(rows=24x32, columns=32x24, rank=12)"
    shape = try TrainShape(&arguments, bonds: { 2 * ($0 + $1) - 2 }, example: example)
  }

  public var call: Spec.Call { Spec.Call(Self.name, shape.arguments) }

  /// The leaves of the tree: the rows' factors, then the columns'.
  var modes: [Int] { shape.rows + shape.columns }

  /// Rank of every node but the root, leaves first: at most the product of the lengths below it, of those
  /// beside it, and of its children's ranks.
  private var ranks: [Int] {
    let transfers = HierarchyShape(modes: modes.count).transfers
    var below = modes.indices.map { [$0] }
    var ranks: [Int] = []
    for node in 0..<(2 * modes.count - 2) {
      var most = node < modes.count ? modes[node] : Int.max
      if node >= modes.count {
        let pair = transfers[node - modes.count]
        below.append(below[pair.left] + below[pair.right])
        most = saturated([ranks[pair.left], ranks[pair.right]])
      }
      let beside = modes.indices.filter { !below[node].contains($0) }
      ranks.append(
        shape.limit.rank(node, full: min(most, saturated(beside.map { modes[$0] }))))
    }
    return ranks
  }

  /// Nodes in the order of their cores: the root, then all of its left side, then all of its right.
  ///
  /// Merging cores in this order never makes an outer product of two sides.
  private var order: [Int] {
    let d = modes.count
    let transfers = HierarchyShape(modes: d).transfers
    var (order, open) = ([Int](), [2 * d - 2])
    while let node = open.popLast() {
      order.append(node)
      if node >= d { open += [transfers[node - d].right, transfers[node - d].left] }
    }
    return order
  }

  /// Cores from the root on, left sides first: inner nodes are (rank of left, rank of right, own rank),
  /// leaves (mode, rank); the root has no own rank.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try shape.check(rows: rows, columns: columns, name: Self.name)
    let rowAxes = shape.rows.enumerated().map { Axis("i\($0)", $1) }
    let columnAxes = shape.columns.enumerated().map { Axis("j\($0)", $1) }
    let bonds = ranks.enumerated().map { Axis("s\($0)", $1) }
    var operands = zip(rowAxes + columnAxes, bonds).map { [$0, $1] }
    let d = modes.count
    for (k, pair) in HierarchyShape(modes: d).transfers.enumerated() {
      let own = d + k < bonds.count ? [bonds[d + k]] : []
      operands.append([bonds[pair.left], bonds[pair.right]] + own)
    }
    for axes in operands { _ = try checkedProduct(axes.map(\.length)) }
    return Equation(
      rows: rowAxes, columns: columnAxes, operands: order.map { operands[$0] })
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> HierarchicalTuckerLinear {
    let d = modes.count
    guard coreShapes.count == 2 * d - 1, coreShapes.allSatisfy({ !$0.isEmpty }) else {
      throw .invalidArgument("\(Self.name) has \(2 * d - 1) cores here, found \(coreShapes.count)")
    }
    var ranks = [Int](repeating: 1, count: 2 * d - 2)
    for (node, shape) in zip(order, coreShapes).dropFirst() { ranks[node] = shape[shape.count - 1] }
    let format = HierarchicalTuckerLinear(
      shape: TrainShape(rows: shape.rows, columns: shape.columns, limit: .reached(ranks)))
    try format.requireShapes(coreShapes, rows: rows, columns: columns)
    return format
  }

  /// Truncation from the leaves to the root.
  ///
  /// - Error: within √(2d−2) of the best at these ranks for d factors in all, and rtol is met unless a rank
  ///   binds; the smallest possible for one row and one column factor.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    var options = NetworkOptions()
    options.truncation = shape.limit.truncation
    let cores = try TensorNetwork<T>.hierarchicalTucker(
      matrix.reshaped(modes), options, executor: executor
    ).cores
    return order.map { cores[$0] }
  }
}
