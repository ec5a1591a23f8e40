/// A tensor on its way to a train: what is still whole, and the thick cores peeled off its right end.

struct Peeling<T: Scalar> {
  private(set) var current: RowSource<T>
  /// Modes of `current`, without the right rank behind them.
  private(set) var modes: [Int]
  private(set) var right = 1
  /// From the right end inwards; rows orthonormal.
  private(set) var peeled: [ThickCore<T>] = []
  /// Rows of `current`, each all that lies behind the last of `modes`, that samples missed before.
  private(set) var suspects: ArraySlice<Int> = []
  var ledger: MemoryLedger
  private(set) var report = DecompositionReport()
  /// Whether `current` is still the caller's tensor.
  var isWhole: Bool { peeled.isEmpty }

  init(_ source: RowSource<T>, limit: Int?) {
    current = source
    modes = source.shape
    ledger = MemoryLedger(limit: limit)
  }

  /// Trailing modes merged into at least `target` columns, but for the first mode.
  ///
  /// Products divide the number of elements, so they fit.
  func merged(_ target: Int) -> (rows: Int, columns: Int, modes: Int) {
    var columns = right
    var taken = 0
    while taken < modes.count - 1, columns < target {
      taken += 1
      columns *= modes[modes.count - taken]
    }
    return (current.count / columns, columns, taken)
  }

  /// Trailing modes for a basis from so many samples: near `target` columns, twice as many rows if there is a
  /// choice; nil when that leaves too few columns to gain from.
  func merged(forSamples samples: Int) -> (rows: Int, columns: Int, modes: Int)? {
    let target = max(512, 8 * samples)
    var columns = right
    var taken = 0
    while taken < modes.count - 1, columns < target {
      let next = columns * modes[modes.count - taken - 1]  // fits: divides the number of elements
      // One mode at least, if both sides leave enough to gain.
      let rows = current.count / next
      if rows < 2 * next, taken > 0 || rows < 2 * samples { break }
      taken += 1
      columns = next
    }
    guard taken > 0, columns >= 2 * samples else { return nil }
    return (current.count / columns, columns, taken)
  }

  /// The bond that merging `taken` modes cuts, as the number of the core before it.
  func bond(_ taken: Int) -> Int { modes.count - taken - 1 }

  mutating func divide(byPowerOfTwo exponent: Int) {
    current = current.divided(byPowerOfTwo: exponent)
  }

  mutating func notePass() { if isWhole { report.passes += 1 } }

  /// - Parameter odd: rows of `rest` that samples may miss.
  mutating func peel(
    _ basis: Tensor<T>, _ taken: Int, leaving rest: Tensor<T>, by method: DecompositionMethod,
    odd: [Int] = []
  ) {
    if isWhole {
      report.method = method
    } else {
      ledger.release(current.count * MemoryLayout<T>.size)
    }
    ledger.hold(basis.byteCount + rest.byteCount)
    peeled.append(ThickCore(matrix: basis, modes: Array(modes.suffix(taken))))
    let merged = modes.suffix(taken).reduce(1, *)  // fits: divides the number of elements
    suspects = Array(Set(suspects.map { $0 / merged } + odd)).sorted().suffix(64)
    modes.removeLast(taken)
    right = basis.shape[0]
    current = RowSource(rest)
  }

  /// What is left, in memory.
  mutating func remainder() throws(TTKitError) -> Tensor<T> {
    if current.needsScratch {
      let bytes = try checkedProduct([current.count, MemoryLayout<T>.size])
      try ledger.require(bytes, "what cannot be split in passes")
      ledger.hold(bytes)
    }
    return try current.loaded()
  }

  func finish(_ first: [ThickCore<T>]) -> [ThickCore<T>] { first + peeled.reversed() }
}
