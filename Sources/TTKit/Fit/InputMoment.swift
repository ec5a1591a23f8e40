/// What a layer's inputs look like: the metric in which its weight is fitted.

/// Second moment of inputs x: the mean of x xᵀ, or of (x − m)(x − m)ᵀ when the mean m is known.
///
/// Fits minimise ‖W − W'‖² in the metric of this matrix H: tr((W − W') H (W − W')ᵀ) is the mean squared
/// error of the outputs. With m known it is their variance, and the bias takes up the mean (W − W') m, as
/// `OutputShift` says.
public struct InputMoment: Sendable {
  /// (n, n), symmetric.
  public let matrix: Tensor<Double>
  /// n numbers.
  public let mean: Tensor<Double>?

  public var count: Int { matrix.shape[0] }

  init(matrix: Tensor<Double>, mean: Tensor<Double>? = nil) {
    self.matrix = matrix
    self.mean = mean
  }

  /// Checks sums of x xᵀ over inputs of `width` numbers.
  ///
  /// - Parameters:
  ///   - sums: (width, width), or (width + 1, width + 1) for inputs with a 1 appended, whose last row
  ///     then holds the sums of x and their count. Symmetric, float32 or float64, finite.
  ///   - usesMean: false leaves the mean in the moment: for layers without a bias.
  /// - Throws: `.invalidArgument`, `.unsupportedDType`, `.nonFinite`.
  public init(sums view: StridedView, width: Int, usesMean: Bool) throws(TTKitError) {
    switch try WeightValues(view) {
    case .single(let tensor):
      try self.init(sums: tensor.converted(to: Double.self), width: width, usesMean: usesMean)
    case .double(let tensor): try self.init(sums: tensor, width: width, usesMean: usesMean)
    }
  }

  /// The same of a tensor.
  init(sums: Tensor<Double>, width: Int, usesMean: Bool) throws(TTKitError) {
    let shape = sums.shape
    guard shape.count == 2, shape[0] == shape[1], shape[0] == width || shape[0] == width + 1 else {
      throw .invalidArgument(
        "the moment has shape \(describe(shape)), expected (\(width), \(width)) for a weight of "
          + "\(width) columns, one more each with the sums of the inputs")
    }
    guard sums.isFinite else {
      throw .nonFinite("the moment holds NaN or infinity; look for them in the inputs")
    }
    try InputMoment.requireSymmetric(sums)
    let size = shape[0]
    guard size > width else {
      try self.init(matrix: InputMoment.scaled(sums, width: width, mean: nil, count: 1))
      return
    }
    let mean = try Tensor<Double>(shape: [width]) { out in
      sums.withSpan { span in
        for i in 0..<width { out[i] = span[i * size + width] / span[size * size - 1] }
      }
    }
    let count = sums.withSpan { $0[size * size - 1] }
    guard count > 0, mean.isFinite else {
      throw .invalidArgument("the moment counts \(count) inputs, expected at least 1")
    }
    try self.init(
      matrix: InputMoment.scaled(sums, width: width, mean: usesMean ? mean : nil, count: count),
      mean: usesMean ? mean : nil)
  }

  private static func requireSymmetric(_ sums: Tensor<Double>) throws(TTKitError) {
    let n = sums.shape[0]
    try sums.withSpan { (span) throws(TTKitError) in
      for i in 0..<n {
        guard span[i * n + i] >= 0 else {
          throw .invalidArgument(
            "the moment has \(span[i * n + i]) at (\(i), \(i)), expected a sum of squares")
        }
        for j in 0..<i {
          let (a, b) = (span[i * n + j], span[j * n + i])
          guard (a - b).magnitude <= 1e-4 * max(a.magnitude, b.magnitude).nextUp + 1e-30
          else {
            throw .invalidArgument(
              "the moment is not symmetric at (\(i), \(j)): \(a) and \(b)")
          }
        }
      }
    }
  }

  /// The leading block over the count, less the mean's part, made exactly symmetric.
  private static func scaled(
    _ sums: Tensor<Double>, width: Int, mean: Tensor<Double>?, count: Double
  ) throws(TTKitError) -> Tensor<Double> {
    let size = sums.shape[0]
    let centre = mean?.elements
    return try Tensor<Double>(shape: [width, width]) { out in
      sums.withSpan { span in
        for i in 0..<width {
          for j in 0...i {
            var value = (span[i * size + j] / 2 + span[j * size + i] / 2) / count
            if let centre { value -= centre[i] * centre[j] }
            if i == j { value = max(value, 0) }
            out[i * width + j] = value
            out[j * width + i] = value
          }
        }
      }
    }
  }

  /// Mean of the diagonal.
  var scale: Double {
    let n = count
    return matrix.withSpan { span in (0..<n).reduce(0.0) { $0 + span[$1 * n + $1] / Double(n) } }
  }

  /// The moment over its scale with `share` added to the diagonal: positive definite in any case. The
  /// identity when all inputs are 0.
  func damped(_ share: Double) throws(TTKitError) -> Tensor<Double> {
    let (n, scale) = (count, scale)
    return try Tensor<Double>(shape: [n, n]) { out in
      matrix.withSpan { span in
        for i in out.indices { out[i] = scale > 0 ? span[i] / scale : 0 }
        for i in 0..<n { out[i * n + i] += scale > 0 ? share : 1 }
      }
    }
  }

  /// The moment of B x: B H Bᵀ.
  func transformed(by b: Tensor<Double>) throws(TTKitError) -> InputMoment {
    let half = try product(b, matrix)
    return InputMoment(matrix: try product(half, b, .plain, .transposed))
  }

  /// tr(E H Eᵀ).
  func squaredNorm<T: RealScalar>(_ e: Tensor<T>) throws(TTKitError) -> Double {
    let wide = try e.converted(to: Double.self)
    return max(dot(try product(wide, matrix), wide), 0)
  }
}
