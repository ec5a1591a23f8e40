/// What lies to one side of a bond, contracted: environments of a sweep.
///
/// A sweep only ever goes from left to right; for the way back everything is mirrored, which turns the left
/// interfaces of one sweep into the right ones of the next.

/// ⟨test| operator |trial⟩ over all cores on one side of a bond, times 2^−exponent.
struct Interface<T: Scalar>: Sendable {
  /// (test rank, operator rank, trial rank)
  let tensor: Tensor<T>
  let exponent: Int

  /// Beyond the ends there is nothing: the number 1.
  static func end() throws(TTKitError) -> Interface {
    Interface(tensor: try Tensor<T>.identity(1).reshaped([1, 1, 1]), exponent: 0)
  }

  /// `x` (a, j…, b…) behind this interface and operator cores: (test, i…, operator rank, b…) in this order.
  func passed(
    _ operators: [OperatorCore<T>], _ x: Tensor<T>
  ) throws(TTKitError) -> Tensor<T> {
    let (p, w, a) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    var result = try product(tensor.reshaped([p * w, a]), x.reshaped([a, x.count / a]))
    var done = p
    for core in operators {
      let inner = core.left * core.columns
      result = try sharedProduct(
        core.matrix, result.reshaped([done, inner, result.count / (done * inner)]))
      done *= core.rows
    }
    return result
  }
}

/// Interfaces of one bracket ⟨test| operator |trial⟩, with or without an operator, at all bonds that a
/// sweep needs.
struct Interfaces<T: Scalar>: Sendable {
  /// Bonds 0... up to where the sweep is.
  private var left: [Interface<T>]
  /// Bonds 1...d, as the latest sweep in the other direction left them.
  private var right: [Interface<T>] = []

  init() throws(TTKitError) { left = [try .end()] }

  /// Left of the core where the sweep is.
  var before: Interface<T> { left[left.count - 1] }

  /// Right of core `k`.
  func after(_ k: Int) -> Interface<T> { right[k] }

  /// Takes the next core into the left interface.
  ///
  /// - Parameters:
  ///   - test: (a′, i, b′), conjugated here.
  ///   - trial: (a, j, b).
  ///   - operator: nil for the identity.
  mutating func advance(
    test: Tensor<T>, operator: OperatorCore<T>?, trial: Tensor<T>
  ) throws(TTKitError) {
    let rows = test.shape[0] * test.shape[1]  // fits: the core exists
    let through = try before.passed(`operator`.map { [$0] } ?? [], trial)
    let next = try product(
      test.matrix(lastAxes: 1), through.reshaped([rows, through.count / rows]),
      .conjugateTransposed, .plain)
    let near = try ScaledTensor(
      next.reshaped([test.shape[2], `operator`?.right ?? 1, trial.shape[2]]),
      exponent: before.exponent)
    left.append(Interface(tensor: near.tensor, exponent: near.exponent))
  }

  /// The sweep is over at core d−1: what was left is right of the next one.
  mutating func mirror() throws(TTKitError) {
    right = left.reversed()
    left = [try .end()]
  }
}
