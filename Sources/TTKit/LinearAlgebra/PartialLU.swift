/// LU factorisation of a matrix that is known by its entries only, one pivot at a time.
///
/// Goals, in order: a small residual where pivots are; few entries asked; stability without any inverse.

/// A ≈ L U with one column of L and one row of U for each pivot (cross interpolation, prrLU).
///
/// L (m, r) is unit lower triangular and U (r, n) upper triangular at the pivots, in their order. The
/// residual A − L U is zero in the pivots' rows and columns; its largest element is the next pivot in a
/// search over all elements (full pivoting), an element largest in its row and column in a rook search.
///
/// - Source: Y. Núñez Fernández et al., Learning tensor networks with tensor cross interpolation, SciPost
///   Phys. 18 (2025), section 3; M. Bebendorf, Approximation of boundary element matrices, Numer. Math. 86
///   (2000).
struct PartialLU<T: Scalar> {
  let rowCount: Int
  let columnCount: Int
  private(set) var rows: [Int] = []
  private(set) var columns: [Int] = []
  /// Column k of L at k·m.
  private(set) var lower: [T] = []
  /// Row k of U at k·n.
  private(set) var upper: [T] = []

  init(rowCount: Int, columnCount: Int) {
    self.rowCount = rowCount
    self.columnCount = columnCount
  }

  var rank: Int { rows.count }

  /// The residual in column `j`, whose elements are `values`.
  func residual(column j: Int, _ values: [T]) -> [T] {
    var result = values
    for k in 0..<rank { subtract(upper[k * columnCount + j], lower, k * rowCount, &result) }
    return result
  }

  /// The residual in row `i`, whose elements are `values`.
  func residual(row i: Int, _ values: [T]) -> [T] {
    var result = values
    for k in 0..<rank { subtract(lower[k * rowCount + i], upper, k * columnCount, &result) }
    return result
  }

  /// The residual at (i, j), where the matrix has `value`.
  func residual(_ i: Int, _ j: Int, _ value: T) -> T {
    var result = value
    for k in 0..<rank {
      result = result - lower[k * rowCount + i] * upper[k * columnCount + j]
    }
    return result
  }

  /// Adds the pivot (i, j), given the residual in its column and in its row.
  ///
  /// - Precondition: `column[i] == row[j]` to rounding, not 0.
  mutating func append(_ i: Int, _ j: Int, column: [T], row: [T]) {
    precondition(column.count == rowCount && row.count == columnCount, "lengths differ")
    let pivot = row[j]
    lower.reserveCapacity(lower.count + rowCount)
    for x in column.indices { lower.append(column[x].divided(by: pivot)) }
    // Exactly: what rounding left in the pivot's own row and in the rows of earlier pivots.
    let start = rank * rowCount
    lower[start + i] = .one
    for earlier in rows { lower[start + earlier] = .zero }
    upper += row
    for earlier in columns { upper[rank * columnCount + earlier] = .zero }
    rows.append(i)
    columns.append(j)
  }

  /// L (L at the pivot rows)⁻¹, row-major (m, r): the identity in the pivot rows.
  func interpolation() -> [T] {
    let (m, r) = (rowCount, rank)
    var result = lower
    // Column k of the result still holds Σ over later columns: solve X L_P = L from the last column on.
    for k in (0..<r).reversed() {
      for c in 0..<k {
        subtractColumn(lower[c * m + rows[k]], k * m, c * m, m, &result)
      }
    }
    var transposed = [T](repeating: .zero, count: m * r)
    for c in 0..<r {
      for x in 0..<m { transposed[x * r + c] = result[c * m + x] }
      for (k, row) in rows.enumerated() { transposed[row * r + c] = k == c ? .one : .zero }
    }
    return transposed
  }
}

/// target −= factor · source[offset...].
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
private func subtract<T: Scalar>(_ factor: T, _ source: [T], _ offset: Int, _ target: inout [T]) {
  let part = source[offset..<offset + target.count].span
  var out = target.mutableSpan
  for x in part.indices { out[x] = out[x] - factor * part[x] }
}

/// Within one array: column at `target` −= factor · column at `source`.
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
private func subtractColumn<T: Scalar>(
  _ factor: T, _ source: Int, _ target: Int, _ count: Int, _ values: inout [T]
) {
  var out = values.mutableSpan
  for x in 0..<count { out[target + x] = out[target + x] - factor * out[source + x] }
}

/// Position and modulus of the largest element among those allowed; nil if there is none.
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
func largestElement<T: Scalar>(
  _ values: [T], where allowed: [Bool]? = nil
) -> (index: Int, magnitude: T.Real)? {
  var best: (index: Int, magnitude: T.Real)?
  for x in values.indices where allowed?[x] ?? true {
    let magnitude = values[x].magnitude
    if magnitude > best?.magnitude ?? -1 { best = (x, magnitude) }
  }
  return best
}
