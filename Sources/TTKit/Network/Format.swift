/// What a format must provide. A new format is a file in Formats, a file in Fit, a line in Registry.

/// A family of networks for a matrix: its equation, its counts, how it is fitted.
public protocol Format: Sendable {
  /// Name in spec strings.
  static var name: String { get }

  /// Takes its arguments from a spec and checks them.
  init(_ arguments: inout SpecArguments) throws(TTKitError)

  /// The call that makes this format again.
  var call: Spec.Call { get }

  /// The network for a matrix of at least `rows` x `columns`, ranks as large as the format allows.
  /// - Throws: `.invalidArgument` when the factors cannot make the sizes.
  func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation

  /// What activations meet before the cores; then the equation's columns are what comes out of it.
  func inputOperator(columns: Int) -> InputOperator?

  /// The storage of the cores for the one a spec names.
  /// - Throws: `.invalidArgument` when this format cannot be stored so.
  func coreStorage(_ storage: any Storage, columns: Int) throws(TTKitError) -> any Storage

  /// Cores for `matrix`, whose rows are the equation's and whose columns the layer's; ranks may come out smaller than allowed.
  func fit<T: RealScalar>(
    _ matrix: Tensor<T>, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>]

  /// Cores that minimise tr((W − W') H (W − W')ᵀ) for the moment H of the inputs.
  func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>]

  /// Cores in their storage, with error compensation where the format knows what inputs a core sees.
  func encode<T: RealScalar>(
    _ cores: [Tensor<T>], of matrix: Tensor<T>, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) -> [EncodedCore]

  /// This format with the ranks that cores of these shapes have.
  /// - Throws: `.invalidArgument` when the shapes are not this format's for the matrix.
  func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Self
}

extension Format {
  public func inputOperator(columns: Int) -> InputOperator? { nil }
  public func coreStorage(_ storage: any Storage, columns: Int) throws(TTKitError) -> any Storage {
    storage
  }

  /// The fit without activations, improved core by core.
  public func fit<T: RealScalar>(
    _ matrix: Tensor<T>, moment: InputMoment, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let start = try fit(matrix, executor: executor)
    return try improved(start, matrix, moment)
  }

  public func encode<T: RealScalar>(
    _ cores: [Tensor<T>], of matrix: Tensor<T>, storage: any Storage, moment: InputMoment
  ) throws(TTKitError) -> [EncodedCore] {
    try cores.map { (core) throws(TTKitError) in try EncodedCore(core, storage: storage) }
  }

  /// Cores after sweeps of alternating least squares in the metric of the moment.
  func improved<T: RealScalar>(
    _ cores: [Tensor<T>], _ matrix: Tensor<T>, _ moment: InputMoment
  ) throws(TTKitError) -> [Tensor<T>] {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let reached = try adopting(coreShapes: cores.map(\.shape), rows: rows, columns: columns)
    var sweep = try WeightedSweep(
      cores, reached.equation(rows: rows, columns: columns), matrix, moment)
    try sweep.run()
    return sweep.cores
  }

  /// Checks the number of cores and of axes of each.
  func requireAxes(_ shapes: [[Int]], count: Int, axes: Int) throws(TTKitError) {
    guard shapes.count == count else {
      throw .invalidArgument("\(Self.name) has \(count) cores here, found \(shapes.count)")
    }
    for (k, shape) in shapes.enumerated() where shape.count != axes {
      throw .invalidArgument(
        "core \(k) of \(Self.name) has shape \(describe(shape)), expected \(axes) axes")
    }
  }

  /// Checks that shapes are those of this format's equation.
  func requireShapes(
    _ shapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) {
    let expected = try equation(rows: rows, columns: columns).coreShapes
    guard shapes.count == expected.count else {
      throw .invalidArgument("\(Self.name) has \(expected.count) cores here, found \(shapes.count)")
    }
    for (k, shape) in shapes.enumerated() where shape != expected[k] {
      throw .invalidArgument(
        "core \(k) of \(call) has shape \(describe(shape)), expected \(describe(expected[k]))")
    }
  }
}
