/// The matrix of a local problem, never formed unless asked for.

/// Operator cores between two interfaces: a square matrix over the elements of one or two cores.
struct LocalOperator<T: Scalar>: Sendable {
  let left: Interface<T>
  let cores: [OperatorCore<T>]
  let right: Interface<T>

  /// - Parameters left, right: their powers of two are put into the left one.
  init(
    _ left: Interface<T>, _ cores: [OperatorCore<T>], _ right: Interface<T>
  ) throws(TTKitError) {
    self.left = Interface(
      tensor: try left.tensor.scaled(byPowerOfTwo: left.exponent + right.exponent), exponent: 0)
    self.cores = cores
    self.right = Interface(tensor: right.tensor, exponent: 0)
  }

  /// Number of unknowns.
  var columns: Int {
    cores.reduce(left.tensor.shape[2] * right.tensor.shape[2]) { $0 * $1.columns }
  }

  /// This matrix times `x`, columns · count numbers with the count innermost; shape (rows, count).
  func applied(to x: Tensor<T>, count: Int = 1) throws(TTKitError) -> Tensor<T> {
    let through = try left.passed(cores, x)
    let r = right.tensor
    let (inner, q) = (r.shape[1] * r.shape[2], r.shape[0])
    let rows = through.count / (inner * count)
    if count == 1 {
      return try product(
        through.reshaped([rows, inner]), r.reshaped([q, inner]), .plain, .transposed
      ).reshaped([rows * q, 1])
    }
    return try sharedProduct(
      r.reshaped([q, inner]), through.reshaped([rows, inner, count])
    ).reshaped([rows * q, count])
  }

  /// The whole matrix.
  func dense() throws(TTKitError) -> Tensor<T> {
    try applied(to: .identity(columns), count: columns)
  }
}
