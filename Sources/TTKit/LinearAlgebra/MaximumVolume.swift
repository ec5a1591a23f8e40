/// Rows of a tall matrix that represent all its rows with small coefficients.
///
/// Goals, in order: bounded coefficients; distinct rows; the same rows on every machine.

/// Some rows of a matrix A (n, r), and A = coefficients · A[rows].
public struct DominantRows<T: Scalar>: Sendable {
  /// Distinct, in the order of the coefficients' columns.
  public let rows: [Int]
  /// (n, rows.count); the identity in `rows`.
  public let coefficients: Tensor<T>
}

/// r rows of `a` (n, r), n >= r, whose volume no single exchange enlarges by more than `tolerance`.
///
/// - Parameter tolerance: at least 1; 1.05 by default.
/// - Error: every coefficient is at most `tolerance` in modulus, so ‖coefficients‖ <= tolerance √(n r).
/// - Complexity: O(n r²) to start, O(n r) for each exchange; each enlarges the volume by `tolerance`.
/// - Throws: `.invalidArgument` for a wide or rank-deficient matrix, `.nonFinite`, `.outOfMemory`.
/// - Source: S. Goreinov, I. Oseledets, D. Savostyanov, E. Tyrtyshnikov, N. Zamarashkin, How to find a good
///   submatrix, in: Matrix Methods: Theory, Algorithms and Applications, World Scientific (2010).
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
public func maximumVolume<T: Scalar>(
  _ a: Tensor<T>, tolerance: Double = 1.05
) throws(TTKitError) -> DominantRows<T> {
  var state = try VolumeSearch(a, tolerance)
  state.exchange()
  return try state.result()
}

/// The same with up to `maxExtra` rows more, added while some row's coefficients exceed `rowTolerance` in
/// norm, and at least `minExtra`.
///
/// - Error: unless `maxExtra` binds, every row of coefficients has Euclidean norm at most `rowTolerance`.
/// - Throws: as ``maximumVolume(_:tolerance:)``; `.invalidArgument` for extras out of range.
/// - Source: A. Mikhalev, I. Oseledets, Rectangular maximum-volume submatrices and their applications,
///   Linear Algebra Appl. 538 (2018).
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
public func rectangularMaximumVolume<T: Scalar>(
  _ a: Tensor<T>, tolerance: Double = 1.05, rowTolerance: Double = 1.1, minExtra: Int = 0,
  maxExtra: Int
) throws(TTKitError) -> DominantRows<T> {
  var state = try VolumeSearch(a, tolerance)
  guard rowTolerance >= 1, rowTolerance.isFinite else {
    throw .invalidArgument("row tolerance is \(rowTolerance), expected a number of at least 1")
  }
  guard minExtra >= 0, minExtra <= maxExtra, maxExtra <= a.shape[0] - a.shape[1] else {
    throw .invalidArgument(
      "extra rows \(minExtra) to \(maxExtra) for a matrix \(describe(a.shape)), expected 0 <= min <= max"
        + " <= \(a.shape[0] - a.shape[1])")
  }
  state.exchange()
  state.extend(rowTolerance, minExtra, maxExtra)
  return try state.result()
}

/// Rows chosen so far and the coefficients of all rows, column by column.
private struct VolumeSearch<T: Scalar> {
  let n: Int
  let tolerance: Double
  var rows: [Int]
  /// Column j of the coefficients.
  var columns: [[T]]

