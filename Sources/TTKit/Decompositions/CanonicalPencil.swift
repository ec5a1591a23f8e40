/// A start that solves exact canonical problems outright.

/// Factors by simultaneous diagonalisation: two random combinations of the slices over a pair of modes are
/// A D₁ Bᵀ and A D₂ Bᵀ, so that A holds the eigenvectors of their quotient.
///
/// - Parameter tensor: three modes or more.
/// - Returns: nil unless two modes have at least `rank` entries.
/// - Error: none where `tensor` has `rank` terms, independent in these two modes; else a start.
/// - Source: S. Leurgans, R. Ross, R. Abel, SIAM J. Matrix Anal. 14 (1993); R. Harshman 1970.
func pencilStart<T: Scalar>(
  _ tensor: Tensor<T>, rank: Int, _ generator: inout SeededGenerator
) throws(TTKitError) -> [Tensor<T>]? {
  let shape = tensor.shape
  let long = shape.indices.filter { shape[$0] >= rank }
  guard shape.count >= 3, long.count >= 2 else { return nil }
  let (p, q) = (long[0], long[1])
  let order = [p, q] + shape.indices.filter { $0 != p && $0 != q }
  let slices = try tensor.transposed(order)
  let (m, n) = (shape[p], shape[q])
  let rest = tensor.count / (m * n)
  var numbers: [T] = []
  for _ in 0..<(2 * rest) {
    numbers.append(T(generator.unit() - 0.5, imaginary: generator.unit() - 0.5))
  }
  let weights = try Tensor<T>(shape: [2, rest], elements: numbers)
  let pair = try product(weights, slices.reshaped([m * n, rest]), .plain, .transposed)
  let left = try leadingColumns(slices.reshaped([m, n * rest]), rank)
  let right = try leadingColumns(
    slices.reshaped([m, n, rest]).transposed([1, 0, 2]).reshaped([n, m * rest]), rank)
  func reduced(_ k: Int) throws(TTKitError) -> Tensor<T> {
    let slice = try pair.block(at: [k, 0], shape: [1, m * n]).reshaped([m, n])
    let half = try product(left, slice, .conjugateTransposed, .plain)
    return try product(half, right.conjugated())
  }
  let vectors = try eigenvectors(solved(reduced(0), reduced(1), damping: 1e-15))
  let a = try product(left, vectors)
  // X₍p₎ = A Kᵀ: every column of K is the product of the other modes' columns.
  let others = try solved(
    product(slices.reshaped([m, n * rest]), a.conjugated(), .transposed, .plain),
    CanonicalFactors.gram(a, a), damping: 1e-15)
  var factors = [Tensor<T>?](repeating: nil, count: shape.count)
  factors[p] = a
  let lengths = order.dropFirst().map { shape[$0] }
  for (place, mode) in order.dropFirst().enumerated() {
    var columns: [(offset: [Int], block: Tensor<T>)] = []
    for r in 0..<rank {
      let column = try others.block(at: [0, r], shape: [n * rest, 1]).reshaped(lengths)
      let axes = [place] + lengths.indices.filter { $0 != place }
      let unfolded = try column.transposed(axes).reshaped([shape[mode], column.count / shape[mode]])
      try columns.append(([0, r], leadingColumns(unfolded, 1)))
    }
    factors[mode] = try Tensor.assembled(shape: [shape[mode], rank], columns)
  }
  return factors.compactMap { $0 }
}

/// Leading left singular vectors of a matrix.
private func leadingColumns<T: Scalar>(
  _ matrix: Tensor<T>, _ count: Int
) throws(TTKitError) -> Tensor<T> {
  try truncatedSplit(matrix, Executor(threads: 1)) { min(count, $0.count) }.u
    .resized(rows: matrix.shape[0], columns: count)
}
