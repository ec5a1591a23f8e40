/// Sums, multiples and element-by-element products, exact up to rounding; ranks grow.

extension TensorTrain {
  /// This tensor plus `other`; ranks add.
  /// - Throws: `.invalidArgument` when shapes differ; `.outOfMemory`.
  public func adding(_ other: TensorTrain) throws(TTKitError) -> TensorTrain {
    try requireShape(of: other)
    guard order > 1 else {
      let n = shape[0]
      let sum = try Tensor<T>(shape: [1, n, 1]) { (out) throws(TTKitError) in
        cores[0].withSpan { a in
          other.cores[0].withSpan { b in for i in 0..<n { out[i] = a[i] + b[i] } }
        }
      }
      return try TensorTrain(checking: [sum])
    }
    return try .joined([self, other], alongMode: nil)
  }

  /// This tensor minus `other`; ranks add.
  public func subtracting(_ other: TensorTrain) throws(TTKitError) -> TensorTrain {
    try requireShape(of: other)
    return try adding(other.scaled(by: T.zero - T.one))
  }

  /// `factor` times this tensor: one core is scaled, or all when one alone would leave the dtype's range.
  ///
  /// - Throws: `.nonFinite` for a factor that is NaN or infinite, or a result beyond the range.
  public func scaled(by factor: T) throws(TTKitError) -> TensorTrain {
    guard factor.isFinite else {
      throw .nonFinite("factor is \(factor), expected a finite number")
    }
    var result = cores
    result[order - 1] = try cores[order - 1].scaled(by: factor)
    let size = result[order - 1].largestComponent
    let lost = factor != .zero && cores[order - 1].largestComponent > 0 && !isNormal(size)
    if lost {
      // Exponents apart: factor = f · 2^e with f near 1.
      let one = try ScaledTensor(Tensor(shape: [1, 1], elements: [factor]))
      let core = try ScaledTensor(cores[order - 1], exponent: one.exponent)
      let f = one.tensor.elements[0]
      result[order - 1] = try core.tensor.scaled(by: f)
      result = try absorb(core.exponent, into: result, at: order - 1)
    }
    return try TensorTrain(checking: result, error: error)
  }

  private func isNormal(_ size: Double) -> Bool {
    size.isFinite && size >= Double(T.Real.leastNormalMagnitude) / Double(T.Real.ulpOfOne)
  }

  /// Element by element product; ranks multiply.
  ///
  /// - Throws: `.invalidArgument` when shapes differ; `.sizeOverflow`, `.outOfMemory`, `.nonFinite`.
  public func hadamard(_ other: TensorTrain) throws(TTKitError) -> TensorTrain {
    try requireShape(of: other)
    var result: [Tensor<T>] = []
    var exponent = 0
    for (a, b) in zip(cores, other.cores) {
      let left = try ScaledTensor(a, exponent: exponent)
      let right = try ScaledTensor(b, exponent: left.exponent)
      exponent = right.exponent
      result.append(try sliceProducts(left.tensor, right.tensor))
    }
    result = try absorb(exponent, into: result, at: order - 1)
    return try TensorTrain(checking: result)
  }

  /// - Throws: `.invalidArgument` naming the first axis that differs.
  func requireShape(of other: TensorTrain) throws(TTKitError) {
    guard shape == other.shape else {
      throw .invalidArgument(
        "shapes \(describe(shape)) and \(describe(other.shape)) differ; expected equal shapes")
    }
  }
}

/// Kronecker products of the slices at each mode index: (a, n, b) and (c, n, d) give (a c, n, b d).
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
private func sliceProducts<T: Scalar>(
  _ x: Tensor<T>, _ y: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  let (a, n, b) = (x.shape[0], x.shape[1], x.shape[2])
  let (c, d) = (y.shape[0], y.shape[2])
  let shape = [try checkedProduct([a, c]), n, try checkedProduct([b, d])]
  return try Tensor(shape: shape) { (out) throws(TTKitError) in
    x.withSpan { x in
      y.withSpan { y in
        var at = 0
        for i in 0..<a {
          for j in 0..<c {
            for m in 0..<n {
              for k in 0..<b {
                let factor = x[(i * n + m) * b + k]
                let row = (j * n + m) * d
                for l in 0..<d { out[at + l] = factor * y[row + l] }
                at += d
              }
            }
          }
        }
      }
    }
  }
}
