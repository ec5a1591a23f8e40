/// An embedding: rows of a compressed table by index.

public final class Embedding: Sendable {
  public let matrix: CompressedMatrix

  public var rows: Int { matrix.rows }
  public var features: Int { matrix.columns }
  public var dtype: DType { matrix.computeDType }
  public var byteCount: Int { matrix.byteCount }

  public init(matrix: CompressedMatrix) { self.matrix = matrix }

  /// - Parameters:
  ///   - maxCount: most ids of one execute, at least 1.
  ///   - memoryLimit: bytes that prepared forms may take; nil: what a lookup needs, and 16 MiB for
  ///     products of cores that save work.
  public func prepare(
    maxCount: Int, memoryLimit: Int? = nil, executor: Executor = Executor()
  ) throws(TTKitError) -> EmbeddingPlan {
    guard maxCount >= 1 else {
      throw .invalidArgument("max_rows is \(maxCount), expected at least 1")
    }
    // Ids of 8 bytes and rows: what one execute reads and writes must have a size.
    _ = try checkedProduct([maxCount, max(8, try checkedProduct([features, dtype.size]))])
    let lookup: any RowLookup =
      dtype == .float64
      ? try rowLookup(Double.self, memoryLimit) : try rowLookup(Float.self, memoryLimit)
    if let memoryLimit, lookup.byteCount > memoryLimit {
      throw .invalidArgument(
        "memory_limit is \(memoryLimit) bytes, this table needs \(lookup.byteCount); raise the limit"
      )
    }
    // Scratch of all tasks beside a row each: a lookup's own is checked where it is made.
    _ = try checkedProduct([4 * EmbeddingPlan.mostTasks, features, dtype.size])
    return EmbeddingPlan(
      lookup: lookup, rows: rows, features: features, dtype: dtype, maxCount: maxCount,
      executor: executor)
  }

  /// The way to a row that suits the terms: decoded in place, two factors, a chain of cores, a table.
  private func rowLookup<T: RealScalar>(
    _ type: T.Type, _ limit: Int?
  ) throws(TTKitError) -> any RowLookup {
    let sparse = matrix.sparseTerms
    if !sparse.isEmpty {
      let others = matrix.withoutSparse
      let base = others.terms.isEmpty ? nil : try Embedding(matrix: others).rowLookup(type, limit)
      return SparseLookup<T>(base: base, sparse: sparse.map { $0.cores[0] }, features: features)
    }
    if matrix.terms.count == 1 {
      let term = matrix.terms[0]
      if term.format is Dense {
        let core = term.cores[0]
        if T.dtype == .float32, let rows = CodedRows(core) { return rows }
        if let rows = FloatRows(core, computing: T.dtype) { return rows }
        return EncodedRows<T>(core: core)
      }
      if let shape = term.input { return try FoldedRows<T>(term.cores[0], shape) }
      if term.format is TrainMatrixFormat {
        return try ChainRows<T>(term, features: features, limit: limit)
      }
      if term.equation.factors != nil { return try FactorRows<T>(term) }
    }
    return TableRows<T>(table: try matrix.dense(type))
  }
}
