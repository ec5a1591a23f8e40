/// What activations meet before the cores of a term: a structured operator that is not stored.

/// x becomes x Q, or (x, x Q): a term whose cores make M computes x Eᵀ Mᵀ, so its matrix is M E with
/// E = Qᵀ, or Qᵀ below the identity.
public struct InputOperator: Sendable, Equatable {
  let transform: TransformSeed
  /// Activations are kept beside what becomes of them.
  let keepsInput: Bool

  /// Entries of an activation before.
  var inputs: Int { transform.length }
  /// And after; fits: matrices of this width exist, or their equation was checked.
  var outputs: Int { keepsInput ? 2 * inputs : inputs }
}

/// An operator with its tables, for one dtype.
struct PreparedOperator<T: RealScalar>: Sendable {
  let shape: InputOperator
  let transform: OrthogonalTransform<T>

  init(_ shape: InputOperator, executor: Executor = .serial) throws(TTKitError) {
    self.shape = shape
    transform = try OrthogonalTransform(shape.transform, executor: executor)
    _ = try checkedProduct([shape.inputs, 2, MemoryLayout<T>.stride])
  }

  /// M E for the matrix M (rows, outputs) that the cores make.
  func folded(_ matrix: Tensor<T>, executor: Executor = .serial) throws(TTKitError) -> Tensor<T> {
    guard shape.keepsInput else { return try transform.applied(to: matrix, executor: executor) }
    let (rows, n) = (matrix.shape[0], shape.inputs)
    let plain = try matrix.block(at: [0, 0], shape: [rows, n])
    let turned = try matrix.block(at: [0, n], shape: [rows, n])
    return try added(plain, transform.applied(to: turned, executor: executor))
  }

  /// x Eᵀ for activations x (rows, inputs).
  func lifted(_ x: Tensor<T>, executor: Executor = .serial) throws(TTKitError) -> Tensor<T> {
    let turned = try transform.applied(to: x, adjoint: true, executor: executor)
    guard shape.keepsInput else { return turned }
    let (rows, n) = (x.shape[0], shape.inputs)
    return try Tensor.assembled(
      shape: [rows, 2 * n], [(offset: [0, 0], block: x), (offset: [0, n], block: turned)])
  }
}

extension InputOperator {
  /// The moment of what activations of this moment become: E H Eᵀ.
  func lifted(_ moment: InputMoment, executor: Executor) throws(TTKitError) -> InputMoment {
    let prepared = try PreparedOperator<Double>(self, executor: executor)
    let half = try prepared.lifted(moment.matrix, executor: executor)
    return InputMoment(
      matrix: try prepared.lifted(half.transposed([1, 0]), executor: executor))
  }
}

extension Format {
  /// The fit of a format behind an operator needs no moment: it is exact before storage.
  func encodeBehindOperator<T: RealScalar>(
    _ core: Tensor<T>, columns: Int, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) -> [EncodedCore] {
    guard let shape = inputOperator(columns: columns), storage is any ColumnStorage else {
      return [try EncodedCore(core, storage: storage)]
    }
    return [
      try EncodedCore(
        compensating: core, storage: storage,
        moment: shape.lifted(moment, executor: Executor()))
    ]
  }
}
