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
  /// All terms but sparse ones, which cost as much beside any form but the dense.
  private let matrix: CompressedMatrix
  private let sparse: SparseCost
  private let cost = CostModel(dtype: T.dtype)

  /// Rows that networks are planned for: one, and a tile of few.
  private static var tiles: [Int] { [1, 16] }

  init(_ matrix: CompressedMatrix, maxRows: Int) {
    self.matrix = matrix.withoutSparse
    sparse = SparseCost(matrix)
    addDense()
    addSplit()
    // One matrix or the product of two is what a network of it would be; behind an operator it is no less
    // work than the matrix itself.
    let matrix = self.matrix
    if matrix.terms.allSatisfy({ $0.format is Dense || $0.format is LowRank }) { return }
    if matrix.terms.contains(where: { $0.input != nil }) { return }
    let whole = saturated([matrix.rows, matrix.columns])
    for mostConstant in [whole, 1] {
      addLanes(mostConstant)
      for tile in Self.tiles where tile == 1 || maxRows > 1 {
        addNetwork(.network(rows: tile, mostConstant: mostConstant), tile, mostConstant)
      }
    }
    for tile in Self.tiles where tile == 1 || maxRows > 1 {
      for everything in [false, true] {
        addNetwork(.codes(rows: tile, everything: everything), tile, 1, everything: everything)
      }
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
    let (m, n, cost, sparse) = (Double(matrix.rows), Double(matrix.columns), cost, sparse)
    let bytes = lengths.reduce(sparse.byteCount(cost)) {
      $0 + cost.panelBytes(matrix.rows, $1) + cost.panelBytes($1, matrix.columns)
    }
    all.append(
      LayerCandidate(
        form: .split, byteCount: bytes,
        flopsPerRow: inner.reduce(2 * sparse.elements) { $0 + 2 * (m + n) * $1 }
      ) { rows in
        inner.reduce(sparse.time(cost, rows: rows)) {
          $0 + cost.time(batch: 1, m: rows, n: $1, k: n, isPacked: true)
            + cost.time(batch: 1, m: rows, n: m, k: $1, isPacked: true)
        }
      })
  }

  /// - Parameter everything: nil for floats; else codes stay packed, and nothing is added where there are none.
  private mutating func addNetwork(
    _ form: LayerForm, _ tile: Int, _ mostConstant: Int, everything: Bool? = nil
  ) {
    var (bytes, flops) = (0.0, 0.0)
    var plans: [(plan: ContractionPlan, layouts: [CodedLayout?])] = []
    for term in matrix.terms {
      guard term.equation.rowCount == matrix.rows,
        let plan = try? TermNetwork<T>.plan(
          term.equation, rows: tile, isPrepared: true, mostConstant: mostConstant)
      else { return }
      let layouts = everything.map { plan.codedLayouts(term.cores, everything: $0) } ?? []
      guard let count = try? plan.panelOffsets(coded: layouts).count else { return }
      bytes += layouts.reduce(0) { $0 + ($1?.byteCount ?? 0) }
      bytes += Double(count * MemoryLayout<T>.stride)  // packed cores within the address space
      flops += Double(plan.flops) / Double(tile)
      plans.append((plan, layouts))
    }
    let hasCodes = plans.contains { $0.layouts.contains { $0 != nil } }
    guard everything == nil || hasCodes else { return }
    add(form, bytes, flops) { rows in
      let count = min(Int(rows), tile)
      let whole = plans.reduce(0) {
        $0 + $1.plan.time(rows: count) + $1.plan.codedTime($1.layouts, rows: count)
      }
      // Measured: one row takes what the model says and a quarter more; tiles, whose operands are gathered
      // and results scattered, take twice that.
      return whole * (rows / Double(tile)).rounded(.up) * (rows > 1 ? 2 : 1.25)
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
    let (sparse, cost) = (sparse, cost)
    let bytes = bytes + sparse.byteCount(cost)
    guard bytes <= denseBytes else { return }
    all.append(
      LayerCandidate(form: form, byteCount: bytes, flopsPerRow: flops + 2 * sparse.elements) {
        time($0) + sparse.time(cost, rows: $0)
      })
  }
}

extension ContractionPlan {
  /// Predicted seconds of this path when the first axis of the first operand, not of constants, has so many
  /// entries.
  fileprivate func time(rows: Int) -> Double {
    var lengths = lengths
    lengths[equation.operands[0][0]] = rows
    return ContractionNetwork(
      lengths: lengths, operands: StepBuilder.openAxes(equation),
      result: AxisSet(equation.result), cost: CostModel(dtype: dtype),
      constants: equation.operands.indices.map { $0 > 0 }
    ).time(ContractionPath(pairs: path))
  }
}
