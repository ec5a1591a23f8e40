/// A matrix as a sum of terms, each a network of cores in a storage.

/// One term: its format with the ranks reached, its equation, its cores.
public struct Term: Sendable {
  public let format: any Format
  public let storage: any Storage
  public let equation: Equation
  public let cores: [EncodedCore]
  /// What activations meet before the cores.
  let input: InputOperator?

  init(
    format: any Format, storage: any Storage, equation: Equation, cores: [EncodedCore], columns: Int
  ) {
    self.format = format
    self.storage = storage
    self.equation = equation
    self.cores = cores
    input = format.inputOperator(columns: columns)
  }

  /// What the term is in a spec string.
  public var spec: Spec.Term { Spec.Term(format: format.call, storage: storage.call) }

  /// The decoded cores with their axes.
  func operands<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> [NamedTensor<T>] {
    var operands: [NamedTensor<T>] = []
    for (core, axes) in zip(cores, equation.operands) {
      operands.append(NamedTensor(axes: axes, tensor: try core.decoded(type)))
    }
    return operands
  }
}

/// A compressed weight: never changes once made, shared by layers and plans.
public final class CompressedMatrix: Sendable {
  public let rows: Int
  public let columns: Int
  public let terms: [Term]
  /// ‖W − W'‖ / ‖W‖ after storage, computed; NaN when the original is not known.
  public let error: Double
  /// ‖X (W − W')ᵀ‖ / ‖X Wᵀ‖ for the inputs X of the fit, without the means when the bias takes them up;
  /// NaN without inputs.
  public let outputError: Double
  /// What to add to the bias: (W − W') m for the mean input m, where `OutputShift` takes it up; nil without.
  public let biasChange: Tensor<Double>?

  init(
    rows: Int, columns: Int, terms: [Term], error: Double, outputError: Double = .nan,
    biasChange: Tensor<Double>? = nil
  ) {
    self.rows = rows
    self.columns = columns
    self.terms = terms
    self.error = error
    self.outputError = outputError
    self.biasChange = biasChange
  }

  /// With the ranks that were reached.
  public var spec: Spec { Spec(terms: terms.map(\.spec)) }

  /// Bytes of all cores as stored.
  public var byteCount: Int { terms.reduce(0) { $0 + $1.cores.reduce(0) { $0 + $1.byteCount } } }

  /// dtype the layer computes in: float64 when a core is stored as float64, else float32.
  public var computeDType: DType {
    terms.contains { $0.storage.computeDType == .float64 } ? .float64 : .float32
  }

  /// All cores, through all terms: the numbering of files and of the C interface.
  public var cores: [EncodedCore] { terms.flatMap(\.cores) }

  /// Terms of few entries, which multiply beside all others.
  var sparseTerms: [Term] { terms.filter { $0.format is Sparse } }

  /// All terms but those; perhaps none.
  var withoutSparse: CompressedMatrix {
    let others = terms.filter { !($0.format is Sparse) }
    if others.count == terms.count { return self }
    return CompressedMatrix(rows: rows, columns: columns, terms: others, error: .nan)
  }

  /// The dense matrix (rows, columns).
  public func dense<T: RealScalar>(
    _ type: T.Type, executor: Executor = .serial
  ) throws(TTKitError) -> Tensor<T> {
    var sum: Tensor<T>?
    for term in terms {
      let equation = term.equation
      var full = try contract(
        term.operands(type), to: equation.rows + equation.columns, executor: executor)
      full = full.reshaped([equation.rowCount, equation.columnCount])
      if let input = term.input { full = try PreparedOperator(input).folded(full) }
      full = try full.resized(rows: rows, columns: columns)
      sum = try sum.map { (sum) throws(TTKitError) in try added(sum, full) } ?? full
    }
    guard let sum else { throw .internal("a compressed matrix has no terms") }
    return sum
  }
}
