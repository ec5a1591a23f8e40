/// Dense tensors as small networks that are not trains: canonical, Tucker, hierarchical Tucker.

/// A tensor held as cores that share named bonds.
///
/// An immutable value; any number of threads may use one at the same time.
public struct TensorNetwork<T: Scalar>: Sendable {
  /// How the cores hang together.
  public enum Form: Sendable, Equatable {
    /// Weights (R) and a factor (n[k], R) for each mode.
    case canonical
    /// A core (r[0], …, r[d−1]) and a factor (n[k], r[k]) for each mode.
    case tucker
    /// A factor (n[k], r[k]) for each mode, then transfer cores (left, right, own rank), the root
    /// (left, right) last.
    case hierarchicalTucker(HierarchyShape)
  }

  public let form: Form
  public let shape: [Int]
  public let cores: [Tensor<T>]
  /// Relative Frobenius error of the decomposition, achieved.
  public let error: Double
  /// Sweeps or steps of the iteration; 0 where there is none.
  public let steps: Int
  /// Whether the iteration stood still before it ran out of steps.
  public let isConverged: Bool

  init(
    _ form: Form, shape: [Int], cores: [Tensor<T>], error: Double, steps: Int = 0,
    isConverged: Bool = true
  ) throws(TTKitError) {
    for (k, core) in cores.enumerated() {
      guard core.isFinite else {
        throw .nonFinite("core \(k) left the range of \(T.dtype.name); scale the tensor down")
      }
    }
    let cores = try cores.map { (core) throws(TTKitError) in try core.owned() }
    self.form = form
    self.shape = shape
    self.cores = cores
    self.error = error
    self.steps = steps
    self.isConverged = isConverged
  }

  public var order: Int { shape.count }
  public var byteCount: Int { cores.reduce(0) { $0 + $1.byteCount } }

  /// The network as an equation of ttk_contraction_plan: its operands are the cores.
  public var equation: String {
    let modes = shape.indices.map { "{i\($0)}" }
    return "\(operandAxes(modes).joined(separator: ","))->\(modes.joined())"
  }

  private func operandAxes(_ modes: [String]) -> [String] {
    switch form {
    case .canonical:
      return ["{r}"] + modes.map { "\($0){r}" }
    case .tucker:
      let bonds = modes.indices.map { "{r\($0)}" }
      return [bonds.joined()] + zip(modes, bonds).map { "\($0)\($1)" }
    case .hierarchicalTucker(let hierarchy):
      let leaves = modes.enumerated().map { "\($1){r\($0)}" }
      return leaves
        + hierarchy.transfers.enumerated().map { (k, pair) in
          let own = k == hierarchy.transfers.count - 1 ? "" : "{r\(order + k)}"
          return "{r\(pair.left)}{r\(pair.right)}\(own)"
        }
    }
  }

  /// The Frobenius norm.
  public func norm() throws(TTKitError) -> Double {
    switch form {
    // The other cores are orthonormal bases.
    case .tucker: return cores[0].norm
    case .hierarchicalTucker: return cores[cores.count - 1].norm
    // Squares of nearly cancelling terms would lose half the digits.
    case .canonical: return try train().norm()
    }
  }
}

/// The binary tree over the modes of a hierarchical Tucker network.
///
/// Nodes 0..<d are the modes; node d + k joins two earlier nodes; the last one is the root.
public struct HierarchyShape: Sendable, Equatable {
  public let transfers: [Pair]

  public struct Pair: Sendable, Equatable {
    public let left: Int
    public let right: Int
  }

  /// Neighbours joined level by level; of an odd number the last one waits for the next level.
  init(modes: Int) {
    var level = Array(0..<modes)
    var pairs: [Pair] = []
    while level.count > 1 {
      var next: [Int] = []
      for first in stride(from: 0, to: level.count, by: 2) {
        guard first + 1 < level.count else {
          next.append(level[first])
          break
        }
        next.append(modes + pairs.count)
        pairs.append(Pair(left: level[first], right: level[first + 1]))
      }
      level = next
    }
    transfers = pairs
  }
}
