/// Modes in a new order.

extension TensorTrain {
  /// Mode k of the result is mode `axes[k]` of this train.
  ///
  /// Neighbours are exchanged by truncated SVDs, which share the allowed error; ranks may grow. Reversing
  /// all modes is exact and free, and serves as a first step when it saves exchanges.
  /// - Throws: `.invalidArgument` when `axes` is no permutation; as ``rounded(_:executor:progress:)``.
  public func transposed(
    _ axes: [Int], _ truncation: Truncation = Truncation(), executor: Executor = Executor(),
    progress: ProgressReporter = .silent
  ) throws(TTKitError) -> TensorTrain {
    try truncation.check(order: order)
    try checkPermutation(axes)
    let reversal = Array((0..<order).reversed())
    if axes == Array(0..<order) { return try TensorTrain(checking: cores) }
    if axes == reversal { return try reversed() }
    // Exchanges needed from here, and from the reversed train.
    let pairs = order * (order - 1) / 2  // order <= 1024
    let exchanges = inversions(axes)
    if exchanges > pairs - exchanges {
      return try reversed().exchanged(
        axes.map { order - 1 - $0 }, pairs - exchanges, truncation, executor, progress)
    }
    return try exchanged(axes, exchanges, truncation, executor, progress)
  }

  /// Modes in reverse order; exact.
  public func reversed() throws(TTKitError) -> TensorTrain {
    var result: [Tensor<T>] = []
    for core in cores.reversed() { try result.append(core.transposed([2, 1, 0])) }
    return try TensorTrain(checking: result)
  }

  private func checkPermutation(_ axes: [Int]) throws(TTKitError) {
    guard axes.count == order else {
      throw .invalidArgument("\(axes.count) axes, expected \(order)")
    }
    var seen = Set<Int>()
    for (position, axis) in axes.enumerated() {
      guard (0..<order).contains(axis) else {
        throw .invalidArgument("axes[\(position)] is \(axis), expected 0 to \(order - 1)")
      }
      guard seen.insert(axis).inserted else {
        throw .invalidArgument("axes[\(position)] repeats axis \(axis); list every axis once")
      }
    }
  }

  /// Insertion sort towards `axes`, the norm always in one of the two cores that are exchanged.
  private func exchanged(
    _ axes: [Int], _ exchanges: Int, _ truncation: Truncation, _ executor: Executor,
    _ progress: ProgressReporter
  ) throws(TTKitError) -> TensorTrain {
    var (cores, exponent) = try rightOrthogonalized()
    let norm = cores[0].norm
    guard norm > 0 else { return try .zero(shape: axes.map { shape[$0] }) }
    var budget = TruncationBudget<T.Real>(
      truncation, norm: norm, exponent: exponent, steps: exchanges)
    var modes = Array(0..<order)
    var center = 0
    var done = 0
    for (target, axis) in axes.enumerated() {
      guard var place = modes[target...].firstIndex(of: axis) else { continue }
      if place == target { continue }
      try move(&center, to: place, &cores)
      while place > target {
        try progress.report("exchanging modes", done, of: exchanges)
        let left = place - 1
        let pair = try exchangedPair(cores[left], cores[place])
        let rows = pair.shape[0] * pair.shape[1]  // fits: divides the pair's elements
        let (u, s, vh) = try svd(pair.reshaped([rows, pair.count / rows]))
        let r = budget.keep(s, cap: truncation.cap(afterCore: left))
        // The norm goes left, where the next exchange needs it.
        let scaled = try u.block(at: [0, 0], shape: [rows, r]).columnsScaled(by: s)
        cores[left] = scaled.reshaped([pair.shape[0], pair.shape[1], r])
        cores[place] = try vh.block(at: [0, 0], shape: [r, vh.shape[1]])
          .reshaped([r, pair.shape[2], pair.shape[3]])
        modes.swapAt(left, place)
        center = left
        place = left
        done += 1
      }
    }
    cores = try absorb(exponent, into: cores, at: center)
    return try TensorTrain(checking: cores, error: budget.relativeError)
  }
}

/// Moves the norm from core to core by QR or LQ.
private func move<T: Scalar>(
  _ center: inout Int, to place: Int, _ cores: inout [Tensor<T>]
) throws(TTKitError) {
  while center < place {
    let core = cores[center]
    let (q, r) = try qr(core.matrix(lastAxes: 1))
    cores[center] = q.reshaped([core.shape[0], core.shape[1], q.shape[1]])
    let next = cores[center + 1]
    cores[center + 1] = try product(r, next.matrix(lastAxes: 2))
      .reshaped([r.shape[0], next.shape[1], next.shape[2]])
    center += 1
  }
}

/// (a, n, b) and (b, m, c) to (a, m, n, c).
private func exchangedPair<T: Scalar>(
  _ x: Tensor<T>, _ y: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  try product(x.matrix(lastAxes: 1), y.matrix(lastAxes: 2))
    .reshaped([x.shape[0], x.shape[1], y.shape[1], y.shape[2]])
    .transposed([0, 2, 1, 3])
}

/// Pairs of positions whose values stand in descending order.
private func inversions(_ values: [Int]) -> Int {
  var count = 0
  for i in values.indices {
    for j in values[i...].indices where values[i] > values[j] { count += 1 }
  }
  return count
}

extension Tensor where Element: Scalar {
  /// Column j times `factors[j]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @specialized(where Element == Complex<Float>)
  @specialized(where Element == Complex<Double>)
  fileprivate func columnsScaled(by factors: [Element.Real]) throws(TTKitError) -> Tensor {
    let columns = shape[1]
    return try Tensor(shape: shape) { (out) throws(TTKitError) in
      withSpan { span in
        for i in 0..<shape[0] {
          for j in 0..<columns {
            out[i * columns + j] = Element(real: factors[j]) * span[i * columns + j]
          }
        }
      }
    }
  }
}
