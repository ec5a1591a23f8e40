/// The mean of what outputs lose in a fit, and how much of it a bias should take up.

/// (W − W') m for the inputs' mean m, row by row.
///
/// The bias takes it up, with one exception. A grid that clips a row of outliers loses much of it for a few
/// inputs and nothing for the rest; its mean, given to all inputs, is then larger than what other outputs
/// say, and drowns them. So a mean stays where it was when it is larger than a typical row's standard
/// deviation and varies by more than itself.
struct OutputShift {
  /// One number a row, 0 where the mean is not taken up.
  let taken: Tensor<Double>
  /// The sum over rows of the squares of means that were not taken up.
  let leftSquare: Double

  /// - Parameters:
  ///   - weight: (m, n).
  ///   - lost: (m, n), W − W'.
  ///   - moment: centred, of n inputs with a mean.
  init?(weight: Tensor<Double>, lost: Tensor<Double>, moment: InputMoment) throws(TTKitError) {
    guard let mean = moment.mean else { return nil }
    let shift = try product(lost, mean.reshaped([moment.count, 1])).elements
    let lostVariance = try moment.rowVariances(lost)
    let typical = try moment.rowVariances(weight).sorted()[weight.shape[0] / 2]
    var left = 0.0
    taken = try Tensor<Double>(shape: [lost.shape[0]]) { out in
      for (row, value) in shift.enumerated() {
        let square = value * value
        let strays = square > typical && square < lostVariance[row]
        out[row] = strays ? 0 : value
        if strays { left += square }
      }
    }
    leftSquare = left
  }
}

extension InputMoment {
  /// The diagonal of E H Eᵀ: the variance of each output of E.
  fileprivate func rowVariances(_ e: Tensor<Double>) throws(TTKitError) -> [Double] {
    let curved = try product(e, matrix)
    let n = count
    return curved.withSpan { curved in
      e.withSpan { e in
        (0..<e.count / n).map { row in
          (row * n..<(row + 1) * n).reduce(0.0) { $0 + curved[$1] * e[$1] }
        }
      }
    }
  }
}
