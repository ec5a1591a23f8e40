/// Weights ready to multiply: each term as one or two packed matrices.
///
/// This is where the contraction engine will choose among more ways; here the choice is between the
/// dense matrix and the two thin ones that a term may split into.

/// A compressed matrix unpacked and packed for products, shared by all plans of a layer.
final class PreparedFactors<T: RealScalar>: Sendable {
  /// Factors are applied right to left: y = ((x · Fₙᵀ) · ...) · F₁ᵀ.
  struct Chain: Sendable {
    let factors: [PackedMatrix<T>]
  }

  let chains: [Chain]
  /// Longest row that a factor reads.
  let widestInput: Int

  var byteCount: Int { chains.reduce(0) { $0 + $1.factors.reduce(0) { $0 + $1.byteCount } } }

  /// Prepares the cheapest form within `memoryLimit` bytes.
  /// - Throws: `.invalidArgument` when no form fits the limit; `.outOfMemory`.
  init(
    _ matrix: CompressedMatrix, memoryLimit: Int, executor: Executor
  ) throws(TTKitError) {
    let size = MemoryLayout<T>.stride
    let form = Self.form(of: matrix)
    let needed = form.elements * size
    guard needed <= memoryLimit else {
      throw .invalidArgument(
        "memory_limit is \(memoryLimit) bytes, this layer needs \(needed); raise the limit")
    }
    if form.isSplit {
      var chains: [Chain] = []
      for term in matrix.terms { chains.append(try Self.splitChain(term, matrix, executor)) }
      self.chains = chains
    } else {
      let packed = try PackedMatrix(matrix.dense(T.self), executor: executor)
      chains = [Chain(factors: [packed])]
    }
    widestInput = chains.flatMap(\.factors).map(\.inputs).max() ?? 0
  }

  /// Which form is taken, and the elements it packs: also twice the flops of one row.
  static func form(
    of matrix: CompressedMatrix
  ) -> (isSplit: Bool, elements: Int) {
    let dense = matrix.rows * matrix.columns  // sizes of a weight that was made, so they fit
    let inner = matrix.terms.map(innerLength)
    guard !inner.contains(nil) else { return (false, dense) }
    let thin = inner.reduce(0) { $0 + ($1 ?? 0) * (matrix.rows + matrix.columns) }
    let isSplit = thin < dense
    return (isSplit, isSplit ? thin : dense)
  }

  /// Inner length when the term is a product of two matrices; nil when it is not.
  private static func innerLength(_ term: Term) -> Int? {
    guard let (left, right) = term.equation.factors else { return nil }
    let leftAxes = Set(left.flatMap { term.equation.operands[$0] })
    let rightAxes = Set(right.flatMap { term.equation.operands[$0] })
    return leftAxes.intersection(rightAxes).reduce(1) { $0 * $1.length }
  }

  private static func splitChain(
    _ term: Term, _ matrix: CompressedMatrix, _ executor: Executor
  ) throws(TTKitError) -> Chain {
    let (a, b) = try term.factors(T.self)
    let left = try a.resized(rows: matrix.rows, columns: a.shape[1])
    return Chain(factors: [
      try PackedMatrix(left, executor: executor), try PackedMatrix(b, executor: executor),
    ])
  }
}

extension Term {
  /// The two matrices A (rows, inner) and B (inner, columns) with W = A · B.
  ///
  /// - Precondition: `equation.factors` is not nil.
  func factors<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> (Tensor<T>, Tensor<T>) {
    guard let (left, right) = equation.factors else {
      throw .internal("a term that is no product of two was split")
    }
    let all = try operands(type)
    let rightAxes = Set(right.flatMap { equation.operands[$0] })
    var inner: [Axis] = []
    for k in left {
      for axis in equation.operands[k] where rightAxes.contains(axis) && !inner.contains(axis) {
        inner.append(axis)
      }
    }
    let a = try contract(left.map { all[$0] }, to: equation.rows + inner)
    let b = try contract(right.map { all[$0] }, to: inner + equation.columns)
    let length = inner.reduce(1) { $0 * $1.length }
    return (a.reshaped([equation.rowCount, length]), b.reshaped([length, equation.columnCount]))
  }
}
