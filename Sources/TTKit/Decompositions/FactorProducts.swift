/// Products of factor matrices: the loops of canonical decompositions.

/// Column by column Kronecker product of `a` (m, R) and `b` (n, R): row i·n + j is a[i] · b[j].
@specialized(where T == Double)
@specialized(where T == Complex<Double>)
func khatriRao<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  let (m, n, rank) = (a.shape[0], b.shape[0], a.shape[1])
  return try Tensor(shape: [checkedProduct([m, n]), rank]) { out in
    a.withSpan { x in
      b.withSpan { y in
        for i in 0..<m {
          for j in 0..<n {
            for r in 0..<rank { out[(i * n + j) * rank + r] = x[i * rank + r] * y[j * rank + r] }
          }
        }
      }
    }
  }
}

/// Sums `tensor` (left, n, right, R) times `factor` (n, R) over n: the result is (left, right, R).
@specialized(where T == Double)
@specialized(where T == Complex<Double>)
func contracted<T: Scalar>(
  _ tensor: Tensor<T>, _ factor: Tensor<T>, left: Int, right: Int
) throws(TTKitError) -> Tensor<T> {
  let (n, rank) = (factor.shape[0], factor.shape[1])
  return try Tensor(shape: [left * right, rank], zeroed: true) { out in
    tensor.withSpan { x in
      factor.withSpan { y in
        for a in 0..<left {
          for i in 0..<n {
            for b in 0..<right {
              let (to, from) = ((a * right + b) * rank, ((a * n + i) * right + b) * rank)
              for r in 0..<rank { out[to + r] = out[to + r] + x[from + r] * y[i * rank + r] }
            }
          }
        }
      }
    }
  }
}

/// a · b element by element.
@specialized(where T == Double)
@specialized(where T == Complex<Double>)
func entrywise<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape == b.shape, "shapes differ")
  return try Tensor(shape: a.shape) { out in
    a.withSpan { x in b.withSpan { y in for i in x.indices { out[i] = x[i] * y[i] } } }
  }
}

/// a + factor · b.
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
func combination<T: Scalar>(
  _ a: Tensor<T>, _ factor: T, _ b: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape == b.shape, "shapes differ")
  return try Tensor(shape: a.shape) { out in
    a.withSpan { x in b.withSpan { y in for i in x.indices { out[i] = x[i] + factor * y[i] } } }
  }
}

/// Column r times `factors[r]`.
@specialized(where T == Double)
@specialized(where T == Complex<Double>)
func columnsScaled<T: Scalar>(
  _ a: Tensor<T>, by factors: [Double]
) throws(TTKitError) -> Tensor<T> {
  let rank = a.shape[1]
  return try Tensor(shape: a.shape) { out in
    a.withSpan { x in
      for i in x.indices { out[i] = x[i] * T(real: T.Real(factors[i % rank])) }
    }
  }
}

/// The Euclidean norm of every column, by sums of squares: for matrices near 1.
@specialized(where T == Double)
@specialized(where T == Complex<Double>)
func columnNorms<T: Scalar>(_ a: Tensor<T>) -> [Double] {
  let rank = a.shape[1]
  var squares = [Double](repeating: 0, count: rank)
  a.withSpan { x in
    for i in x.indices { squares[i % rank] += Double((x[i].conjugate * x[i]).realPart) }
  }
  return squares.map { $0.squareRoot() }
}

/// Re Σ conj(a) · b.
@specialized(where T == Double)
@specialized(where T == Complex<Double>)
func realDot<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) -> Double {
  var sum = 0.0
  a.withSpan { x in
    b.withSpan { y in
      for i in x.indices { sum += Double((x[i].conjugate * y[i]).realPart) }
    }
  }
  return sum
}
