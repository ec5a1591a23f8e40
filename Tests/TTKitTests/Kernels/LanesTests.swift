import CTTKKernels
import Testing

/// Lanes of one level against sums by the definition, in float64 (float32 shares the source).
@Suite struct LanesTests {
  private let width: Int
  private let height: Int
  private let lanes: ttkk_lanes

  init() {
    let table = ttkk_active()!.pointee
    (width, height, lanes) = (table.width_f64, table.height_f64, table.lanes_f64)
  }

  /// Where each table begins, for one call.
  private func withPointers(to tables: [[Int]], _ body: ([UnsafePointer<Int>]) -> Void) {
    tables.flatMap { $0 }.withUnsafeBufferPointer { table in
      var at: [UnsafePointer<Int>] = []
      var next = table.baseAddress!
      for one in tables {
        at.append(next)
        next += one.count
      }
      body(at)
    }
  }

  /// Loading and storing are transposes, for whole lines and for what is left over.
  @Test(arguments: [1, 3, 4, 7, 8, 16], [1, 3, 15, 16, 17, 50])
  func loadThenStore_isTheIdentity(rows: Int, columns: Int) {
    let rows = min(rows, width)
    var random = TestRandom(seed: 1)
    let x = (0..<(rows * (columns + 2))).map { _ in random.uniform() }
    var lines = [Double](repeating: .nan, count: columns * width)
    lanes.load(rows, columns, x, columns + 2, nil, &lines)
    for j in 0..<columns {
      for z in 0..<width {
        #expect(lines[j * width + z] == (z < rows ? x[z * (columns + 2) + j] : 0))
      }
    }
    let offsets = (0..<columns).map { $0 * width }
    let bias = (0..<columns).map { Double($0) }
    let step = columns + 1
    var y = [Double](repeating: 5, count: rows * step)
    lanes.store(rows, columns, lines, offsets, &y, step, bias, 0)
    lanes.store(rows, columns, lines, offsets, &y, step, nil, 1)
    for z in 0..<rows {
      for j in 0..<columns {
        let value = x[z * (columns + 2) + j]
        #expect(abs(y[z * step + j] - (2 * value + bias[j])) <= 1e-12)
      }
      #expect(y[z * step + columns] == 5)
    }
  }

  /// One step for heights around the tile's, operands that follow one another and that do not, and inner
  /// lengths around the block that is gathered at once.
  @Test(arguments: [1, 5, 13], [1, 7, 600])
  func step_isTheProduct(rows: Int, inner: Int) {
    var random = TestRandom(seed: 2)
    let (batch, columns) = (2, 3)
    for isCompact in [true, false] {
      // [b][i][q] with i last but lanes, or q.
      let (iStep, qStep) = isCompact ? (width, inner * width) : (columns * width, width)
      let x = (0..<(batch * inner * columns * width)).map { _ in random.uniform() }
      let left = (0..<(batch * rows * inner)).map { _ in random.uniform() }
      let tiles = (rows + height - 1) / height
      var packed: [Double] = []
      for b in 0..<batch {
        var row = 0
        for t in 0..<tiles {
          let h = rows / tiles + (t < rows % tiles ? 1 : 0)
          for i in 0..<inner {
            for r in row..<(row + h) { packed.append(left[(b * rows + r) * inner + i]) }
          }
          row += h
        }
      }
      let tables = [
        (0..<batch).map { $0 * inner * columns * width }, (0..<inner).map { $0 * iStep },
        (0..<columns).map { $0 * qStep }, (0..<batch).map { $0 * rows * columns * width },
        (0..<columns).map { $0 * width },
      ]
      var y = [Double](repeating: .nan, count: batch * rows * columns * width)
      var scattered = y
      var scratch = [Double](repeating: 0, count: 4096)
      packed.withUnsafeBufferPointer { packed in
        withPointers(to: tables) { at in
          var step = ttkk_lane_step(
            batch: batch, rows: rows, inner: inner, columns: columns, height: height,
            y_step: columns * width, left: packed.baseAddress, x_batch: at[0], x_inner: at[1],
            x_columns: at[2], y_batch: at[3], y_columns: at[4], y_rows: nil)
          lanes.step(&step, x, &y, &scratch)
          // The same rows at places that are named, the last first.
          let places = (0..<rows).reversed().map { $0 * columns * width }
          places.withUnsafeBufferPointer {
            step.y_rows = $0.baseAddress
            lanes.step(&step, x, &scattered, &scratch)
          }
        }
      }
      for b in 0..<batch {
        let size = columns * width
        for r in 0..<rows {
          let (from, to) = ((b * rows + r) * size, (b * rows + rows - 1 - r) * size)
          #expect(scattered[to..<(to + size)].elementsEqual(y[from..<(from + size)]))
        }
      }
      for b in 0..<batch {
        for q in 0..<columns {
          for r in 0..<rows {
            for z in [0, width - 1] {
              let expected = (0..<inner).reduce(0.0) {
                $0 + left[(b * rows + r) * inner + $1]
                  * x[tables[0][b] + tables[1][$1] + tables[2][q] + z]
              }
              let found = y[tables[3][b] + r * columns * width + tables[4][q] + z]
              #expect(abs(found - expected) <= 1e-15 * Double(2 * inner + 2))
            }
          }
        }
      }
    }
  }

  /// The gradient of the left operand for inner lengths around a panel's, and more columns than one takes.
  @Test(arguments: [1, 5, 13], [1, 7, 17])
  func gradient_isTheProduct(rows: Int, inner: Int) {
    for columns in [1, 3, 300] { checkGradient(rows, inner, columns) }
  }

  private func checkGradient(_ rows: Int, _ inner: Int, _ columns: Int) {
    var random = TestRandom(seed: 3)
    let batch = 2
    // x as [b][q][i], y as [b][r][q].
    let x = (0..<(batch * inner * columns * width)).map { _ in random.uniform() }
    let y = (0..<(batch * rows * columns * width)).map { _ in random.uniform() }
    let tables = [
      (0..<batch).map { $0 * inner * columns * width }, (0..<inner).map { $0 * width },
      (0..<columns).map { $0 * inner * width }, (0..<batch).map { $0 * rows * columns * width },
      (0..<columns).map { $0 * width },
    ]
    var sum = [Double](repeating: 1, count: batch * rows * inner)
    var scratch = [Double](repeating: .nan, count: 4096)
    withPointers(to: tables) { at in
      var step = ttkk_lane_step(
        batch: batch, rows: rows, inner: inner, columns: columns, height: height,
        y_step: columns * width, left: nil, x_batch: at[0], x_inner: at[1], x_columns: at[2],
        y_batch: at[3], y_columns: at[4], y_rows: nil)
      lanes.gradient(&step, x, y, &sum, &scratch)
    }
    for b in 0..<batch {
      for r in 0..<rows {
        for i in 0..<inner {
          var expected = 1.0
          for q in 0..<columns {
            for z in 0..<width {
              expected +=
                y[((b * rows + r) * columns + q) * width + z]
                * x[((b * columns + q) * inner + i) * width + z]
            }
          }
          let bound = 1e-15 * Double(2 * columns * width + 2)
          #expect(abs(sum[(b * rows + r) * inner + i] - expected) <= bound)
        }
      }
    }
  }
}
