import CTTKKernels
import Testing

/// What a tile is asked to do beside multiplying.
private enum Start: CaseIterable {
  case zero, bias, accumulate
}

/// One tile against the plain reference, in a canvas whose other elements must stay as they are.
///
/// - Error bound: 2k·eps·Σ|ab|, with the starting value as one more term.
private func check<T: BinaryFloatingPoint>(
  rows: Int, k: Int, columns: Int, width: Int, packed: Bool, start: Start, random: inout TestRandom,
  tile: (
    Int, UnsafePointer<T>, Int, Int, UnsafePointer<T>, UnsafeMutablePointer<T>, Int,
    UnsafePointer<T>?, Int32
  ) -> Void,
  reference: (
    Int, UnsafePointer<T>, Int, Int, UnsafePointer<T>, UnsafeMutablePointer<T>, Int,
    UnsafePointer<T>?, Int32
  ) -> Void
) -> Bool {
  func draw(_ count: Int) -> [T] { (0..<count).map { _ in T(random.uniform()) } }
  // Packed: rows side by side for each k; strided: rows apart, with a gap and every second element.
  let (rowStep, kStep) = packed ? (1, rows) : (2 * k + 3, 2)
  let x = draw(packed ? rows * k + 1 : rows * rowStep + 1)
  let panel = draw(k * width + 1)
  let bias: [T]? = start == .bias ? draw(columns) : nil
  let yStep = columns + 3
  let canvas = draw(rows * yStep)
  let accumulate: Int32 = start == .accumulate ? 1 : 0
  var (y, expected) = (canvas, canvas)
  tile(rows, x, rowStep, kStep, panel, &y, yStep, bias, accumulate)
  reference(rows, x, rowStep, kStep, panel, &expected, yStep, bias, accumulate)
  var bound = canvas.map { $0.magnitude }
  reference(
    rows, x.map { $0.magnitude }, rowStep, kStep, panel.map { $0.magnitude }, &bound, yStep,
    bias?.map { $0.magnitude }, accumulate)
  return y.indices.allSatisfy { i in
    if i % yStep >= columns { return y[i] == canvas[i] }
    return (y[i] - expected[i]).magnitude <= 2 * T(k + 1) * T.ulpOfOne * bound[i]
  }
}

@Suite struct TileTests {
  /// Around the unrolling of k by 2 and 4, and nothing at all.
  private static let depths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17]

  /// Every row and column count at one depth; the other depths at the edges of the columns.
  private static func cases(_ height: Int, _ width: Int) -> [(rows: Int, k: Int, columns: Int)] {
    var cases: [(Int, Int, Int)] = []
    for rows in 1...height {
      for k in depths {
        let columns = k == 5 ? Array(1...width) : [1, width - 1, width]
        cases += columns.map { (rows, k, $0) }
      }
    }
    return cases
  }

  @Test(arguments: levels)
  func float32Tiles_agreeWithTheReference(level: String) {
    let table = kernels(level)
    let (height, width) = (table.height_f32, table.width_f32)
    var random = TestRandom(seed: 32)
    for (rows, k, columns) in Self.cases(height, width) {
      for start in Start.allCases {
        let packed = random.uniform() < 0
        let right = check(
          rows: rows, k: k, columns: columns, width: width, packed: packed, start: start,
          random: &random,
          tile: { table.tile_f32($0, k, $1, $2, $3, $4, $5, $6, columns, $7, $8) },
          reference: {
            ttkk_reference_tile_f32($0, k, $1, $2, $3, $4, width, $5, $6, columns, $7, $8)
          })
        #expect(right, "rows \(rows), k \(k), columns \(columns), packed \(packed), \(start)")
      }
    }
  }

  @Test(arguments: levels)
  func float64Tiles_agreeWithTheReference(level: String) {
    let table = kernels(level)
    let (height, width) = (table.height_f64, table.width_f64)
    var random = TestRandom(seed: 64)
    for (rows, k, columns) in Self.cases(height, width) {
      for start in Start.allCases {
        let packed = random.uniform() < 0
        let right = check(
          rows: rows, k: k, columns: columns, width: width, packed: packed, start: start,
          random: &random,
          tile: { table.tile_f64($0, k, $1, $2, $3, $4, $5, $6, columns, $7, $8) },
          reference: {
            ttkk_reference_tile_f64($0, k, $1, $2, $3, $4, width, $5, $6, columns, $7, $8)
          })
        #expect(right, "rows \(rows), k \(k), columns \(columns), packed \(packed), \(start)")
      }
    }
  }

  /// NaN belongs to its row alone: rows share registers, never sums.
  @Test(arguments: levels)
  func aNaN_reachesItsRowAndNoOther(level: String) {
    let table = kernels(level)
    let (height, width) = (table.height_f32, table.width_f32)
    for rows in 1...height {
      var x = [Float](repeating: 1, count: rows * 4)
      x[rows * 2] = .nan  // row 0, k 2
      let panel = [Float](repeating: 1, count: 4 * width)
      var y = [Float](repeating: 0, count: rows * width)
      table.tile_f32(rows, 4, x, 1, rows, panel, &y, width, width, nil, 0)
      #expect(y[0..<width].allSatisfy { $0.isNaN })
      #expect(y[width...].allSatisfy { $0 == 4 })
    }
  }

  @Test func aLevelByAnUnknownName_isNone() {
    #expect(ttkk_level("v9") == nil)
    #expect(levels.contains(String(cString: ttkk_active().pointee.name)))
  }
}
