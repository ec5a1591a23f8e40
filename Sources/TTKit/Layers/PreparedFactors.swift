/// Weights ready to multiply: each term as one or two packed matrices.
///
/// This is where the contraction engine will choose among more ways; here the choice is the one of
/// ``PreparedForm``.

/// A compressed matrix packed for products, shared by all plans of a layer.
final class PreparedFactors<T: RealScalar>: Sendable {
  /// Factors are applied right to left: y = ((x · Fₙᵀ) · ...) · F₁ᵀ.
  struct Chain: Sendable {
    let factors: [any Multiplier<T>]
  }

  let chains: [Chain]
  let compute: Compute
  /// Most elements of scratch that a factor needs for a row.
  let scratchOfRow: Int

  var byteCount: Int { chains.reduce(0) { $0 + $1.factors.reduce(0) { $0 + $1.byteCount } } }

  /// Prepares the cheapest form within `memoryLimit` bytes.
  /// - Throws: `.invalidArgument` when no form fits the limit or the compute precision; `.outOfMemory`.
  init(
    _ matrix: CompressedMatrix, memoryLimit: Int, compute: Compute, executor: Executor
  ) throws(TTKitError) {
    let size = MemoryLayout<T>.stride
    let form = PreparedForm(matrix, memoryLimit: memoryLimit, compute: compute)
    guard compute == .full || form.usesCodes else { throw Compute.refusal(matrix) }
    guard form.byteCount(size) <= memoryLimit else {
      throw .invalidArgument(
        "memory_limit is \(memoryLimit) bytes, this layer needs \(form.byteCount(size)); "
          + "raise the limit")
    }
    var chains: [Chain] = []
    if form.isByTerms {
      for (term, parts) in zip(matrix.terms, form.terms) {
        chains.append(try Self.chain(term, parts, matrix, compute, executor))
      }
    } else {
      chains = [
        Chain(factors: [try PackedMatrix(matrix.dense(T.self), executor: executor)])
      ]
    }
    self.chains = chains
    self.compute = compute
    scratchOfRow = chains.flatMap(\.factors).map(\.scratchOfRow).max() ?? 0
  }

  /// The factors of one term: integers stay packed where the form says so, others become floats.
  private static func chain(
    _ term: Term, _ form: PreparedForm.TermForm, _ matrix: CompressedMatrix, _ compute: Compute,
    _ executor: Executor
  ) throws(TTKitError) -> Chain {
    var floats: [Tensor<T>] = []
    if form.factors.contains(where: { $0.packs == nil }) {
      if form.factors.count == 1 {
        let part = CompressedMatrix(
          rows: matrix.rows, columns: matrix.columns, terms: [term], error: .nan)
        floats = [try part.dense(T.self)]
      } else {
        let (a, b) = try term.factors(T.self)
        floats = [try a.resized(rows: matrix.rows, columns: a.shape[1]), b]
      }
    }
    var factors: [any Multiplier<T>] = []
    for (k, factor) in form.factors.enumerated() {
      if let (codes, layout) = factor.packs {
        let packed = try PackedCodes(
          codes, layout, roundsActivations: compute == .int8, executor: executor)
        guard let same = packed as? any Multiplier<T> else {
          throw .internal("packed integers in a layer of \(T.dtype.name)")
        }
        factors.append(same)
      } else {
        factors.append(try PackedMatrix(floats[k], executor: executor))
      }
    }
    return Chain(factors: factors)
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
