/// Fitting a sum of terms to a matrix: one after the other, then by turns.

/// The terms found so far and the matrix they stand for.
struct TermSum<T: RealScalar> {
  private(set) var terms: [Term] = []
  /// ‖matrix − sum of terms‖ / ‖matrix‖ after storage, in the metric of the moment.
  private(set) var error = 1.0
  private let matrix: Tensor<T>
  private let moment: InputMoment?
  private let padsRows: Bool
  private let executor: Executor
  /// Formats and storages as they were asked for: a refit may reach other ranks.
  private var wishes: [(format: any Format, storage: any Storage)] = []
  private var parts: [Tensor<T>] = []
  private static var mostSweeps: Int { 4 }

  init(_ matrix: Tensor<T>, moment: InputMoment? = nil, padsRows: Bool, executor: Executor) {
    self.matrix = matrix
    self.moment = moment
    self.padsRows = padsRows
    self.executor = executor
  }

  /// Fits one more term to what is left over.
  mutating func append(_ format: any Format, _ storage: any Storage) throws(TTKitError) {
    let (term, part) = try fitted(format, storage, to: try rest(without: nil))
    wishes.append((format, storage))
    terms.append(term)
    parts.append(part)
    error = try errorNow()
  }

  /// Refits each term to what the others leave over, a few times round.
  ///
  /// A refit that does not lower the error is dropped, so the error never increases; sweeps end when
  /// one gains less than a hundredth.
  /// - Source: alternation of Y. Li et al., LoftQ, ICLR 2024, algorithm 1, for any formats and storages.
  mutating func improve() throws(TTKitError) {
    guard terms.count > 1 else { return }
    for _ in 0..<Self.mostSweeps {
      let before = error
      for k in terms.indices {
        let (term, part) = try fitted(
          wishes[k].format, wishes[k].storage, to: try rest(without: k))
        var candidate = self
        candidate.terms[k] = term
        candidate.parts[k] = part
        candidate.error = try candidate.errorNow()
        if candidate.error < error { self = candidate }
      }
      if error > 0.99 * before { return }
    }
  }

  /// The matrix minus all terms but `k`.
  private func rest(without k: Int?) throws(TTKitError) -> Tensor<T> {
    var rest = matrix
    for (i, part) in parts.enumerated() where i != k { rest = try subtracted(rest, part) }
    return rest
  }

  private func errorNow() throws(TTKitError) -> Double {
    let lost = try norm(lost())
    return lost == 0 ? 0 : lost / (try norm(matrix))
  }

  /// The matrix minus all terms.
  func lost() throws(TTKitError) -> Tensor<T> { try rest(without: nil) }

  private func norm(_ tensor: Tensor<T>) throws(TTKitError) -> Double {
    guard let moment else { return tensor.norm }
    return try moment.squaredNorm(tensor).squareRoot()
  }

  private func fitted(
    _ format: any Format, _ storage: any Storage, to target: Tensor<T>
  ) throws(TTKitError) -> (Term, Tensor<T>) {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let full = try format.equation(rows: rows, columns: columns)
    try CompressedMatrix.requireRows(full, rows, padsRows, format)
    let padded = try target.resized(rows: full.rowCount, columns: columns)
    let term: Term
    if let moment {
      term = try Term(
        format: format, storage: storage, matrix: padded, moment: moment, executor: executor)
    } else {
      term = try Term(
        format: format, storage: storage, cores: format.fit(padded, executor: executor), rows: rows,
        columns: columns)
    }
    let alone = CompressedMatrix(rows: rows, columns: columns, terms: [term], error: .nan)
    return (term, try alone.dense(T.self))
  }
}
