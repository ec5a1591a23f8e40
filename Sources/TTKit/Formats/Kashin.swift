/// W = U + V Qᵀ with entries of U and V bunched around a few values: a code of few bits holds both.
///
/// Sources: D. Merkulov et al., Quantization of Large Language Models with an Overdetermined Basis, UAI
/// 2024; A. Cherniuk et al., Structured transforms for low-overhead quantization of language models, 2026.
public struct Kashin: Format {
  public static let name = "kashin"
  let transform: TransformKind
  let seed: Int
  /// One code for an entry of U and one of V together.
  let isJoint: Bool
  let method: KashinMethod

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    (transform, seed) = try TransformKind.take(&arguments, default: .dct)
    isJoint = try arguments.word("code", in: ["joint", "split"]) != "split"
    let word = try arguments.word("method", in: KashinMethod.allCases.map(\.rawValue))
    method = word.flatMap(KashinMethod.init(rawValue:)) ?? .alternating
  }

  public var call: Spec.Call {
    var arguments = TransformKind.arguments(transform, seed)
    if !isJoint { arguments.append(Spec.Argument("code", .word("split"))) }
    if method != .alternating { arguments.append(Spec.Argument("method", .word(method.rawValue))) }
    return Spec.Call(Self.name, arguments)
  }

  /// One core M = (U V) of twice as many columns: W = M E.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    let i = Axis("i", rows)
    let j = Axis("j", try checkedProduct([2, columns]))
    return Equation(rows: [i], columns: [j], operands: [[i, j]])
  }

  public func inputOperator(columns: Int) -> InputOperator? {
    InputOperator(
      transform: TransformSeed(kind: transform, length: columns, seed: UInt64(seed)),
      keepsInput: true)
  }

  /// A joint code is a code of vectors of two numbers; in split ones U and V have their own scales.
  public func coreStorage(_ storage: any Storage, columns: Int) throws(TTKitError) -> any Storage {
    if isJoint, let kmeans = storage as? KMeansStorage {
      if case .group = kmeans.sharing {
        throw .invalidArgument(
          "kashin: pairs of \(kmeans.call) share a codebook by tensor or row; "
            + "use group=row, or code=split")
      }
      return VectorStorage(dimensions: 2, bits: kmeans.bits, sharing: kmeans.sharing)
    }
    if let kmeans = storage as? KMeansStorage, kmeans.sharing == .row {
      return KMeansStorage(bits: kmeans.bits, group: .group(columns))
    }
    if let integers = storage as? IntegerStorage, integers.sharing == .row {
      return IntegerStorage(
        bits: integers.bits, group: .group(columns), isSymmetric: integers.isSymmetric)
    }
    return storage
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Kashin {
    try requireShapes(coreShapes, rows: rows, columns: columns)
    return self
  }

  /// The decomposition of all rows, each with its own steps but all on the same side at a time, so that
  /// one codebook serves them; what is left after 10⁻⁴ stays in U, so U + V Qᵀ is exact.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let basis = TransformSeed(kind: transform, length: columns, seed: UInt64(seed))
    let found = try KashinDecomposition(
      matrix, basis: try RowBasis(basis, executor: executor),
      KashinOptions(method: method, tolerance: 1e-4, mostSteps: 60, sharesSides: true),
      keepsRest: true)
    return [
      try Tensor.assembled(
        shape: [rows, 2 * columns],
        [(offset: [0, 0], block: found.u), (offset: [0, columns], block: found.v)])
    ]
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
