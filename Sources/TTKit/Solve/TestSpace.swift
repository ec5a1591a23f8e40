/// A space of trains to test a residual with.

/// The interfaces of ⟨test|A|x⟩ and ⟨test|b⟩ for one train `test`, orthonormal on both sides.
struct TestSpace<T: Scalar>: Sendable {
  private(set) var matrix: Interfaces<T>
  private(set) var side: Interfaces<T>

  init() throws(TTKitError) {
    matrix = try Interfaces()
    side = try Interfaces()
  }

  mutating func advance(
    test: Tensor<T>, operator: OperatorCore<T>, x: Tensor<T>, b: Tensor<T>
  ) throws(TTKitError) {
    try matrix.advance(test: test, operator: `operator`, trial: x)
    try side.advance(test: test, operator: nil, trial: b)
  }

  mutating func mirror() throws(TTKitError) {
    try matrix.mirror()
    try side.mirror()
  }

  /// The right side of the local problem over `cores` of b, with what is right of core `k` taken from
  /// `other`: shape (unknowns, 1).
  func localSide(
    _ cores: Tensor<T>, _ right: Interface<T>
  ) throws(TTKitError) -> Tensor<T> {
    try LocalOperator(side.before, [], right).applied(to: cores)
  }
}
