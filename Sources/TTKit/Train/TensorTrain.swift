/// Tensors as products of small cores.

/// A tensor of order d held as d cores: its element at (i₀, …, i₍d₋₁₎) is the product of the matrices
/// `cores[k][:, i_k, :]`.
///
/// An immutable value: copies share memory, and any number of threads may use one at the same time.
/// Invariants: core k has shape (r[k], n[k], r[k+1]), all lengths at least 1, r[0] = r[d] = 1, elements
/// finite.
public struct TensorTrain<T: Scalar>: Sendable {
  public let cores: [Tensor<T>]
  /// Relative Frobenius error of the truncation that made this train, achieved; 0 if none did.
  public let error: Double
  /// Products of slices change exponents by less than this.
  let reach: Int
  /// The cores once more, for kernels.
  public let plain: PlainTrain

  /// True when no product of slices can leave the dtype's range, so that it needs no watching.
  var isTame: Bool { Self.isTame(reach: reach) }

  /// The same for products of several trains, whose reaches add up.
  static func isTame(reach: Int) -> Bool { reach < (T.Real.dtype == .float32 ? 100 : 900) }

  /// The largest order, as in the C header.
  public static var maxOrder: Int { 1024 }

  /// Takes the cores after checking the invariants.
  /// - Throws: `.invalidArgument`, `.nonFinite`.
  public init(cores: [Tensor<T>], error: Double = 0) throws(TTKitError) {
    guard (1...Self.maxOrder).contains(cores.count) else {
      throw .invalidArgument("\(cores.count) cores, expected 1 to \(Self.maxOrder)")
    }
    var left = 1
    for (k, core) in cores.enumerated() {
      guard core.shape.count == 3, core.shape.allSatisfy({ $0 >= 1 }) else {
        throw .invalidArgument(
          "core \(k) has shape \(describe(core.shape)), expected three lengths of at least 1")
      }
      guard core.shape[0] == left else {
        throw .invalidArgument(
          "core \(k) has left rank \(core.shape[0]), expected \(left), the rank before it")
      }
      left = core.shape[2]
    }
    guard left == 1 else {
      throw .invalidArgument("the last core has right rank \(left), expected 1")
    }
    try self.init(checking: cores, error: error)
  }

  /// Takes cores whose shapes fit by construction; arithmetic may have overflowed.
  init(checking cores: [Tensor<T>], error: Double = 0) throws(TTKitError) {
    var reach = 0
    for (k, core) in cores.enumerated() {
      let largest = core.largestComponent
      guard largest.isFinite else {
        throw .nonFinite("core \(k) holds NaN or infinity; scale the numbers down or use float64")
      }
      // A product with this core changes exponents by at most this much.
      if largest > 0 {
        reach +=
          abs(Int(largest.exponent)) + 2 + core.shape[0].bitWidth
          - core.shape[0].leadingZeroBitCount
      }
    }
    self.reach = reach
    // Where nothing is truncated, the last core may be the caller's array itself.
    let cores = try cores.map { (core) throws(TTKitError) in try core.owned() }
    self.cores = cores
    plain = try PlainTrain(cores, isTame: Self.isTame(reach: reach))
    self.error = error
  }

  public var order: Int { cores.count }
  public var shape: [Int] { cores.map { $0.shape[1] } }
  /// r[0], …, r[d].
  public var ranks: [Int] { [1] + cores.map { $0.shape[2] } }
  public var byteCount: Int { cores.reduce(0) { $0 + $1.byteCount } }

  /// The zero tensor with ranks 1.
  static func zero(shape: [Int]) throws(TTKitError) -> TensorTrain {
    var cores: [Tensor<T>] = []
    for n in shape { try cores.append(Tensor(shape: [1, n, 1], zeroed: true) { _ in }) }
    return try TensorTrain(checking: cores)
  }
}
