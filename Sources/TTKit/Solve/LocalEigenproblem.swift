/// The lowest eigenpairs of one local matrix: dense when small, iterated when large.

/// Lowest eigenpairs of a Hermitian matrix known by its products.
struct LocalEigenproblem<T: Scalar> {
  let matrix: LocalOperator<T>
  /// Eigenpairs wanted, at most the order of the matrix.
  let count: Int

  /// Up to this order all eigenvectors cost less than iterating.
  static var denseLimit: Int { 400 }
  private static var steps: Int { 40 }

  /// ‖A X − X (Xᴴ A X)‖ of orthonormal columns, the largest of a column.
  func residual(_ x: Tensor<T>) throws(TTKitError) -> Double {
    let image = try matrix.applied(to: x, count: x.shape[1])
    let inner = try product(x, image, .conjugateTransposed, .plain)
    return try largestColumn(image.subtracting(product(x, inner)))
  }

  /// - Parameter guess: (order, count), orthonormal columns.
  /// - Returns: values ascending, vectors (order, count), and the largest |eigenvalue| met.
  func lowest(
    from guess: Tensor<T>, tolerance: Double
  ) throws(TTKitError) -> (values: [Double], vectors: Tensor<T>, size: Double) {
    let n = matrix.columns
    guard n > Self.denseLimit else {
      let (values, vh) = try hermitianEigen(matrix.dense())
      let rows = try vh.block(at: [0, 0], shape: [count, n])
      return (
        values.prefix(count).map { Double($0) }, try adjoint(rows),
        values.reduce(0) { max($0, abs(Double($1))) }
      )
    }
    return try davidson(guess, tolerance)
  }

  /// Block Davidson without a preconditioner: a Krylov space of the block, kept orthonormal.
  ///
  /// Source: E. Davidson, The iterative calculation of a few of the lowest eigenvalues and corresponding
  /// eigenvectors of large real-symmetric matrices, J. Comput. Phys. 17 (1975).
  private func davidson(
    _ guess: Tensor<T>, _ tolerance: Double
  ) throws(TTKitError) -> (values: [Double], vectors: Tensor<T>, size: Double) {
    let n = matrix.columns
    let most = min(max(12 * count, 40), n)
    var basis = guess
    var image = try matrix.applied(to: basis, count: count)
    var size = 0.0
    var step = 0
    while true {
      let (all, vh) = try hermitianEigen(product(basis, image, .conjugateTransposed, .plain))
      size = all.reduce(size) { max($0, abs(Double($1))) }
      func ritz(_ kept: Int) throws(TTKitError) -> (x: Tensor<T>, image: Tensor<T>) {
        let y = try adjoint(vh.block(at: [0, 0], shape: [kept, basis.shape[1]]))
        return (try product(basis, y), try product(image, y))
      }
      let (x, ax) = try ritz(count)
      let values = all.prefix(count).map { $0 }
      let scaled = try adjoint(adjoint(x).rowsScaled(by: values))
      let rest = try ax.subtracting(scaled)
      step += 1
      if try largestColumn(rest) <= tolerance || step > Self.steps || basis.shape[1] == n {
        return (values.map { Double($0) }, x, size)
      }
      if basis.shape[1] + count > most { (basis, image) = try ritz(min(2 * count, basis.shape[1])) }
      // New directions: the residuals, orthogonal to the basis; twice is enough.
      var added = rest
      for _ in 0..<2 {
        let inside = try product(basis, added, .conjugateTransposed, .plain)
        added = try qr(added.subtracting(product(basis, inside))).q
      }
      let columns = basis.shape[1]
      basis = try .assembled(
        shape: [n, columns + added.shape[1]], [([0, 0], basis), ([0, columns], added)])
      let more = try matrix.applied(to: added, count: added.shape[1])
      image = try .assembled(shape: basis.shape, [([0, 0], image), ([0, columns], more)])
    }
  }

  private func largestColumn(_ matrix: Tensor<T>) throws(TTKitError) -> Double {
    let inner = try product(matrix, matrix, .conjugateTransposed, .plain)
    let n = matrix.shape[1]
    let squares = inner.withSpan { span in (0..<n).map { Double(span[$0 * n + $0].realPart) } }
    return squares.reduce(0) { max($0, $1) }.squareRoot()
  }
}

/// aᴴ of a matrix.
func adjoint<T: Scalar>(_ a: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  let swapped = try a.transposed([1, 0])
  return T.dtype == T.Real.dtype ? swapped : try swapped.map { $0.conjugate }
}
