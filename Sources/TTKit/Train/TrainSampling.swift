/// The fast way to peel modes off a large tensor: a basis from a few sampled rows, verified on all of them.
///
/// Goals, in order: never a larger error than allowed, by measurement; same bits for the same seed; one
/// pass. A pass that loses too much says in which rows, and their residues extend the basis for a second
/// one: that finds a lonely spike. Where the rows' singular values fall too slowly for any sample, the
/// caller takes the exact way by QR.

/// What a try by samples ended in.
enum SampledPeel {
  case peeled
  /// The exact way has to be taken; nothing has changed.
  case insufficient
  /// Numbers too large, too small, all zero or none: look at all of them first.
  case outOfRange
}

/// Share of the remaining budget that one peeling may use: small, so that the sweep over single modes
/// decides the ranks with nearly all of it.
let peelingShare = 1.0 / 32

extension Peeling {
  /// Peels one thick core off the right end if samples give a basis that loses no more than this step may.
  ///
  /// - Parameter budget: nil as long as the norm is not known; the first pass finds it.
  /// - Complexity: one pass of 2 N r operations for N elements where ‖x‖² − ‖y‖² resolves the tolerance, of
  ///   4 N r for tighter ones; the sample itself is small.
  mutating func peelBySampling(
    _ options: DecompositionOptions, _ budget: inout TruncationBudget<T.Real>?, exponent: Int,
    _ executor: Executor, _ progress: ProgressReporter
  ) throws(TTKitError) -> SampledPeel {
    var random = SeededGenerator(seed: options.seed &+ UInt64(peeled.count))
    var samples = right == 1 ? 32 : right + max(12, right / 4)
    var extra: Tensor<T>?
    var failures = 0
    for _ in 0..<5 {
      guard let (rows, columns, taken) = merged(forSamples: samples) else { return .insufficient }
      let sketch = try sampledRows(current, rows, columns, count: samples, &random)
      // Rows can be zero by chance; only a known norm says that all is well.
      let largest = sketch.largestComponent
      if !(isNear(largest, T.Real.self) || budget != nil && largest.isFinite) { return .outOfRange }
      // Each sample is a sum of four rows.
      let norm = sketch.norm
      let squares =
        budget.map { $0.norm * $0.norm }
        ?? norm * norm * Double(rows) / Double(4 * samples)
      let guess =
        (budget
        ?? TruncationBudget(
          options.truncation, norm: squares.squareRoot(), exponent: exponent, steps: 1,
          rounding: TruncationBudget<T.Real>.rounding(ofSteps: bond(0))))
        .limit(share: peelingShare, columns: columns)
      var basis = try leadingRows(
        sketch, dropping: 0.1 * min(guess / squares, 1), most: samples * 4 / 5)
      if basis == nil {
        // A rank cap that binds anyway: more samples would only serve what it cuts off.
        let cap = options.truncation.cap(afterCore: bond(taken))
        if samples * 4 / 5 - 8 >= cap { return .insufficient }
        samples = moreSamples(samples)
        continue
      }
      if let more = extra, more.shape[1] == columns { basis = try lq(stacked(basis!, more)).q }
      for attempt in 0..<2 {
        let (found, defect) = try orthonormalized(basis!)
        // Where it costs next to nothing, the exact loss is better than a bound.
        let explicit =
          current.count < 1 << 20 || guess < 4 * certificateBlur(T.self) * squares
        try ledger.require(
          projectionBytes(
            current, columns: columns, rank: found.shape[0], explicit: explicit,
            threads: executor.threads), "a projection on \(found.shape[0]) of \(columns) columns")
        notePass()
        let pass = try project(
          current, columns: columns, on: found, explicit: explicit, executor: executor,
          progress: progress)
        if budget == nil {
          guard isNear((pass.squares / Double(current.count)).squareRoot(), T.Real.self) else {
            return .outOfRange
          }
          budget = TruncationBudget(
            options.truncation, norm: pass.squares.squareRoot(), exponent: exponent,
            steps: modes.count - 1,
            rounding: TruncationBudget<T.Real>.rounding(ofSteps: modes.count - 1))
        }
        // The basis' distance from orthonormality, and roundings of sums.
        let blur = explicit ? 0 : (defect + certificateBlur(T.self)) * pass.squares
        let loss = max(pass.loss, 0) + blur
        let limit = budget!.limit(share: peelingShare, columns: columns)
        if loss <= limit {
          budget!.drop(squared: loss)
          peel(found, taken, leaving: pass.y, by: .sampled)
          return .peeled
        }
        failures += 1
        // Each further pass costs a good part of what the exact way does.
        if failures == 3 { return .insufficient }
        if attempt == 1 { break }
        let residues = try worstResidues(current, columns: columns, found, pass)
        guard
          let more = try leadingRows(
            residues, dropping: min(0.1 * limit / (residues.norm * residues.norm), 1),
            most: min(residues.shape[0], 32))
        else { break }
        basis = try lq(stacked(found, more)).q
        if basis!.shape[0] > columns / 2 { break }
        extra = more
      }
      samples = moreSamples(samples)
    }
    return .insufficient
  }
}

/// 32, 68, 128, 256, ...: about twice as many, a little more than that where ranks of 50 and 100, which people
/// ask for, would just not fit into four fifths of them.
private func moreSamples(_ samples: Int) -> Int {
  samples == 32 ? 68 : samples == 68 ? 128 : 2 * samples
}

/// Relative squared error below which ‖x‖² − ‖y‖² may drown in rounding errors.
private func certificateBlur<T: Scalar>(_ type: T.Type) -> Double { 32 * Double(T.Real.ulpOfOne) }

/// Within the range whose squares and products neither overflow nor lose digits.
private func isNear<R: RealScalar>(_ value: Double, _ type: R.Type) -> Bool {
  let near = R.dtype == .float32 ? 20 : 200
  return value > 0 && value.isFinite && abs(Int(value.exponent)) <= near
}

/// The leading right singular vectors of a few rows, as rows: all but a share of the squares; nil when that
/// takes more than `most`.
private func leadingRows<T: Scalar>(
  _ rows: Tensor<T>, dropping share: Double, most: Int
) throws(TTKitError) -> Tensor<T>? {
  let (l, q) = try lq(rows)
  let (_, s, vh) = try svd(l)
  let squares = s.map { Double($0) * Double($0) }
  let bound = share * squares.reduce(0, +)
  var tail = 0.0
  var rank = s.count
  while rank > 1, tail + squares[rank - 1] <= bound {
    tail += squares[rank - 1]
    rank -= 1
  }
  guard rank <= most else { return nil }
  return try product(vh.block(at: [0, 0], shape: [rank, vh.shape[1]]), q)
}

extension Scalar {
  /// Distance from 1 to the next number.
  static var eps: Double { Double(Real.ulpOfOne) }
}
