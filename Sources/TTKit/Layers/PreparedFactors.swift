/// Weights ready to multiply, in the form that is predicted to be fastest.

/// How a layer is executed.
enum LayerForm: Sendable, Equatable {
  /// One packed dense matrix.
  case dense
  /// Each term as two thin packed matrices.
  case split
  /// Each term as a network of packed cores; products of cores up to so many elements are made once.
  case network(rows: Int, mostConstant: Int)
  /// The same with cores whose codes stay packed: where that is predicted to be faster, or all that can.
  case codes(rows: Int, everything: Bool)
  /// Each term as a network with rows side by side in lanes.
  case lanes(mostConstant: Int)
  /// Each term as a network whose cores are decoded in every execute: nothing is kept.
  case streamed(rows: Int)
  /// Each term as one or two matrices, of integers that stay packed: all that can, or large ones only.
  case packed(everything: Bool, compute: Compute)
  /// The dense matrix, rounded to 8 bits by row, times rows of 8 bits.
  case rounded

  /// True when a term of few entries is part of the matrix, not a product of its own.
  var mergesSparse: Bool {
    switch self {
    case .dense, .streamed: return true
    case .split, .network, .codes, .lanes, .packed, .rounded: return false
    }
  }

  /// For people.
  var description: String {
    switch self {
    case .dense: return "dense"
    case .split: return "two matrices"
    case .network(let rows, let most): return "network, \(rows) rows a tile\(merged(most))"
    case .codes(let rows, _): return "network of packed codes, \(rows) rows a tile"
    case .lanes(let most): return "network, rows in lanes\(merged(most))"
    case .streamed: return "network, cores decoded in every execute"
    case .rounded: return "the matrix in 8 bits, int8 rows"
    case .packed(_, let compute): return compute == .int8 ? "integers, int8 rows" : "integers"
    }
  }

  private func merged(_ mostConstant: Int) -> String { mostConstant > 1 ? ", cores merged" : "" }
}

/// A compressed matrix unpacked and packed for products, shared by all plans of a layer.
final class PreparedFactors<T: RealScalar>: Sendable {
  /// Factors are applied right to left: y = ((x · Fₙᵀ) · ...) · F₁ᵀ.
  struct Chain: Sendable {
    /// What x meets before all factors.
    var lift: PreparedOperator<T>?
    let factors: [any Multiplier<T>]
  }

  let form: LayerForm
  let inFeatures: Int
  let outFeatures: Int
  let chains: [Chain]
  let networks: [TermNetwork<T>]
  let lanes: [LaneNetwork<T>]
  /// Terms of few entries, added to what all others make.
  let sparse: [SparseRows<T>]
  /// Most elements of scratch that a factor needs for a row.
  let scratchOfRow: Int

  var byteCount: Int {
    chains.reduce(0) { $0 + $1.factors.reduce(0) { $0 + $1.byteCount } }
      + networks.reduce(0) { $0 + $1.byteCount } + lanes.reduce(0) { $0 + $1.byteCount }
      + sparse.reduce(0) { $0 + $1.byteCount }
  }

  /// Prepares `form`, which ``LayerChoice`` chose.
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  init(
    _ whole: CompressedMatrix, form: LayerForm, executor: Executor
  ) throws(TTKitError) {
    self.form = form
    inFeatures = whole.columns
    outFeatures = whole.rows
    let matrix = form.mergesSparse ? whole : whole.withoutSparse
    var sparse: [SparseRows<T>] = []
    for term in form.mergesSparse ? [] : whole.sparseTerms {
      sparse.append(try SparseRows(term.cores[0]))
    }
    self.sparse = sparse
    var chains: [Chain] = []
    var networks: [TermNetwork<T>] = []
    var lanes: [LaneNetwork<T>] = []
    switch form {
    case .dense:
      let dense = try matrix.dense(T.self, executor: executor)
      chains = [Chain(factors: [try PackedMatrix(dense, executor: executor)])]
    case .split:
      for term in matrix.terms { chains.append(try Self.splitChain(term, matrix, executor)) }
    case .packed(let everything, let compute):
      let parts = PackedForm(matrix, everything: everything)?.terms ?? []
      for (term, parts) in zip(matrix.terms, parts) {
        chains.append(try Self.packedChain(term, parts, matrix, compute, executor))
      }
    case .rounded:
      chains = [Chain(factors: [try Self.rounded(matrix, executor)])]
    case .network(let rows, let mostConstant):
      networks = try Self.networks(matrix, rows, mostConstant, executor) { (_, _) in [] }
    case .codes(let rows, let everything):
      networks = try Self.networks(matrix, rows, 1, executor) {
        $0.codedLayouts($1, everything: everything)
      }
    case .lanes(let mostConstant):
      for term in matrix.terms {
        let plan = try TermNetwork<T>.plan(
          term.equation, rows: LaneNetwork<T>.width, scheme: .lanes, isPrepared: true,
          mostConstant: mostConstant)
        lanes.append(
          try LaneNetwork(term, plan: plan, outputs: matrix.rows, executor: executor))
      }
    case .streamed(let rows):
      for term in matrix.terms {
        let plan = try TermNetwork<T>.plan(
          term.equation, rows: rows, isPrepared: false, mostConstant: .max)
        networks.append(
          try TermNetwork(term, plan: plan, isPrepared: false, executor: executor))
      }
    }
    self.chains = chains
    self.networks = networks
    self.lanes = lanes
    scratchOfRow = chains.flatMap(\.factors).map(\.scratchOfRow).max() ?? 0
  }

