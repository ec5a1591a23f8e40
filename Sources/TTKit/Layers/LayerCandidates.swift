/// The forms a layer could run in, with bytes and predicted times.

struct LayerCandidate {
  let form: LayerForm
  let byteCount: Double
  let flopsPerRow: Double
  /// Predicted seconds of one execute.
  let time: (_ rows: Double) -> Double
}

struct LayerCandidates<T: RealScalar> {
  private(set) var all: [LayerCandidate] = []
  private let matrix: CompressedMatrix
  private let cost = CostModel(dtype: T.dtype)

  /// A network must win by this much: its small products run below the model's rate more often.
  private static var margin: Double { 1.25 }
  /// Rows that a network is planned for at once.
  static var tileRows: Int { 32 }

  /// - Parameter tiles: numbers of rows that networks are planned for.
  init(_ matrix: CompressedMatrix, tiles: [Int]) {
    self.matrix = matrix
    addDense()
    addSplit()
    // One matrix or the product of two is what a network of it would be; behind an operator it is no less
    // work than the matrix itself.
    if matrix.terms.allSatisfy({ $0.format is Dense || $0.format is LowRank }) { return }
    if matrix.terms.contains(where: { $0.input != nil }) { return }
    let whole = saturated([matrix.rows, matrix.columns])
    for mostConstant in [whole, 1] {
      addLanes(mostConstant)
      for tile in tiles { addNetwork(tile, mostConstant) }
    }
  }

  /// Bytes of the dense matrix in whole panels.
  var denseBytes: Double { cost.panelBytes(matrix.rows, matrix.columns) }

  private mutating func addDense() {
    let (m, n, cost) = (Double(matrix.rows), Double(matrix.columns), cost)
    all.append(
      LayerCandidate(form: .dense, byteCount: denseBytes, flopsPerRow: 2 * m * n) {
        cost.time(batch: 1, m: $0, n: m, k: n, isPacked: true)
      })
  }

  private mutating func addSplit() {
    let lengths = matrix.terms.compactMap { PreparedFactors<T>.innerLength($0) }
    let inner = lengths.map { Double($0) }
    guard inner.count == matrix.terms.count else { return }
    let (m, n, cost) = (Double(matrix.rows), Double(matrix.columns), cost)
    let bytes = lengths.reduce(0.0) {
      $0 + cost.panelBytes(matrix.rows, $1) + cost.panelBytes($1, matrix.columns)
    }
    all.append(
      LayerCandidate(
        form: .split, byteCount: bytes, flopsPerRow: inner.reduce(0) { $0 + 2 * (m + n) * $1 }
      ) { rows in
        inner.reduce(0.0) {
          $0 + cost.time(batch: 1, m: rows, n: $1, k: n, isPacked: true)
            + cost.time(batch: 1, m: rows, n: m, k: $1, isPacked: true)
        }
      })
  }

  private mutating func addNetwork(_ tile: Int, _ mostConstant: Int) {
    var (bytes, flops, time) = (0.0, 0.0, 0.0)
    for term in matrix.terms {
      guard term.equation.rowCount == matrix.rows,
        let plan = try? TermNetwork<T>.plan(
          term.equation, rows: tile, isPrepared: true, mostConstant: mostConstant),
        let count = try? plan.panelOffsets().count
      else { return }
      bytes += Double(count * MemoryLayout<T>.stride)  // packed cores within the address space
      flops += Double(plan.flops) / Double(tile)
      time += plan.predictedTime
    }
    add(.network(rows: tile, mostConstant: mostConstant), bytes, flops) {
      time * max($0 / Double(tile), 1) * Self.margin
    }
  }

  private mutating func addLanes(_ mostConstant: Int) {
    let width = LaneNetwork<T>.width
    var (bytes, flops, time) = (0.0, 0.0, 0.0)
    for term in matrix.terms {
      guard
        let plan = try? TermNetwork<T>.plan(
          term.equation, rows: width, scheme: .lanes, isPrepared: true, mostConstant: mostConstant),
        let layout = try? LaneLayout(plan, width: width, outputs: matrix.rows)
      else { return }
      bytes += Double(layout.panelCount * MemoryLayout<T>.stride)  // packed cores, as above
      flops += Double(plan.flops) / Double(width)
      time += plan.predictedTime + cost.laneTransfer(Double(matrix.rows + matrix.columns))
    }
    add(.lanes(mostConstant: mostConstant), bytes, flops) {
      time * ($0 / Double(width)).rounded(.up)
    }
  }

  /// Keeps a form unless one that is there takes no more bytes and flops.
  private mutating func add(
    _ form: LayerForm, _ bytes: Double, _ flops: Double, _ time: @escaping (Double) -> Double
  ) {
    guard bytes <= denseBytes else { return }
    all.append(
      LayerCandidate(form: form, byteCount: bytes, flopsPerRow: flops, time: time))
  }
}
