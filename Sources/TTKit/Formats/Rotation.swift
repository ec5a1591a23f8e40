/// W = M Qᵀ with an orthogonal Q that spreads every entry over its row: outliers vanish in the crowd, and
/// numbers become Gaussian, whatever they were before.
public struct Rotation: Format {
  public static let name = "rotation"
  let transform: TransformKind
  let seed: Int

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    (transform, seed) = try TransformKind.take(&arguments, default: .hadamard)
  }

  public var call: Spec.Call { Spec.Call(Self.name, TransformKind.arguments(transform, seed)) }

  /// W[i, j] = Σ_k M[i, k] Q[j, k].
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    let i = Axis("i", rows)
    let j = Axis("j", columns)
    return Equation(rows: [i], columns: [j], operands: [[i, j]])
  }

  public func inputOperator(columns: Int) -> InputOperator? {
    InputOperator(
      transform: TransformSeed(kind: transform, length: columns, seed: UInt64(seed)),
      keepsInput: false)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Rotation {
    try requireShapes(coreShapes, rows: rows, columns: columns)
    return self
  }

  /// Exact: M = W Q.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    guard let shape = inputOperator(columns: matrix.shape[1]) else { return [matrix] }
    let prepared = try PreparedOperator<T>(shape, executor: executor)
    return [try prepared.lifted(matrix, executor: executor)]
  }

  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    try fit(matrix, executor: executor)
  }

  /// With error compensation in the moment of what activations become.
  public func encode<T: RealScalar>(
    _ cores: [Tensor<T>], of matrix: Tensor<T>, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) -> [EncodedCore] {
    try encodeBehindOperator(
      cores[0], columns: matrix.shape[1], storage: storage, moment: moment)
  }
}

extension TransformKind {
  /// The arguments `transform` and `seed` of a spec.
  static func take(
    _ arguments: inout SpecArguments, default wanted: TransformKind
  ) throws(TTKitError) -> (TransformKind, Int) {
    let word = try arguments.word("transform", in: words)
    let seed = try arguments.integer("seed", in: 0...(1 << 53)) ?? 0
    return (word.flatMap(TransformKind.init(rawValue:)) ?? wanted, seed)
  }

  static func arguments(_ kind: TransformKind, _ seed: Int) -> [Spec.Argument] {
    [Spec.Argument("transform", .word(kind.rawValue))]
      + (seed == 0 ? [] : [Spec.Argument("seed", .integer(seed))])
  }
}
