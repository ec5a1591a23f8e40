/// Sums, differences and norms of dense arrays.

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

/// ‖a − b‖ / ‖a‖ in double precision, scaled so that nothing overflows; 0 for two zeros.
func relativeDifference<T: RealScalar>(_ a: Tensor<T>, _ b: Tensor<T>) -> Double {
  precondition(a.count == b.count, "sizes differ")
  let scale = max(a.largestMagnitude, b.largestMagnitude)
  guard scale > 0 else { return 0 }
  let (difference, whole) = scaledSquares(a, b, 1 / scale)
  return whole > 0 ? (difference / whole).squareRoot() : .infinity
}

/// Sums of ((a − b)·s)² and (a·s)², rows of 4096 at a time.
@specialized(where T == Float)
@specialized(where T == Double)
private func scaledSquares<T: RealScalar>(
  _ a: Tensor<T>, _ b: Tensor<T>, _ s: Double
) -> (Double, Double) {
  a.withSpan { x in
    b.withSpan { y in
      var (difference, whole) = (0.0, 0.0)
      for start in stride(from: 0, to: x.count, by: 4096) {
        var (d, w) = (0.0, 0.0)
        for i in start..<min(start + 4096, x.count) {
          let e = (Double(x[i]) - Double(y[i])) * s
          let v = Double(x[i]) * s
          d += e * e
          w += v * v
        }
        difference += d
        whole += w
      }
      return (difference, whole)
    }
  }
}
