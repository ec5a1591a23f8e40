/// Which factors of a weight multiply as codes that stay packed.

/// Precision of the activations that meet integer weights.
public enum Compute: Sendable, Equatable {
  /// The layer's own dtype.
  case full
  /// Each row of activations rounded to 8 bits by its own scale.
  case int8

  static func refusal(_ matrix: CompressedMatrix) -> TTKitError {
    .invalidArgument(
      "compute is int8, but no core of \(matrix.spec) is held as codes that can stay packed; "
        + "use a storage such as int8(group=row), int4(group=32) or kmeans4")
  }
}

/// The factors of a float32 weight whose integers stay packed, from shapes and storages alone.
struct PackedForm {
  /// One matrix to multiply by, and the integers it may be packed as. Sizes of factors that nobody has
  /// made need not fit an `Int`, so sums are of `Double`.
  struct Factor {
    let rows: Int
    let columns: Int
    var packs: (codes: PackableCodes, layout: PackedCodes.Layout)?

    var elements: Double { Double(rows) * Double(columns) }
    var floatBytes: Double { elements * 4 }

    /// Bytes when packed, in whole panels.
    func byteCount(_ cost: CostModel) -> Double {
      packs.map { Double($0.layout.byteCount) } ?? cost.panelBytes(rows, columns)
    }
  }

  struct TermForm {
    var factors: [Factor]
    var isPacked: Bool { factors.contains { $0.packs != nil } }
  }

  /// Of all terms but those of few entries.
  let terms: [TermForm]
  private let sparse: SparseCost

  /// nil when a term is neither one matrix nor a product of two nor sparse, or when nothing stays packed.
  ///
  /// - Parameter everything: pack all integers, not only those whose floats exceed a cache.
  init?(_ matrix: CompressedMatrix, everything: Bool) {
    let found = matrix.withoutSparse.terms.map { Self.form($0, matrix) }
    var terms = found.compactMap { $0 }
    guard terms.count == found.count else { return nil }
    if !everything {
      for t in terms.indices {
        for f in terms[t].factors.indices
        where terms[t].factors[f].floatBytes <= CostModel.cachedBytes {
          terms[t].factors[f].packs = nil
        }
      }
    }
    guard terms.contains(where: \.isPacked) else { return nil }
    self.terms = terms
    sparse = SparseCost(matrix)
  }

  private var factors: [Factor] { terms.flatMap(\.factors) }

  /// Half the flops of one row.
  var elements: Double { factors.reduce(sparse.elements) { $0 + $1.elements } }

  /// Bytes that are packed.
  func byteCount(_ cost: CostModel) -> Double {
    factors.reduce(sparse.byteCount(cost)) { $0 + $1.byteCount(cost) }
  }

  /// Seconds of one execute, as of floats.
  func time(_ cost: CostModel, rows: Double) -> Double {
    factors.reduce(sparse.time(cost, rows: rows)) {
      let (n, k) = (Double($1.rows), Double($1.columns))
      return $0 + cost.time(batch: 1, m: rows, n: n, k: k, isPacked: true)
    }
  }

  /// A term's factors; nil when it is neither one matrix nor a product of two.
  private static func form(_ term: Term, _ matrix: CompressedMatrix) -> TermForm? {
    if term.format is Dense || term.input != nil {
      // One core; behind an operator it has the columns that come out of that.
      let wide = term.equation.columnCount
      let packs = packs(term.cores[0], [matrix.rows, wide])
      let columns = packs == nil ? matrix.columns : wide
      return TermForm(factors: [Factor(rows: matrix.rows, columns: columns, packs: packs)])
    }
    guard let inner = PreparedFactors<Float>.innerLength(term) else { return nil }
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
  ) -> (PackableCodes, PackedCodes.Layout)? {
    guard core.shape == shape, let codes = PackableCodes(core),
      let layout = PackedCodes.Layout(codes)
    else { return nil }
    return (codes, layout)
  }
}
