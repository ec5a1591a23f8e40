/// Better codes once all columns have some: scales by least squares and columns by turns, none of which
/// increases the measure; then plain rounding for rows that it serves better.
internal import COpenBLAS

extension Compensation {
  /// The largest error of a row over its root mean square from which on a grid clips it: without clipping that
  /// is 1.7, with the tails of a normal row 5.
  private static let clipped = 8.0

  /// Scales, then columns one by one, each the best for the others, while that gains a thousandth.
  func descend() throws(TTKitError) {
    // slope = H (W' − W)ᵀ, half the gradient.
    let slope = try Buffer<Float>(count: target.count)
    let difference = try Buffer<Float>(count: target.count)
    var before = measure(difference, slope)
    for _ in 0..<Self.sweeps where before > 0 {
      if !coder.scaleGroups.isEmpty { try fitScales(slope) }
      // In bounds: columns · rows of slope and decoded.
      if try unsafe coder.refit(
        metric, slope: slope.base, decoded: decoded.base, rowWeights: rowWeights)
      {
        _ = measure(difference, slope)
      }
      try sweepColumns(slope)
      let after = measure(difference, slope)
      if after > 0.999 * before { return }
      before = after
    }
  }

  /// Computes the slope anew; returns the measure.
  private func measure(_ difference: borrowing Buffer<Float>, _ slope: borrowing Buffer<Float>)
    -> Double
  {
    let goal = unsafe target.storage.buffer.base
    // In bounds: columns · rows of each.
    for i in 0..<target.count { unsafe difference.base[i] = decoded.base[i] - goal[i] }
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(columns), Int32(rows), Int32(columns), 1,
      metric.storage.buffer.base, Int32(columns), difference.base, Int32(rows), 0, slope.base,
      Int32(rows))
    return zip(sums(difference, slope), rowWeights).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Σ over columns of the products, of each row.
  private func sums(
    _ difference: borrowing Buffer<Float>, _ slope: borrowing Buffer<Float>
  ) -> [Double] {
    var sums = [Double](repeating: 0, count: rows)
    for j in 0..<columns {
      // In bounds: row j of both.
      for r in 0..<rows {
        let at = j * rows + r
        unsafe sums[r] += Double(difference.base[at]) * Double(slope.base[at])
      }
    }
    return sums
  }

  /// The measure of each row, unweighted.
  func rowCosts() throws(TTKitError) -> [Double] {
    let difference = try Buffer<Float>(count: target.count)
    let slope = try Buffer<Float>(count: target.count)
    _ = measure(difference, slope)
    return sums(difference, slope)
  }

  /// Rows that plain rounding to the same grid serves better are rounded plainly, and so are rows that a
  /// shared grid clips: the columns to come run to its ends to make up for a value far beyond it, which lowers
  /// the measure on these inputs and ruins the output on others.
  func keepBetterRows() throws(TTKitError) {
    let costs = try rowCosts()
    let found = try Buffer<Float>(count: target.count)
    let goal = unsafe target.storage.buffer.base
    // In bounds: columns · rows of all.
    unsafe found.base.update(from: decoded.base, count: target.count)
    unsafe try codeAll(goal)
    let plain = try rowCosts()
    var most = [Float](repeating: 0, count: rows)
    var squares = [Double](repeating: 0, count: rows)
    for j in 0..<columns {
      for r in 0..<rows {
        let error = unsafe abs(decoded.base[j * rows + r] - goal[j * rows + r])
        most[r] = max(most[r], error)
        squares[r] += Double(error) * Double(error)
      }
    }
    let isPlain = (0..<rows).map { r in
      let usual = (squares[r] / Double(columns)).squareRoot()
      return !(costs[r] <= plain[r]) || (coder.sharesGrid && Double(most[r]) > Self.clipped * usual)
    }
    for j in 0..<columns {
      for r in 0..<rows where isPlain[r] {
        unsafe found.base[j * rows + r] = decoded.base[j * rows + r]
      }
    }
    // What codes stand for is rounded to itself.
    unsafe try codeAll(found.base)
  }

  /// Codes for these values, (columns, rows).
  private func codeAll(_ values: UnsafePointer<Float>) throws(TTKitError) {
    var first = 0
    while first < columns {
      // In bounds: a whole group of rows of both.
      let at = first * rows
      unsafe coder.code(first, values + at, metric: nil, into: decoded.base + at)
      first += coder.width(at: first, of: columns)
    }
  }

