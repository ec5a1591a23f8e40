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
let peelingShare = 1.0 / 16

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
    // After the first core the rank to expect is known.
    var samples = right == 1 ? 32 : right + max(12, right / 4)
    // Where rows that lost too much begin.
    var odd: [Int] = []
    var failures = 0
    for _ in 0..<5 {
      guard let (rows, columns, taken) = merged(forSamples: samples) else { return .insufficient }
      var sketch = try sampledRows(current, rows, columns, count: samples, &random)
      // Rows can be zero by chance; only a known norm says that all is well.
      let largest = sketch.largestComponent
      if !(isNear(largest, T.Real.self) || budget != nil && largest.isFinite) { return .outOfRange }
      // Each sample is a sum of four rows.
      let norm = sketch.norm
      let scale = Double(4 * samples) / Double(rows)
      let squares = budget.map { $0.norm * $0.norm } ?? norm * norm / scale
      let guess =
        (budget
        ?? TruncationBudget(
          options.truncation, norm: squares.squareRoot(), exponent: exponent, steps: 1,
          rounding: TruncationBudget<T.Real>.rounding(ofSteps: bond(0))))
        .limit(share: peelingShare, columns: columns)
      // What samples and passes missed before goes in as it is.
      let known = Set(odd.map { $0 / columns } + suspects.map { $0 * right / columns }).sorted()
      if !known.isEmpty {
        sketch = try stacked(sketch, chosenRows(current, known, columns: columns))
      }
      let most = known.count + (right == 1 ? samples * 4 / 5 : samples - 8)
      guard
        var basis = try leadingRows(
          sketch, dropping: min(0.25 * guess * scale, norm * norm), most: most)
      else {
        // A rank cap that binds anyway: more samples would only serve what it cuts off.
        let cap = options.truncation.cap(afterCore: bond(taken))
        if samples * 4 / 5 - 8 >= cap { return .insufficient }
        samples = moreSamples(samples)
        continue
      }
      basis = try orthonormalized(rows: basis)
      let measure = lossMeasure(guess / squares, columns: columns, rank: basis.shape[0])
      /// On `rows`, which are all of the basis or, unless the loss is explicit, the last of it.
      func passed(_ rows: Tensor<T>, of basis: Tensor<T>) throws(TTKitError) -> Projection<T> {
        let probes = measure == .probes ? 12 : 0
        try ledger.require(
          projectionBytes(
            current, columns: columns, rank: rows.shape[0] + probes,
            explicit: measure == .explicit, threads: executor.threads),
          "a projection on \(rows.shape[0]) of \(columns) columns")
        notePass()
        let tested =
          try probes > 0 ? stacked(rows, probed(basis, count: probes, &random)) : rows
        return try project(
          current, columns: columns, on: tested, measure, probes: probes,
          orthogonal: columns - basis.shape[0], executor: executor, progress: progress)
      }
      var pass = try passed(basis, of: basis)
      for attempt in 0..<2 {
        if budget == nil {
          guard isNear((pass.squares / Double(current.count)).squareRoot(), T.Real.self) else {
            return .outOfRange
          }
          budget = TruncationBudget(
            options.truncation, norm: pass.squares.squareRoot(), exponent: exponent,
            steps: modes.count - 1,
            rounding: TruncationBudget<T.Real>.rounding(ofSteps: modes.count - 1))
        }
        // The basis' distance from orthonormality, and roundings of sums; of a random measure three
        // times what it shows, which all but 1 of 60 are below even if one direction holds all.
        var loss = max(pass.loss, 0)
        if measure == .difference {
          loss += (try defect(of: basis).norm + certificateBlur(T.self)) * pass.squares
        } else if measure == .probes {
          loss = 3 * loss + probeBlur(T.self, columns) * pass.squares
        }
        let limit = budget!.limit(share: peelingShare, columns: columns)
        if loss <= limit {
          budget!.drop(squared: loss)
          peel(basis, taken, leaving: pass.y, by: .sampled, odd: odd.map { $0 / columns })
          return .peeled
        }
        failures += 1
        // Each further pass costs a good part of what the exact way does.
        if failures == 3 { return .insufficient }
        if attempt == 1 { break }
        let worst = try worstResidues(current, columns: columns, basis, pass)
        let size = worst.residues.norm
        guard
          let more = try leadingRows(
            worst.residues, dropping: min(0.1 * limit, size * size), most: worst.rows.count)
        else { break }
        odd = worst.rows.map { $0 * columns }
        let r = basis.shape[0]
        let wider = try lq(stacked(basis, more)).q
        if wider.shape[0] > columns / 2 { break }
        if measure == .explicit {
          basis = try orthonormalized(rows: wider)
          pass = try passed(basis, of: basis)
        } else {
          // What is projected already stays; the new directions alone cost little more than a read.
          let added = try wider.block(at: [r, 0], shape: [wider.shape[0] - r, columns])
          ledger.hold(pass.y.byteCount)
          defer { ledger.release(pass.y.byteCount) }
          let kept = pass
          basis = try stacked(basis, added)
          pass = try kept.joined(passed(added, of: basis), measure)
        }
      }
      samples = moreSamples(samples)
    }
    return .insufficient
  }
}

