/// What a format of convolution kernels must provide: its network, its fit, its chain of convolutions.

/// Lengths of a kernel (outputs, inputs, height, width).
struct KernelShape: Sendable, Equatable {
  let outputs: Int
  let inputs: Int
  let height: Int
  let width: Int

  var lengths: [Int] { [outputs, inputs, height, width] }
  var axes: [Axis] {
    [Axis("o", outputs), Axis("i", inputs), Axis("s", height), Axis("t", width)]
  }

  /// - Throws: `.invalidArgument` unless there are four lengths of at least 1 whose product fits.
  init(_ shape: [Int]) throws(TTKitError) {
    guard shape.count == 4, shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "kernel has shape \(describe(shape)), expected (out, in, height, width) of at least 1")
    }
    _ = try checkedProduct(shape + [8])
    guard shape[2] <= 1 << 20, shape[3] <= 1 << 20 else {
      throw .invalidArgument("kernel has shape \(describe(shape)), expected windows up to 2^20")
    }
    (outputs, inputs, height, width) = (shape[0], shape[1], shape[2], shape[3])
  }
}

protocol ConvolutionFormat: Sendable {
  static var name: String { get }
  init(_ arguments: inout SpecArguments) throws(TTKitError)
  var call: Spec.Call { get }

  /// Axes of the cores, o, i, s and t those of the kernel, ranks as large as allowed: core k belongs to
  /// convolution k of the chain.
  func operands(_ kernel: KernelShape) throws(TTKitError) -> [[Axis]]

  /// This format with the ranks that cores of these shapes have.
  func adopting(_ coreShapes: [[Int]]) throws(TTKitError) -> Self

  func fit<T: RealScalar>(
    _ kernel: Tensor<T>, _ shape: KernelShape, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>]

  /// The chain for cores of the operands' shapes.
  func stages(
    _ operands: [[Axis]], _ kernel: KernelShape, _ steps: ConvolutionSteps
  ) -> [ConvolutionStage]
}

enum ConvolutionRegistry {
  static let formats: [any ConvolutionFormat.Type] = [
    DenseConvolution.self, CPConvolution.self, TuckerConvolution.self, TrainConvolution.self,
  ]

  /// The format and the storage that a spec of one term names.
  ///
  /// - Parameter own: dtype of the numbers, whose storage is taken when the spec names none.
  static func parse(
    _ text: String, own: DType
  ) throws(TTKitError) -> (format: any ConvolutionFormat, storage: any Storage) {
    var parser = SpecParser(text)
    let spec = try parser.parse()
    guard spec.terms.count == 1 else {
      throw .invalidArgument("a convolution has one term, found \(spec.terms.count); drop the '+'")
    }
    let call = spec.terms[0].format
    guard let type = formats.first(where: { $0.name == call.name }) else {
      let names = formats.map { $0.name }
      let hint =
        nearestName(to: call.name, in: names).map { "the nearest is \($0)" }
        ?? "expected one of \(names.joined(separator: ", "))"
      throw .invalidArgument(
        "spec, character \(call.position): unknown convolution format '\(call.name)'; \(hint)")
    }
    var arguments = SpecArguments(call)
    let format: any ConvolutionFormat = try type.init(&arguments)
    try arguments.finish(known: arguments.known)
    return (format, try Registry.storage(spec.terms[0].storage ?? Spec.Call(own.name)))
  }
}

/// Sizes that must agree in number.
func requireCores(_ name: String, _ shapes: [[Int]], axes: [Int]) throws(TTKitError) {
  guard shapes.map(\.count) == axes else {
    throw .invalidArgument(
      "\(name) has cores of \(axes.map(String.init).joined(separator: ", ")) axes, found "
        + shapes.map { String($0.count) }.joined(separator: ", "))
  }
}
