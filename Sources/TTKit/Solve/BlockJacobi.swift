/// Preconditioning of local problems by inverted diagonal blocks.

/// Inverses of the blocks that remain when one interface is replaced by its diagonal.
///
/// Source: S. Dolgov, D. Savostyanov, Alternating minimal energy methods for linear systems in higher
/// dimensions, SIAM J. Sci. Comput. 36 (2014), section 5.
struct BlockJacobi<T: Scalar> {
  /// (blocks, m, m); nil: no preconditioning.
  private let inverses: Tensor<T>?
  /// Unknowns are (m, blocks) instead of (blocks, m).
  private let isBlockLast: Bool

  /// Larger blocks cost more than they save.
  private static var largest: Int { 1000 }

  init(_ matrix: LocalOperator<T>, _ kind: LocalPreconditioner) throws(TTKitError) {
    isBlockLast = kind == .left
    let (l, r) = (matrix.left.tensor, matrix.right.tensor)
    let count = isBlockLast ? r.shape[0] : l.shape[0]
    let size = matrix.columns / max(count, 1)
    guard kind != .none, l.shape[0] == l.shape[2], r.shape[0] == r.shape[2], size <= Self.largest
    else {
      inverses = nil
      return
    }
    var blocks: [(offset: [Int], block: Tensor<T>)] = []
    for c in 0..<count {
      // The interface cut down to rank 1 at its diagonal element c.
      let whole = isBlockLast ? r : l
      let cut = Interface(
        tensor: try whole.block(at: [c, 0, c], shape: [1, whole.shape[1], 1]), exponent: 0)
      let block = try LocalOperator(
        isBlockLast ? matrix.left : cut, matrix.cores, isBlockLast ? cut : matrix.right
      ).dense()
      guard let inverse = try inverse(block), inverse.isFinite else {
        inverses = nil
        return
      }
      blocks.append(([c, 0, 0], inverse.reshaped([1, size, size])))
    }
    inverses = try .assembled(shape: [count, size, size], blocks)
  }

  func applied(to x: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    guard let inverses else { return x }
    let (count, size) = (inverses.shape[0], inverses.shape[1])
    guard isBlockLast else {
      return try batchedProduct(inverses, x.reshaped([count, size, 1])).reshaped(x.shape)
    }
    let columns = try x.reshaped([size, count]).transposed([1, 0]).reshaped([count, size, 1])
    return try batchedProduct(inverses, columns).reshaped([count, size]).transposed([1, 0])
      .reshaped(x.shape)
  }
}
