/// x = u + Q v with all entries of u and v small: Kashin's decomposition.
///
/// Goals in order: u + Q v is x, entries stay small, few steps.
/// A step takes c·sign(r) off the residual r, or off Qᵀ r, with c the mean magnitude: the projection on the
/// nearest corner of a cube. The greedy method steps where the sum of magnitudes is larger, and the residual
/// falls geometrically for almost every Q; the alternating one takes two steps on one side, two on the other.
/// Sources: D. Merkulov et al., UAI 2024 (arXiv 2404.09737), algorithms 1 and 2; A. Cherniuk et al., 2026
/// (arXiv 2609.11687).

public enum KashinMethod: String, Sendable, CaseIterable {
  case alternating, greedy
}

public struct KashinOptions: Sendable {
  public var method: KashinMethod
  /// Largest norm of what may be left of a vector, relative to its norm.
  public var tolerance: Double
  public var mostSteps: Int
  /// All vectors step on the same side; else each chooses (greedy) or starts (alternating) for itself.
  public var sharesSides: Bool

  public init(
    method: KashinMethod = .greedy, tolerance: Double = 1e-6, mostSteps: Int = 200,
    sharesSides: Bool = false
  ) {
    self.method = method
    self.tolerance = tolerance
    self.mostSteps = mostSteps
    self.sharesSides = sharesSides
  }
}

/// What vectors are, and Q: rows of a matrix with a transform of rows, or a whole matrix.
protocol KashinBasis<T>: Sendable {
  associatedtype T: RealScalar
  /// Vectors of a tensor, each of as many neighbours.
  func vectorCount(_ x: Tensor<T>) -> Int
  func synthesis(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T>  // Q
  func analysis(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T>  // Qᵀ
}

/// Every row is a vector.
struct RowBasis<T: RealScalar>: KashinBasis {
  let transform: OrthogonalTransform<T>
  let executor: Executor

  init(_ seed: TransformSeed, executor: Executor) throws(TTKitError) {
    transform = try OrthogonalTransform(seed, executor: executor)
    self.executor = executor
  }

  func vectorCount(_ x: Tensor<T>) -> Int { x.shape[0] }
  func synthesis(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    try transform.applied(to: x, executor: executor)
  }
  func analysis(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    try transform.applied(to: x, adjoint: true, executor: executor)
  }
}

/// The matrix is one vector: Q X = Q₁ X Q₂ᵀ, with transforms of both sides from one seed.
struct MatrixBasis<T: RealScalar>: KashinBasis {
  let left: OrthogonalTransform<T>
  let right: OrthogonalTransform<T>
  let executor: Executor

  init(
    _ kind: TransformKind, rows: Int, columns: Int, seed: UInt64, executor: Executor
  ) throws(TTKitError) {
    right = try OrthogonalTransform(
      TransformSeed(kind: kind, length: columns, seed: seed), executor: executor)
    left = try OrthogonalTransform(
      TransformSeed(kind: kind, length: rows, seed: ~seed), executor: executor)
    self.executor = executor
  }

  func vectorCount(_ x: Tensor<T>) -> Int { 1 }
  func synthesis(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T> { try both(x, adjoint: false) }
  func analysis(_ x: Tensor<T>) throws(TTKitError) -> Tensor<T> { try both(x, adjoint: true) }

  private func both(_ x: Tensor<T>, adjoint: Bool) throws(TTKitError) -> Tensor<T> {
    let turned = try right.applied(to: x, adjoint: adjoint, executor: executor)
    return try left.applied(
      to: turned.transposed([1, 0]), adjoint: adjoint, executor: executor
    ).transposed([1, 0])
  }
}

func kashinBasis<T: RealScalar>(
  _ type: T.Type, _ kind: TransformKind, shape: [Int], seed: UInt64, isWhole: Bool,
  executor: Executor
) throws(TTKitError) -> any KashinBasis<T> {
  if isWhole {
    return try MatrixBasis<T>(
      kind, rows: shape[0], columns: shape[1], seed: seed, executor: executor)
  }
  return try RowBasis<T>(
    TransformSeed(kind: kind, length: shape[1], seed: seed), executor: executor)
}

/// Q x, or Qᵀ x, for the rows of a matrix or for the matrix as one vector.
public func orthogonalTransform<T: RealScalar>(
  of x: Tensor<T>, _ kind: TransformKind, seed: UInt64, isWhole: Bool, adjoint: Bool,
  executor: Executor = Executor()
) throws(TTKitError) -> Tensor<T> {
  let basis = try kashinBasis(
    T.self, kind, shape: x.shape, seed: seed, isWhole: isWhole, executor: executor)
  return adjoint ? try basis.analysis(x) : try basis.synthesis(x)
}
