/// Fitting a sum of terms to a matrix: one after the other, then by turns.

/// The terms found so far and the matrix they stand for.
struct TermSum<T: RealScalar> {
  /// A format and a storage as they were asked for: a refit may reach other ranks.
  typealias Wish = (format: any Format, storage: any Storage)

  /// ‖matrix − sum of terms‖ / ‖matrix‖ after storage, in the metric of the moment.
  private(set) var error = 1.0
  private let matrix: Tensor<T>
  private let moment: InputMoment?
  private let padsRows: Bool
  private let executor: Executor
  private var wishes: [Wish] = []
  /// A term and its matrix for each wish; nil where there is none yet.
  private var found: [(term: Term, part: Tensor<T>)?] = []

  var terms: [Term] { found.compactMap { $0?.term } }

  init(_ matrix: Tensor<T>, moment: InputMoment? = nil, padsRows: Bool, executor: Executor) {
    self.matrix = matrix
    self.moment = moment
    self.padsRows = padsRows
    self.executor = executor
  }

  /// Fits all terms, in their order, then by turns.
  ///
  /// With sparse terms, entries may be kept before the others are fitted or from what these leave over; what
  /// serves best goes on, so the error is never above that of the others alone.
  mutating func fit(_ wishes: [Wish]) throws(TTKitError) {
    let sparse = wishes.indices.filter { wishes[$0].format is Sparse }
    let others = wishes.indices.filter { !(wishes[$0].format is Sparse) }
    guard !sparse.isEmpty, !others.isEmpty else {
      for (format, storage) in wishes { try append(format, storage) }
      return try improve()
    }
    self.wishes = wishes
    found = wishes.map { _ in nil }
    var last = self
    for k in others + sparse { try last.fill(k, nil) }
    var best = last
    var orders: [Sparse.Order] = [.magnitude]
    if others.contains(where: { wishes[$0].storage.hasGridsOfRows }) { orders.append(.withinRow) }
    for order in orders {
      var sum = self
      for k in sparse + others { try sum.fill(k, order) }
      if sum.error < best.error { best = sum }
    }
    self = best
    try improve()
  }

  /// Fits one more term to what is left over.
  mutating func append(_ format: any Format, _ storage: any Storage) throws(TTKitError) {
    wishes.append((format, storage))
    found.append(nil)
    try fill(found.count - 1, nil)
  }

  /// Fits term k to what is left over; a sparse one before all others in the order given, or none of it where
  /// it would do harm.
  private mutating func fill(_ k: Int, _ order: Sparse.Order?) throws(TTKitError) {
    let before = error
    let target = try rest(without: k)
    found[k] = try fitted(wishes[k], to: target, order)
    error = try errorNow()
    if order == nil, wishes[k].format is Sparse, error > before {
      found[k] = try fitted(wishes[k], to: target.map { _ in 0 }, .magnitude)
      error = before
    }
  }

  /// Refits each term to what the others leave over, a few times round.
  ///
  /// A refit that does not lower the error is dropped, so the error never increases; sweeps end when
  /// one gains less than a hundredth.
  /// - Source: alternation of Y. Li et al., LoftQ, ICLR 2024, algorithm 1, for any formats and storages.
  mutating func improve() throws(TTKitError) {
    guard found.count > 1 else { return }
    for _ in 0..<mostSweeps {
      let before = error
      for k in found.indices {
        var candidate = self
        candidate.found[k] = try fitted(wishes[k], to: try rest(without: k), nil)
        candidate.error = try candidate.errorNow()
        if candidate.error < error { self = candidate }
      }
      if error > 0.99 * before { return }
    }
  }

  /// Low rank beside sparse gains slowly but steadily; low bits gain most at once, and cost most.
  private var mostSweeps: Int {
    let isSlow =
      wishes.contains { $0.format is Sparse }
      && !wishes.contains { $0.storage is any ColumnStorage }
    return isSlow ? 64 : 4
  }

  /// The matrix minus all terms but `k`.
  private func rest(without k: Int?) throws(TTKitError) -> Tensor<T> {
    var rest = matrix
    for (i, one) in found.enumerated() where i != k {
      if let one { rest = try subtracted(rest, one.part) }
    }
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

  /// - Parameter order: for sparse terms, of entries to keep as they are; nil: values that fit best.
  private func fitted(
    _ wish: Wish, to target: Tensor<T>, _ order: Sparse.Order?
  ) throws(TTKitError) -> (term: Term, part: Tensor<T>) {
    let (format, storage) = wish
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let full = try format.equation(rows: rows, columns: columns)
    try CompressedMatrix.requireRows(full, rows, padsRows, format)
    let padded = try target.resized(rows: full.rowCount, columns: columns)
    let term: Term
    if let sparse = format as? Sparse, let order {
      term = try Term(
        format: format, storage: storage,
        cores: [sparse.kept(padded, order: order, moment: moment)], rows: rows, columns: columns)
    } else if let moment {
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

extension Storage {
  /// Low bits whose scales or codebooks are not those of the whole core.
  fileprivate var hasGridsOfRows: Bool {
    switch self {
    case let integers as IntegerStorage: return integers.sharing != .tensor
    case let codebook as KMeansStorage: return codebook.sharing != .tensor
    default: return self is any ColumnStorage
    }
  }
}
