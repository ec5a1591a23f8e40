/// Truncated SVDs of many matrices of one shape, with one rank for all.
internal import Synchronization

/// The best approximations U[b] · V[b] of rank r of the matrices of a stack (count, m, n).
///
/// - Parameters:
///   - cap: largest rank.
///   - rtol: the rank is the smallest whose error over all blocks is within rtol of the whole.
///   - balanced: roots of the singular values go to both sides; else all of them to V.
/// - Returns: u (count, m, r), v (count, r, n); without `balanced` columns of u are orthonormal.
/// - Complexity: O(count · m · n · min(m, n)), one block a task. Float32 blocks of a rank well below full
///   take iterations of small products instead of LAPACK.
@specialized(where T == Float)
@specialized(where T == Double)
func blockSVD<T: RealScalar>(
  _ stack: Tensor<T>, cap: Int, rtol: Double, balanced: Bool, executor: Executor
) throws(TTKitError) -> (u: Tensor<T>, v: Tensor<T>) {
  typealias Parts = (u: Tensor<T>, s: [T], vh: Tensor<T>)
  let (count, m, n) = (stack.shape[0], stack.shape[1], stack.shape[2])
  if rtol == 0, let single = stack as? Tensor<Float>,
    let fast = try leadingBlocks(
      single, rank: max(min(cap, m, n), 1), balanced: balanced, executor: executor),
    let u = fast.u as? Tensor<T>, let v = fast.v as? Tensor<T>
  {
    return (u, v)
  }
  let found = Mutex<[Parts?]>([Parts?](repeating: nil, count: count))
  try executor.parallelFor(count) { (b) throws(TTKitError) in
    let block = try Tensor<T>(shape: [m, n]) { out in
      stack.withSpan { span in
        for i in out.indices { out[i] = span[b * m * n + i] }
      }
    }
    let parts = try svd(block)
    found.withLock { $0[b] = parts }
  }
  let parts = found.withLock { $0.compactMap(\.self) }
  let k = min(m, n)
  let r = commonRank(parts.map(\.s), full: k, cap: cap, rtol: rtol)
  let u = try Tensor<T>(shape: [count, m, r]) { out in
    for (b, part) in parts.enumerated() {
      let weights = part.s.prefix(r).map { balanced ? T(Double($0).squareRoot()) : 1 }
      part.u.withSpan { span in
        for i in 0..<m {
          for a in 0..<r { out[(b * m + i) * r + a] = span[i * k + a] * weights[a] }
        }
      }
    }
  }
  let v = try Tensor<T>(shape: [count, r, n]) { out in
    for (b, part) in parts.enumerated() {
      let weights = part.s.prefix(r).map { balanced ? T(Double($0).squareRoot()) : $0 }
      part.vh.withSpan { span in
        for a in 0..<r {
          for j in 0..<n { out[(b * r + a) * n + j] = span[a * n + j] * weights[a] }
        }
      }
    }
  }
  return (u, v)
}

/// The smallest rank, at least 1, at most `cap`, whose discarded tails are within rtol of the whole.
private func commonRank<R: RealScalar>(
  _ spectra: [[R]], full: Int, cap: Int, rtol: Double
) -> Int {
  let most = max(min(cap, full), 1)
  let largest = spectra.compactMap(\.first).max().map { Double($0) } ?? 0
  guard rtol > 0, largest > 0 else { return most }
  // Squares of the k-th values of all blocks, scaled: no overflow, no underflow.
  let squares = (0..<full).map { k in
    spectra.reduce(0.0) { sum, s in
      let value = Double(s[k]) / largest
      return sum + value * value
    }
  }
  let budget = rtol * rtol * squares.reduce(0, +)
  var tail = 0.0
  var r = full
  while r > 1, tail + squares[r - 1] <= budget {
    tail += squares[r - 1]
    r -= 1
  }
  return min(r, most)
}