  private static func networks(
    _ matrix: CompressedMatrix, _ rows: Int, _ mostConstant: Int, _ executor: Executor,
    coded: (ContractionPlan, [EncodedCore]) -> [CodedLayout?]
  ) throws(TTKitError) -> [TermNetwork<T>] {
    var networks: [TermNetwork<T>] = []
    for term in matrix.terms {
      let plan = try TermNetwork<T>.plan(
        term.equation, rows: rows, isPrepared: true, mostConstant: mostConstant)
      networks.append(
        try TermNetwork(
          term, plan: plan, isPrepared: true, coded: coded(plan, term.cores), executor: executor))
    }
    return networks
  }

  /// Inner length when the term is a product of two matrices; nil when it is not.
  static func innerLength(_ term: Term) -> Int? {
    guard let (left, right) = term.equation.factors else { return nil }
    let leftAxes = Set(left.flatMap { term.equation.operands[$0] })
    let rightAxes = Set(right.flatMap { term.equation.operands[$0] })
    return saturated(leftAxes.intersection(rightAxes).map(\.length))
  }

  private static func splitChain(
    _ term: Term, _ matrix: CompressedMatrix, _ executor: Executor
  ) throws(TTKitError) -> Chain {
    let (a, b) = try term.factors(T.self, executor: executor)
    let left = try a.resized(rows: matrix.rows, columns: a.shape[1])
    return Chain(factors: [
      try PackedMatrix(left, executor: executor), try PackedMatrix(b, executor: executor),
    ])
  }

  /// The matrix as 8-bit integers of its rows: less of an error than that of rounding the rows of x.
  private static func rounded(
    _ matrix: CompressedMatrix, _ executor: Executor
  ) throws(TTKitError) -> any Multiplier<T> {
    let dense = try matrix.dense(Float.self, executor: executor)
    let core = try EncodedCore(dense, storage: IntegerStorage(bits: 8, group: .row))
    guard let codes = PackableCodes(core), let layout = PackedCodes.Layout(codes),
      let packed = try PackedCodes(codes, layout, roundsActivations: true, executor: executor)
        as? any Multiplier<T>
    else { throw .internal("8-bit integers that do not pack, in a layer of \(T.dtype.name)") }
    return packed
  }

  /// The factors of one term: integers stay packed where the form says so, others become floats.
  private static func packedChain(
    _ term: Term, _ form: PackedForm.TermForm, _ matrix: CompressedMatrix, _ compute: Compute,
    _ executor: Executor
  ) throws(TTKitError) -> Chain {
    var floats: [Tensor<T>] = []
    if form.factors.contains(where: { $0.packs == nil }) {
      if form.factors.count == 1 {
        let part = CompressedMatrix(
          rows: matrix.rows, columns: matrix.columns, terms: [term], error: .nan)
        floats = [try part.dense(T.self, executor: executor)]
      } else {
        let (a, b) = try term.factors(T.self, executor: executor)
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
    // Floats were folded with the operator; packed codes were not.
    let lift =
      form.isPacked
      ? try term.input.map { (shape) throws(TTKitError) in
        try PreparedOperator<T>(shape, executor: executor)
      } : nil
    return Chain(lift: lift, factors: factors)
  }
}

extension Term {
  /// The two matrices A (rows, inner) and B (inner, columns) with W = A · B.
  ///
  /// - Precondition: `equation.factors` is not nil.
  func factors<T: RealScalar>(
    _ type: T.Type, executor: Executor = .serial
  ) throws(TTKitError) -> (Tensor<T>, Tensor<T>) {
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
    let a = try contract(left.map { all[$0] }, to: equation.rows + inner, executor: executor)
    let b = try contract(
      right.map { all[$0] }, to: inner + equation.columns, executor: executor)
    let length = inner.reduce(1) { $0 * $1.length }
    return (a.reshaped([equation.rowCount, length]), b.reshaped([length, equation.columnCount]))
  }
}
