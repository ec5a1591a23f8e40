/// Choosing the entries that are kept, and their values.
internal import CTTKKernels
internal import Glibc

extension Sparse {
  /// The entries of largest magnitude: the best for so many.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    [try kept(matrix, order: .magnitude, moment: nil)]
  }

  /// The entries whose loss no other could make up for, with values that minimise the error together.
  ///
  /// An entry of column j counts w²/[H⁻¹]ⱼⱼ, which is what it costs once all others have made up for it
  /// (T. Dettmers et al., SpQR, ICLR 2024). Values start from 0 and descend, so that the error never rises.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let wide = try matrix.converted(to: Double.self)
    let places = try kept(wide, order: .magnitude, moment: moment)
    let values = try descended(wide, places, moment.damped(Compensation.damping), executor)
    return [try values.converted(to: T.self)]
  }

  /// What makes an entry worth keeping.
  enum Order {
    case magnitude
    /// Beside low bits with a grid for each row: how far the entry lies out in its row.
    case withinRow
  }

  /// The first `count` entries in this order as they are, all others 0.
  func kept<T: RealScalar>(
    _ matrix: Tensor<T>, order: Order, moment: InputMoment?
  ) throws(TTKitError) -> Tensor<T> {
    let wide = try matrix.converted(to: Double.self)
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let count = try amount.count(rows: rows, columns: columns)
    let scores = try scores(wide, order, moment?.entryWeights())
    var above = 0
    // In bounds: as many scores as entries, 1 <= count <= entries.
    let least = unsafe ttkk_kth_largest(scores.count, scores.storage.buffer.base, count, &above)
    return try Tensor<Double>(shape: matrix.shape, zeroed: true) { out in
      var ties = count - above
      scores.withSpan { scores in
        wide.withSpan { span in
          for i in span.indices where scores[i] >= least {
            if scores[i] == least {
              if ties == 0 { continue }
              ties -= 1
            }
            out[i] = span[i]
          }
        }
      }
    }.converted(to: T.self)
  }

  /// Numbers that order the entries, none negative; magnitudes in units of the largest.
  private func scores(
    _ matrix: Tensor<Double>, _ order: Order, _ weights: [Double]?
  ) throws(TTKitError) -> Tensor<Float> {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let most = matrix.withSpan { span in span.indices.reduce(0.0) { max($0, span[$1].magnitude) } }
    let unit = most > 0 ? most : 1
    return try Tensor<Float>(shape: [rows, columns]) { out in
      matrix.withSpan { span in
        for i in 0..<rows {
          var square = 0.0
          for j in 0..<columns {
            let size = span[i * columns + j].magnitude / unit * (weights?[j] ?? 1)
            square += size * size
            out[i * columns + j] = Float(size)
          }
          guard order == .withinRow, square > 0 else { continue }
          let deviation = (square / Double(columns)).squareRoot()
          for j in 0..<columns {
            out[i * columns + j] = Self.score(out[i * columns + j], deviation)
          }
        }
      }
    }
  }

  /// Rises as z²/2 + ln z + 2 ln σ for an entry of z deviations σ: a grid that ends at z steps of that size
  /// costs σ² z² in all, and moving the end inwards frees as many entries as there are, e^(−z²/2) of a normal row;
  /// entries should go where that ratio, σ² z e^(z²/2), is largest.
  private static func score(_ size: Float, _ deviation: Double) -> Float {
    guard size > 0 else { return 0 }
    let z = Double(size) / deviation
    let s = z * z / 2 + log(z) + 2 * log(deviation)
    return Float(s > 0 ? 1 + s : exp(s))
  }

  /// Values at the places where `places` is not 0 that lower tr((W − S) H (W − S)ᵀ) from that of S = 0, one
  /// after the other.
  private func descended(
    _ matrix: Tensor<Double>, _ places: Tensor<Double>, _ h: Tensor<Double>, _ executor: Executor
  ) throws(TTKitError) -> Tensor<Double> {
    let (rows, n) = (matrix.shape[0], matrix.shape[1])
    let slope = try product(matrix, h)
    let result = try Buffer<Double>(count: matrix.count, zeroed: true)
    // Tasks write disjoint rows.
    nonisolated(unsafe) let out = unsafe result.base
    executor.run(rows) { i in
      places.withSpan { places in
        matrix.withSpan { matrix in
          slope.withSpan { slope in
            h.withSpan { h in
              let own = (0..<n).filter { places[i * n + $0] != 0 }
              let values =
                own.count == n
                ? own.map { matrix[i * n + $0] }
                : Self.leastSquares(own, own.map { slope[i * n + $0] }, h, n)
              // In bounds: row i.
              for (j, value) in zip(own, values) { unsafe out[i * n + j] = value }
            }
          }
        }
      }
    }
    return Tensor(shape: matrix.shape, buffer: result)
  }

  /// s with Hs = g for the columns `own` of H, by coordinate descent from 0.
  private static func leastSquares(
    _ own: [Int], _ slope: [Double], _ h: Span<Double>, _ n: Int
  ) -> [Double] {
    var (left, values) = (slope, [Double](repeating: 0, count: own.count))
    var first = 0.0
    for sweep in 0..<16 {
      var gain = 0.0
      for (a, j) in own.enumerated() where h[j * n + j] > 0 {
        let step = left[a] / h[j * n + j]
        values[a] += step
        gain += step * left[a]
        for (b, k) in own.enumerated() { left[b] -= step * h[j * n + k] }
      }
      if sweep == 0 { first = gain }
      if gain <= 1e-6 * first { break }
    }
    return values
  }
}

extension InputMoment {
  /// 1/√[H⁻¹]ⱼⱼ, H damped: what an error in column j counts when all others may make up for it.
  func entryWeights() throws(TTKitError) -> [Double] {
    let damped = try damped(Compensation.damping)
    guard let l = try choleskyFactor(damped) else {
      return damped.withSpan { span in
        (0..<count).map { max(span[$0 * count + $0], 0).squareRoot() }
      }
    }
    let inverse = try triangularInverse(l)
    return inverse.withSpan { span in
      (0..<count).map { j in
        // H⁻¹ = L⁻ᵀ L⁻¹, and L⁻¹ is a lower triangle.
        1
          / (j..<count).reduce(0.0) { $0 + span[$1 * count + j] * span[$1 * count + j] }
          .squareRoot()
      }
    }
  }
}