  /// Each group's scale by least squares, the others fixed: W' changes by (f − 1) W' of the group.
  private func fitScales(_ slope: borrowing Buffer<Float>) throws(TTKitError) {
    let h = unsafe metric.storage.buffer.base
    for (g, group) in coder.scaleGroups.enumerated() {
      let n = group.count
      let curved = try Buffer<Float>(count: checkedProduct([n, rows]))
      let own = unsafe decoded.base + group.lowerBound * rows
      // H of the group times W' of the group: in bounds, n rows of each.
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(n), Int32(rows), Int32(n), 1,
        h + group.lowerBound * columns + group.lowerBound, Int32(columns), own, Int32(rows), 0,
        curved.base, Int32(rows))
      var falls = [Double](repeating: 0, count: rows)
      var bends = falls
      let down = unsafe slope.base + group.lowerBound * rows
      for i in 0..<n {
        for r in 0..<rows {
          let at = i * rows + r
          unsafe falls[r] -= Double(own[at]) * Double(down[at])
          unsafe bends[r] += Double(own[at]) * Double(curved.base[at])
        }
      }
      var factors = (0..<rows).map { r -> Float in
        bends[r] > 0 ? Float(max(min(1 + falls[r] / bends[r], 2), 0.5)) : 1
      }
      coder.rescale(g, &factors)
      for i in 0..<n {
        for r in 0..<rows {
          let at = i * rows + r
          unsafe curved.base[at] = own[at] * (factors[r] - 1)
          unsafe own[at] *= factors[r]
        }
      }
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(columns), Int32(rows), Int32(n), 1,
        h + group.lowerBound, Int32(columns), curved.base, Int32(rows), 1, slope.base, Int32(rows))
    }
  }

  /// Codes each group of columns again at the minimum over it alone, w' − H⁻¹ slope of the group.
  private func sweepColumns(_ slope: borrowing Buffer<Float>) throws(TTKitError) {
    let h = unsafe metric.storage.buffer.base
    let values = try Buffer<Float>(count: checkedProduct([coder.width, rows]))
    let changes = try Buffer<Float>(count: checkedProduct([Self.block + coder.width, rows]))
    var start = 0
    while start < columns {
      var end = start
      while end < columns && end - start < Self.block { end += coder.width(at: end, of: columns) }
      var first = start
      while first < end {
        let width = coder.width(at: first, of: columns)
        let own = unsafe decoded.base + first * rows
        let change = unsafe changes.base + (first - start) * rows
        let (inverse, factor) = try curvature(at: first, width)
        // In bounds: `width` rows of each.
        for k in 0..<width {
          unsafe (values.base + k * rows).update(from: own + k * rows, count: rows)
          for l in 0..<width {
            let down = unsafe slope.base + (first + l) * rows
            let step = inverse[k * width + l]
            for r in 0..<rows { unsafe values.base[k * rows + r] -= down[r] * step }
          }
        }
        unsafe change.update(from: own, count: width * rows)
        unsafe coder.code(first, values.base, metric: width > 1 ? factor : nil, into: own)
        for i in 0..<(width * rows) { unsafe change[i] = own[i] - change[i] }
        // The block's own rows of the slope; H is symmetric.
        for k in 0..<width {
          unsafe cblas_sger(
            CblasRowMajor, Int32(end - start), Int32(rows), 1, h + (first + k) * columns + start, 1,
            change + k * rows, 1, slope.base + start * rows, Int32(rows))
        }
        first += width
      }
      // All other rows at once.
      for (first, last) in [(0, start), (end, columns)] where last > first {
        unsafe cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(last - first), Int32(rows),
          Int32(end - start), 1, h + first * columns + start, Int32(columns), changes.base,
          Int32(rows), 1, slope.base + first * rows, Int32(rows))
      }
      start = end
    }
  }

  /// H⁻¹ of a group of columns alone, and F with H = F Fᵀ.
  private func curvature(
    at first: Int, _ width: Int
  ) throws(TTKitError) -> (inverse: [Float], factor: [Float]) {
    let h = unsafe metric.storage.buffer.base + first * columns + first
    if width == 1 { return unsafe ([1 / h[0]], [h[0].squareRoot()]) }
    let block = try Tensor<Double>(shape: [width, width]) { out in
      for a in 0..<width {
        // In bounds: the block at (first, first).
        for b in 0..<width { out[a * width + b] = Double(unsafe h[a * columns + b]) }
      }
    }
    guard let lower = try choleskyFactor(block) else {
      throw .internal("a block of a damped moment has no Cholesky factor")
    }
    let turned = try triangularInverse(lower)
    let inverse = try product(turned, turned, .transposed, .plain)
    return (inverse.elements.map { Float($0) }, lower.elements.map { Float($0) })
  }
}
