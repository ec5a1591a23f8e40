/// Which form of a weight a plan multiplies by: dense, factors, or integers that stay packed.

/// Precision of the activations that meet integer weights.
public enum Compute: Sendable, Equatable {
  /// The layer's own dtype.
  case full
  /// Each row of activations rounded to 8 bits by its own scale.
  case int8

  static func refusal(_ matrix: CompressedMatrix) -> TTKitError {
    .invalidArgument(
      "compute is int8, but no core of \(matrix.spec) is held as integers that can stay packed; "
        + "use a storage such as int8(group=row) or int4(group=32)")
  }
}

/// The choice for one weight, made from shapes, storages and limits alone.
struct PreparedForm {
  /// One matrix to multiply by, and the integers it may be packed as.
  struct Factor {
    let rows: Int
    let columns: Int
    var packs: (codes: IntegerCodes, layout: PackedCodes.Layout)?

    var floatBytes: Int { rows * columns * 4 }

    func byteCount(_ size: Int) -> Int { packs?.layout.byteCount ?? rows * columns * size }
  }

  struct TermForm {
    var factors: [Factor]
    var elements: Int { factors.reduce(0) { $0 + $1.rows * $1.columns } }
    var isPacked: Bool { factors.contains { $0.packs != nil } }
  }

  /// True when each term is multiplied by itself; false for the dense sum.
  let isByTerms: Bool
  let terms: [TermForm]
  private let dense: Int

  /// Floats of this many bytes stay in a second-level cache, where they may be faster than codes. Measured
  /// hot, 4 bits, one thread: 590 kB of floats and their codes take the same time at 1, 8 and 32 rows, 2.4 MB
  /// of floats twice that of their codes.
  private static let cached = 1 << 19

  /// - Parameter memoryLimit: codes stay packed where floats would exceed it.
  init(_ matrix: CompressedMatrix, memoryLimit: Int = .max, compute: Compute = .full) {
    // Sizes of a weight that was made, so they fit.
    dense = matrix.rows * matrix.columns
    let found = matrix.terms.map { Self.form($0, matrix) }
    var terms = found.compactMap { $0 }
    guard terms.count == found.count else {
      (self.terms, isByTerms) = ([], false)
      return
    }
    let thin = terms.reduce(0) { $0 + $1.elements }
    let floats = min(thin, dense) * 4
    let mustPack = compute == .int8 || floats > memoryLimit
    if !mustPack {
      for t in terms.indices {
        for f in terms[t].factors.indices where terms[t].factors[f].floatBytes <= Self.cached {
          terms[t].factors[f].packs = nil
        }
      }
    }
    self.terms = terms
    isByTerms = thin < dense || terms.contains { $0.isPacked }
  }

  var usesCodes: Bool { isByTerms && terms.contains { $0.isPacked } }

  /// Elements that are multiplied: half the flops of one row.
  var elements: Int { isByTerms ? terms.reduce(0) { $0 + $1.elements } : dense }

  /// Bytes that are packed, for floats of this size.
  func byteCount(_ size: Int) -> Int {
    guard isByTerms else { return dense * size }
    return terms.reduce(0) { $0 + $1.factors.reduce(0) { $0 + $1.byteCount(size) } }
  }

  /// A term's factors; nil when it is neither one matrix nor a product of two.
  private static func form(_ term: Term, _ matrix: CompressedMatrix) -> TermForm? {
    if term.format is Dense {
      let packs = packs(term.cores[0], [matrix.rows, matrix.columns])
      return TermForm(factors: [Factor(rows: matrix.rows, columns: matrix.columns, packs: packs)])
    }
    guard let inner = innerLength(term) else { return nil }
    var factors = [
      Factor(rows: matrix.rows, columns: inner), Factor(rows: inner, columns: matrix.columns),
    ]
    if term.format is LowRank {
      // Its two cores are the factors as they are.
      for k in 0...1 {
        factors[k].packs = packs(term.cores[k], [factors[k].rows, factors[k].columns])
      }
    }
    return TermForm(factors: factors)
  }

  /// A core as packed integers of this shape.
  private static func packs(
    _ core: EncodedCore, _ shape: [Int]
  ) -> (IntegerCodes, PackedCodes.Layout)? {
    guard core.shape == shape, let codes = IntegerCodes(core),
      let layout = PackedCodes.Layout(codes)
    else { return nil }
    return (codes, layout)
  }

  /// Inner length when the term is a product of two matrices; nil when it is not.
  private static func innerLength(_ term: Term) -> Int? {
    guard let (left, right) = term.equation.factors else { return nil }
    let leftAxes = Set(left.flatMap { term.equation.operands[$0] })
    let rightAxes = Set(right.flatMap { term.equation.operands[$0] })
    return leftAxes.intersection(rightAxes).reduce(1) { $0 * $1.length }
  }
}
