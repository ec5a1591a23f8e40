/// Results with axes that the contraction does not have: gradients of sums and of diagonals.

struct ResultSpread: Sendable {
  /// Axes of the result, one number for each place: an axis may come twice, or be missing in the
  /// contraction, which then says the same for all of its values.
  let axes: [Int]
  let shape: [Int]

  /// Writes, or adds to, every element of `result`: off the diagonals of axes that come twice it is 0.
  func write<T: RealScalar>(
    _ source: UnsafePointer<T>, _ strides: [Int], _ sourceAxes: [Int], to result: StridedView,
    adding: Bool = false
  ) {
    guard let data = unsafe result.data, result.count > 0 else { return }
    let target = unsafe data.assumingMemoryBound(to: T.self)
    let count = result.count
    for i in 0..<count {
      var rest = i
      var (from, to) = (0, 0)
      var isOnDiagonal = true
      for place in shape.indices.reversed() {
        let digit = rest % shape[place]
        rest /= shape[place]
        to += digit * result.strides[place]
        if let first = axes[..<place].firstIndex(of: axes[place]) {
          // The same axis came before: its digit is in a higher place.
          let above = shape[(first + 1)..<place].reduce(1, *)
          isOnDiagonal = isOnDiagonal && rest / above % shape[first] == digit
        } else if let k = sourceAxes.firstIndex(of: axes[place]) {
          from += digit * strides[k]
        }
      }
      // In bounds: one index of each side's lengths.
      let value = isOnDiagonal ? unsafe source[from] : 0
      if adding { unsafe target[to] += value } else { unsafe target[to] = value }
    }
  }
}