extension Peeling {
  /// How a pass is to measure its loss when it may lose this share of the squares.
  private func lossMeasure(_ share: Double, columns: Int, rank: Int) -> LossMeasure {
    // Where it costs next to nothing, the exact loss is better than a bound.
    if current.count < 1 << 20 { return .explicit }
    if share >= 4 * certificateBlur(T.self) { return .difference }
    // For double precision the exact loss is affordable, and no chance is left.
    let single = T.Real.dtype == .float32
    return single && columns >= rank + 64 && share >= 4 * probeBlur(T.self, columns)
      ? .probes : .explicit
  }
}

/// Random orthonormal rows that are orthogonal to those of `basis`.
func probed<T: Scalar>(
  _ basis: Tensor<T>, count: Int, _ random: inout SeededGenerator
) throws(TTKitError) -> Tensor<T> {
  var cores = RandomCores<T>(seed: random.next())
  var rows = try cores.matrix(rows: count, columns: basis.shape[1])
  // Twice is enough (Kahan, Parlett).
  for _ in 0..<2 {
    rows = try remainder(of: rows, product(rows, basis, .plain, .conjugateTransposed), basis)
    rows = try withoutTriangle(rows, gramTriangle(rows, .rows), .rows)
  }
  return rows
}

/// Relative squared error that roundings of eps in each probe come to, scaled up from a few to all columns.
private func probeBlur<T: Scalar>(_ type: T.Type, _ columns: Int) -> Double {
  Double(columns) * T.eps * T.eps
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

/// The leading right singular vectors of a few rows, as rows: all but squares of this sum; nil when that
/// takes more than `most`.
private func leadingRows<T: Scalar>(
  _ rows: Tensor<T>, dropping bound: Double, most: Int
) throws(TTKitError) -> Tensor<T>? {
  func rank(_ squares: [Double]) -> Int {
    var tail = 0.0
    var rank = squares.count
    while rank > 1, tail + squares[rank - 1] <= bound {
      tail += squares[rank - 1]
      rank -= 1
    }
    return rank
  }
  let norm = rows.norm
  if bound >= 32 * Double.ulpOfOne * norm * norm, rows.shape[0] <= rows.shape[1] {
    // Eigenvalues of the Gram matrix resolve the bound, in a third of the time.
    let (values, vh) = try gramEigen(rows, .rows)
    let r = rank(values.reversed().map { max($0, 0) })
    guard r <= most else { return nil }
    let first = values.count - r
    if values[first] >= 1e3 * Double.ulpOfOne * norm * norm {
      let factors = values[first...].map { T.Real(1 / $0.squareRoot()) }
      let leading = try product(vh.block(at: [first, 0], shape: [r, values.count]), rows)
        .rowsScaled(by: factors)
      let triangle = try gramTriangle(leading, .rows, tolerance: 0.25)
      if triangle.rank == r { return try withoutTriangle(leading, triangle, .rows) }
    }
  }
  let (l, q) = try lq(rows)
  let (_, s, vh) = try svd(l)
  let r = rank(s.map { Double($0) * Double($0) })
  guard r <= most else { return nil }
  return try product(vh.block(at: [0, 0], shape: [r, vh.shape[1]]), q)
}

extension Scalar {
  /// Distance from 1 to the next number.
  static var eps: Double { Double(Real.ulpOfOne) }
}
