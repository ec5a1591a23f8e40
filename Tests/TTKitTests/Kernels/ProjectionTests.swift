import CTTKKernels
import Testing

/// The projection kernels of every level against plain loops.
@Suite struct ProjectionTests {
  /// Rows in the layout of `ttkk_panel_vectors`: panels of three, two or one vectors.
  private static func packed<T: BinaryFloatingPoint>(
    _ rows: [[T]], depth: Int, lanes: Int
  ) -> [T] {
    let vectors = (rows.count + lanes - 1) / lanes
    var result: [T] = []
    var done = 0
    while done < vectors {
      let width = ttkk_panel_vectors(vectors - done) * lanes
      for i in 0..<depth {
        for j in 0..<width {
          let row = done * lanes + j
          result.append(row < rows.count ? rows[row][i] : 0)
        }
      }
      done += width / lanes
    }
    return result + [0]
  }

  /// Around the tile's rows and the panels' widths.
  private static let shapes: [(rows: Int, k: Int, r: Int)] = [
    (1, 1, 1), (3, 5, 2), (4, 16, 7), (8, 17, 8), (9, 31, 9), (12, 24, 20), (17, 33, 24),
    (7, 49, 25),
    (16, 40, 33), (25, 70, 50),
  ]

  private static func check<T: BinaryFloatingPoint>(
    _ comment: Comment, lanes: Int, eps: T,
    project: (Int, Int, [T], Int, [T], inout [T]) -> Void,
    remain: (Int, Int, [T], Int, [T], [T]) -> Double
  ) {
    var random = TestRandom(seed: 33)
    for (rows, k, r) in shapes {
      let x = (0..<rows * k).map { _ in T(random.uniform()) }
      let v = (0..<r).map { _ in (0..<k).map { _ in T(random.uniform()) } }
      var y = [T](repeating: .nan, count: rows * r)
      project(rows, k, x, r, packed(v, depth: k, lanes: lanes), &y)
      var loss = 0.0
      for i in 0..<rows {
        for j in 0..<r {
          let terms = (0..<k).map { x[i * k + $0] * v[j][$0] }
          let bound = 2 * T(k) * eps * terms.reduce(0) { $0 + $1.magnitude }
          #expect(
            (y[i * r + j] - terms.reduce(0, +)).magnitude <= bound, "\(comment) \((rows, k, r))")
        }
        for c in 0..<k {
          let rest = (0..<r).reduce(Double(x[i * k + c])) {
            $0 - Double(y[i * r + $1]) * Double(v[$1][c])
          }
          loss += rest * rest
        }
      }
      let columns = (0..<k).map { c in (0..<r).map { v[$0][c] } }
      let found = remain(rows, k, x, r, y, packed(columns, depth: r, lanes: lanes))
      // Every residue carries 2r roundings of terms up to about r/4, every square one more.
      let bound = Double(eps) * (loss + Double(rows * k)) * Double(4 * r + 32)
      #expect(abs(found - loss) <= bound, "\(comment) \((rows, k, r))")
    }
  }

  @Test(arguments: levels)
  func projections_agreeWithPlainLoops(level: String) {
    let table = kernels(level)
    Self.check(
      "float64", lanes: table.width_f64 / 2, eps: Double.ulpOfOne,
      project: { table.project_f64($0, $1, $2, $3, $4, &$5, nil) },
      remain: { table.remain_f64($0, $1, $2, $3, $4, $5) })
    Self.check(
      "float32", lanes: table.width_f32 / 2, eps: Float.ulpOfOne,
      project: { table.project_f32($0, $1, $2, $3, $4, &$5, nil) },
      remain: { table.remain_f32($0, $1, $2, $3, $4, $5) })
  }
}