  init(_ a: Tensor<T>, _ tolerance: Double) throws(TTKitError) {
    guard a.shape.count == 2, a.shape[1] >= 1, a.shape[0] >= a.shape[1] else {
      throw .invalidArgument(
        "a has shape \(describe(a.shape)), expected a matrix with at least as many rows as columns,"
          + " one or more; transpose it")
    }
    guard tolerance >= 1, tolerance.isFinite else {
      throw .invalidArgument("tolerance is \(tolerance), expected a number of at least 1")
    }
    let (n, r) = (a.shape[0], a.shape[1])
    let elements = a.elements
    guard elements.allSatisfy(\.isFinite) else {
      throw .nonFinite("a holds NaN or infinity; replace such elements first")
    }
    let scale = Double(largestElement(elements)?.magnitude ?? 0)
    let small = scale * Double(T.Real.ulpOfOne) * Double(n)
    var lu = PartialLU<T>(rowCount: n, columnCount: r)
    for j in 0..<r {
      let column = lu.residual(column: j, (0..<n).map { elements[$0 * r + j] })
      guard let top = largestElement(column), Double(top.magnitude) > small else {
        throw .invalidArgument(
          "column \(j) of a depends on those before it, expected full column rank; orthogonalize a first"
        )
      }
      let i = top.index
      lu.append(
        i, j, column: column,
        row: lu.residual(row: i, Array(elements[i * r..<(i + 1) * r])))
    }
    self.n = n
    self.tolerance = tolerance
    rows = lu.rows
    let start = lu.interpolation()
    columns = (0..<r).map { c in (0..<n).map { start[$0 * r + c] } }
  }

  /// Exchanges rows while that enlarges the volume by more than the tolerance.
  mutating func exchange() {
    // A hundred and more exchanges a column are never needed; a bound all the same, for rounding.
    for _ in 0..<(100 + 100 * rows.count) {
      var best = (i: 0, j: 0, size: T.Real.zero)
      for j in columns.indices {
        if let top = largestElement(columns[j]), top.magnitude > best.size {
          best = (top.index, j, top.magnitude)
        }
      }
      guard Double(best.size) > tolerance else { return }
      replace(best.j, with: best.i)
    }
  }

  /// Row `i` takes the place of the j-th chosen one.
  private mutating func replace(_ j: Int, with i: Int) {
    let inverse = columns[j][i].reciprocal
    // B −= B[:, j] (B[i, :] − eⱼᵀ) / B[i, j].
    let column = columns[j]
    for c in columns.indices {
      let entry = columns[c][i]
      let factor = (c == j ? entry - .one : entry) * inverse
      guard factor != .zero else { continue }
      for x in 0..<n { columns[c][x] = columns[c][x] - factor * column[x] }
    }
    rows[j] = i
    cleanRows()
  }

  /// Adds rows with the largest coefficients.
  mutating func extend(_ rowTolerance: Double, _ minExtra: Int, _ maxExtra: Int) {
    var norms = [Double](repeating: 0, count: n)
    for column in columns {
      for x in 0..<n { norms[x] += Double(column[x].magnitude) * Double(column[x].magnitude) }
    }
    var chosen = [Bool](repeating: false, count: n)
    for row in rows { chosen[row] = true }
    for added in 0..<maxExtra {
      var best: Int?
      for x in 0..<n where !chosen[x] && norms[x] > (best.map { norms[$0] } ?? -1) { best = x }
      guard let i = best, added < minExtra || norms[i] > rowTolerance * rowTolerance else { break }
      // v = B B[i]ᴴ, l = 1 / (1 + ‖B[i]‖²): B −= l v B[i], new column l v.
      var v = [T](repeating: .zero, count: n)
      for column in columns {
        let factor = column[i].conjugate
        for x in 0..<n { v[x] = v[x] + column[x] * factor }
      }
      let l = 1 / (1 + norms[i])
      let scale = T(real: T.Real(l))
      for c in columns.indices {
        let factor = scale * columns[c][i]
        for x in 0..<n { columns[c][x] = columns[c][x] - factor * v[x] }
      }
      for x in 0..<n {
        let size = Double(v[x].magnitude)
        norms[x] = max(0, norms[x] - l * size * size)
      }
      columns.append(v.map { scale * $0 })
      rows.append(i)
      chosen[i] = true
    }
    cleanRows()
  }

  /// Exactly the identity in the chosen rows.
  private mutating func cleanRows() {
    for (k, row) in rows.enumerated() {
      for c in columns.indices { columns[c][row] = c == k ? .one : .zero }
    }
  }

  func result() throws(TTKitError) -> DominantRows<T> {
    let r = rows.count
    let coefficients = try Tensor<T>(shape: [n, r]) { out in
      for c in 0..<r {
        for x in 0..<n { out[x * r + c] = columns[c][x] }
      }
    }
    return DominantRows(rows: rows, coefficients: coefficients)
  }
}
