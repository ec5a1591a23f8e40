/// Single elements, many at a time.

extension TensorTrain {
  /// values[j] = element at indices[j·d ..< (j+1)·d], 0-based.
  ///
  /// Every point is computed by itself in the same order: a batch gives the bits of single calls, for any
  /// number of threads.
  /// - Parameters:
  ///   - indices: count · d numbers, row by row.
  ///   - values: count elements to write.
  /// - Complexity: O(count d r²).
  /// - Throws: `.invalidArgument` for an index out of range, naming point and axis; `.outOfMemory`.
  public func evaluate(
    _ indices: Span<Int64>, into values: inout MutableSpan<T>, executor: Executor = Executor()
  ) throws(TTKitError) {
    let count = values.count
    guard indices.count == (try checkedProduct([count, order])) else {
      throw .invalidArgument(
        "\(indices.count) indices for \(count) points of order \(order), expected count * order")
    }
    // Unsafe: the span holds count · d indices, as was checked.
    try unsafe indices.withUnsafeBufferPointer { (indices) throws(TTKitError) in
      guard let base = indices.baseAddress else { return }
      try unsafe plain.checkRange(base, count)
    }
    // A copy of the indices that threads may share.
    let shared = try Tensor<Int64>(shape: [indices.count]) { (out) throws(TTKitError) in
      for i in indices.indices { out[i] = indices[i] }
    }
    let cost = cores.reduce(0) { $0 &+ $1.shape[0] &* $1.shape[2] }
    let work = (try? checkedProduct([count, max(cost, 1)])) ?? .max
    let width = ranks.reduce(1, max)
    try executor.fitting(operations: work).parallelFill(&values, pieceCount: 1024) {
      (first, piece) throws(TTKitError) in
      if isTame { return try tameElements(shared, first, &piece) }
      var row = try Buffer<T>(count: width)
      var next = try Buffer<T>(count: width)
      for j in 0..<piece.count {
        piece[j] = try shared.withSpan { (indices) throws(TTKitError) in
          element(cores, indices, (first + j) * cores.count, &row, &next)
        }
      }
    }
  }
}

/// One element, brought near 1 after each core: a row vector times one slice of each core.
@specialized(where T == Float)
@specialized(where T == Double)
@specialized(where T == Complex<Float>)
@specialized(where T == Complex<Double>)
private func element<T: Scalar>(
  _ cores: [Tensor<T>], _ indices: Span<Int64>, _ at: Int,
  _ row: inout Buffer<T>, _ next: inout Buffer<T>
) -> T {
  var result = T.one
  row.withMutableSpan { row in
    next.withMutableSpan { next in
      row[0] = .one
      var exponent = 0
      for k in cores.indices {
        let (a, n, b) = (cores[k].shape[0], cores[k].shape[1], cores[k].shape[2])
        let index = Int(indices[at + k])
        cores[k].withSpan { core in
          for j in 0..<b { next[j] = .zero }
          for i in 0..<a {
            let (factor, slice) = (row[i], (i * n + index) * b)
            for j in 0..<b { next[j] = next[j] + factor * core[slice + j] }
          }
        }
        for j in 0..<b { row[j] = next[j] }
        exponent += normalize(&row, b)
      }
      result = scaledByPowerOfTwo(row[0], exponent)
    }
  }
  return result
}

/// Divides the first `count` numbers by a power of two that brings the largest near 1; returns its exponent.
private func normalize<T: Scalar>(_ row: inout MutableSpan<T>, _ count: Int) -> Int {
  var largest = T.Real.zero
  for j in 0..<count { largest = max(largest, row[j].magnitude) }
  guard largest > 0, largest.isFinite else { return 0 }
  let exponent = Int(largest.exponent)
  for j in 0..<count { row[j] = scaledByPowerOfTwo(row[j], -exponent) }
  return exponent
}
