/// The unknowns of a canonical decomposition, and what its methods compute with them.
internal import Glibc

/// Factors U[k] (n[k], R): the tensor is ∑ U[0][:, r] ∘ … ∘ U[d−1][:, r].
///
/// The modes are cut into two halves of about equal size: one product with all columns of a half serves
/// all factors of the other half, so that a sweep reads the tensor twice.
struct CanonicalFactors<T: Scalar> {
  private(set) var factors: [Tensor<T>]
  /// Uᵀ conj(U) by mode.
  private(set) var grams: [Tensor<T>]
  let cut: Int

  init(_ factors: [Tensor<T>]) throws(TTKitError) {
    self.factors = factors
    grams = try factors.map { (factor) throws(TTKitError) in try Self.gram(factor, factor) }
    let lengths = factors.map { Double($0.shape[0]) }
    func larger(_ cut: Int) -> Double {
      max(lengths[..<cut].reduce(1, *), lengths[cut...].reduce(1, *))
    }
    cut = (1..<max(factors.count, 2)).min { larger($0) < larger($1) } ?? 1
  }

  var rank: Int { factors[0].shape[1] }
  var halves: [Range<Int>] { [0..<cut, cut..<factors.count] }

  mutating func replace(_ k: Int, by factor: Tensor<T>) throws(TTKitError) {
    factors[k] = factor
    grams[k] = try Self.gram(factor, factor)
  }

  /// Aᵀ conj(B).
  static func gram(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    try product(a, b.conjugated(), .transposed, .plain)
  }

  /// The entrywise product of all Gram matrices but those of `modes`.
  func gramProduct(without modes: [Int]) throws(TTKitError) -> Tensor<T> {
    var result = try Tensor<T>(shape: [rank, rank]) { out in
      for i in out.indices { out[i] = .one }
    }
    for k in grams.indices where !modes.contains(k) { result = try entrywise(result, grams[k]) }
    return result
  }

  /// The Khatri-Rao product of the factors of some modes; a row of ones for none.
  func columns(_ modes: Range<Int>) throws(TTKitError) -> Tensor<T> {
    guard let first = modes.first else {
      return try Tensor(shape: [1, rank]) { out in for r in out.indices { out[r] = .one } }
    }
    var result = factors[first]
    for k in modes.dropFirst() { result = try khatriRao(result, factors[k]) }
    return result
  }

  /// `tensor` (left half, right half) times the conjugate columns of the half that is not `half`.
  func projected(_ tensor: Tensor<T>, onto half: Int) throws(TTKitError) -> Tensor<T> {
    let others = try columns(halves[1 - half]).conjugated()
    return try product(tensor, others, half == 0 ? .plain : .transposed, .plain)
  }

  /// The unfolding of mode k times the conjugate columns of all other modes (n[k], R), from the projection
  /// onto k's half.
  func unfoldedProduct(
    _ projection: Tensor<T>, half: Int, mode k: Int
  ) throws(TTKitError) -> Tensor<T> {
    var (result, modes) = (projection, Array(halves[half]))
    while let other = modes.first(where: { $0 != k }) {
      let at = modes.firstIndex(of: other)!  // just found
      func length(_ modes: some Sequence<Int>) -> Int {
        modes.reduce(1) { $0 * factors[$1].shape[0] }
      }
      result = try contracted(
        result, factors[other].conjugated(), left: length(modes[..<at]),
        right: length(modes[(at + 1)...]))
      modes.remove(at: at)
    }
    return result
  }

  /// The tensor as a matrix (left half, right half).
  func dense() throws(TTKitError) -> Tensor<T> {
    try product(columns(halves[0]), columns(halves[1]), .plain, .transposed)
  }

  /// Columns of one norm in all factors.
  func balanced() throws(TTKitError) -> CanonicalFactors {
    let norms = factors.map { columnNorms($0) }
    let d = Double(factors.count)
    let scaled = try factors.enumerated().map { (k, factor) throws(TTKitError) in
      try columnsScaled(
        factor,
        by: (0..<rank).map { r in
          let all = norms.map { $0[r] }
          // The geometric mean, without overflow on the way.
          return all.contains(0) ? 0 : all.reduce(1.0) { $0 * pow($1, 1 / d) } / norms[k][r]
        })
    }
    return try CanonicalFactors(scaled)
  }

  /// Weights, descending, and factors with columns of norm 1.
  func normalized() throws(TTKitError) -> (weights: [Double], factors: [Tensor<T>]) {
    let norms = factors.map { columnNorms($0) }
    let weights = (0..<rank).map { r in norms.reduce(1) { $0 * $1[r] } }
    let order = (0..<rank).sorted { weights[$0] > weights[$1] }
    let unit = try factors.enumerated().map { (k, factor) throws(TTKitError) in
      let scaled = try columnsScaled(factor, by: norms[k].map { $0 > 0 ? 1 / $0 : 0 })
      return try Tensor.assembled(
        shape: scaled.shape,
        order.enumerated().map { (to, from) throws(TTKitError) in
          ([0, to], try scaled.block(at: [0, from], shape: [scaled.shape[0], 1]))
        })
    }
    return (order.map { weights[$0] }, unit)
  }
}
