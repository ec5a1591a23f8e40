extension LowRank {
  /// Truncated SVD: the best approximation of this rank (Eckart, Young 1936).
  ///
  /// The singular values' roots go to both factors, so that both have the same scale.
  /// - Complexity: O(rows · columns · min(rows, columns)).
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let (u, s, vh) = try svd(matrix)
    let r = truncatedRank(s, cap: limit.cap(0), rtol: limit.rtol)
    let (m, n, k) = (matrix.shape[0], matrix.shape[1], s.count)
    let roots = s.prefix(r).map { T(Double($0).squareRoot()) }
    let a = try Tensor<T>(shape: [m, r]) { out in
      u.withSpan { span in
        for i in 0..<m {
          for j in 0..<r { out[i * r + j] = span[i * k + j] * roots[j] }
        }
      }
    }
    let b = try Tensor<T>(shape: [r, n]) { out in
      vh.withSpan { span in
        for i in 0..<r {
          for j in 0..<n { out[i * n + j] = roots[i] * span[i * n + j] }
        }
      }
    }
    return [a, b]
  }
}

/// The smallest rank, at least 1, at most `cap`, whose tail is within rtol of the whole.
func truncatedRank<R: RealScalar>(_ s: [R], cap: Int, rtol: Double) -> Int {
  let most = max(min(cap, s.count), 1)
  guard rtol > 0, let largest = s.first, largest > 0 else { return most }
  // Scaled by the largest value: no overflow, no underflow.
  let squares = s.map { (Double($0) / Double(largest)) * (Double($0) / Double(largest)) }
  let budget = rtol * rtol * squares.reduce(0, +)
  var tail = 0.0
  var r = s.count
  while r > 1, tail + squares[r - 1] <= budget {
    tail += squares[r - 1]
    r -= 1
  }
  return min(r, most)
}
