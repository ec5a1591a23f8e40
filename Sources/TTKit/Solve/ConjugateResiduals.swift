/// Krylov iteration for square systems known by their products only.

/// Directions kept, and how often they are built anew.
private let directionCount = 60
private let restarts = 6

/// x with ‖side − matrix · x‖ <= tolerance, or as close as the iteration comes (GCR with restarts).
///
/// Images of the directions are kept orthonormal, so the residual never grows and is least over the space,
/// as with GMRES; the preconditioner may be anything.
/// - Parameters:
///   - residual: side − matrix · start.
/// - Source: S. Eisenstat, H. Elman, M. Schultz, Variational iterative methods for nonsymmetric systems of
///   linear equations, SIAM J. Numer. Anal. 20 (1983).
func conjugateResiduals<T: Scalar>(
  _ matrix: LocalOperator<T>, residual first: Tensor<T>, from start: Tensor<T>, tolerance: Double,
  preconditioner: BlockJacobi<T>
) throws(TTKitError) -> (x: Tensor<T>, residual: Double) {
  var (x, residual) = (start, first)
  var size = first.norm
  for _ in 0..<restarts where size > tolerance {
    let before = size
    var directions: [(step: Tensor<T>, image: Tensor<T>)] = []
    var next = residual
    while directions.count < directionCount, size > tolerance {
      var step = try preconditioner.applied(to: next)
      var image = try matrix.applied(to: step)
      let full = image.norm
      // Twice is enough for orthogonality to rounding.
      for _ in 0..<2 {
        for known in directions {
          let overlap = innerProduct(known.image, image)
          image = try image.adding(.zero - overlap, known.image)
          step = try step.adding(.zero - overlap, known.step)
        }
      }
      let length = image.norm
      guard length > 1e-14 * full, length.isFinite else { break }
      image = try image.scaled(by: T(real: T.Real(1 / length)))
      step = try step.scaled(by: T(real: T.Real(1 / length)))
      let part = innerProduct(image, residual)
      directions.append((step, image))
      x = try x.adding(part, step)
      residual = try residual.adding(.zero - part, image)
      // A residual that the direction does not touch would be followed by itself: go on from the image.
      next = Double(part.magnitude) > 1e-3 * size ? residual : image
      size = residual.norm
    }
    guard size < 0.9 * before else { break }
  }
  return (x, size)
}
