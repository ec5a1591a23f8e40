/// Sums and differences of dense arrays.

/// a + b.
@specialized(where T == Float)
@specialized(where T == Double)
func added<T: RealScalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  try combined(a, b, 1)
}

/// a − b.
@specialized(where T == Float)
@specialized(where T == Double)
func subtracted<T: RealScalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  try combined(a, b, -1)
}

@inline(__always)
private func combined<T: RealScalar>(
  _ a: Tensor<T>, _ b: Tensor<T>, _ factor: T
) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape == b.shape, "shapes differ")
  return try Tensor<T>(shape: a.shape) { out in
    a.withSpan { x in
      b.withSpan { y in
        for i in x.indices { out[i] = x[i] + factor * y[i] }
      }
    }
  }
}
/// Σ a · b over all elements.
func dot(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double {
  precondition(a.count == b.count, "sizes differ")
  return a.withSpan { x in
    b.withSpan { y in
      var sum = 0.0
      for i in x.indices { sum += x[i] * y[i] }
      return sum
    }
  }
}

/// a · b element by element.
func multiplied(
  _ a: Tensor<Double>, _ b: Tensor<Double>
) throws(TTKitError) -> Tensor<Double> {
  precondition(a.shape == b.shape, "shapes differ")
  return try Tensor<Double>(shape: a.shape) { out in
    a.withSpan { x in
      b.withSpan { y in
        for i in x.indices { out[i] = x[i] * y[i] }
      }
    }
  }
}

extension Tensor where Element: Scalar {
  /// Every element conjugated; real tensors as they are.
  @specialized(where Element == Complex<Float>)
  @specialized(where Element == Complex<Double>)
  func conjugated() throws(TTKitError) -> Tensor {
    if Element.dtype == Element.Real.dtype { return self }
    return try Tensor(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in for i in span.indices { out[i] = span[i].conjugate } }
    }
  }
}
