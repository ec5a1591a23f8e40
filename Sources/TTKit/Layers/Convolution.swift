/// A two-dimensional convolution layer with a compressed kernel, images as (channels, height, width).

public final class Convolution: Sendable {
  let kernel: KernelShape
  let format: any ConvolutionFormat
  let storage: any Storage
  public let steps: ConvolutionSteps
  public let cores: [EncodedCore]
  public let bias: Bias?
  /// ‖K − K'‖ / ‖K‖ after storage, computed; NaN for a layer made of cores.
  public let error: Double
  let operands: [[Axis]]
  let stages: [ConvolutionStage]

  private init<T: RealScalar>(
    _ kernel: KernelShape, _ format: any ConvolutionFormat, _ storage: any Storage,
    _ cores: [Tensor<T>], _ steps: ConvolutionSteps, _ bias: Bias?, original: Tensor<T>?
  ) throws(TTKitError) {
    let reached: any ConvolutionFormat = try format.adopting(cores.map(\.shape))
    operands = try reached.operands(kernel)
    for (k, core) in cores.enumerated() where core.shape != operands[k].map(\.length) {
      throw .invalidArgument(
        "core \(k) of \(reached.call) has shape \(describe(core.shape)), expected "
          + describe(operands[k].map(\.length)))
    }
    if let bias, bias.count != kernel.outputs {
      throw .invalidArgument(
        "bias has \(bias.count) elements, the kernel has \(kernel.outputs) outputs")
    }
    var encoded: [EncodedCore] = []
    for core in cores {
      guard core.isFinite else {
        throw .nonFinite("a core holds NaN or infinity; expected finite values")
      }
      encoded.append(try EncodedCore(core, storage: storage))
    }
    (self.kernel, self.format, self.storage, self.cores) = (kernel, reached, storage, encoded)
    (self.steps, self.bias) = (steps, bias)
    stages = reached.stages(operands, kernel, steps)
    if let original {
      let full = try Self.dense(T.self, encoded, operands, kernel)
      let lost = try subtracted(original, full).norm
      error = lost == 0 ? 0 : lost / original.norm
    } else {
      error = .nan
    }
  }

  /// Fits `weight` (outputs, inputs, height, width) by the spec.
  /// - Throws: `.invalidArgument`, `.unsupportedDType`, `.nonFinite`, `.sizeOverflow`, `.outOfMemory`,
  ///   `.notConverged`.
  public static func fit(
    _ weight: StridedView, spec: String, steps: ConvolutionSteps, bias: Bias?,
    executor: Executor = Executor()
  ) throws(TTKitError) -> Convolution {
    let shape = try KernelShape(weight.shape)
    let (format, storage) = try ConvolutionRegistry.parse(spec, own: weight.dtype)
    func made<T: RealScalar>(_ kernel: Tensor<T>) throws(TTKitError) -> Convolution {
      guard kernel.isFinite else {
        throw .nonFinite("kernel holds NaN or infinity; expected finite values")
      }
      return try Convolution(
        shape, format, storage, format.fit(kernel, shape, executor: executor), steps, bias,
        original: kernel)
    }
    switch try WeightValues(weight) {
    case .single(let tensor): return try made(tensor)
    case .double(let tensor): return try made(tensor)
    }
  }

  /// A layer of given cores, all float32 or all float64.
  public static func make(
    _ spec: String, kernelShape: [Int], cores: [StridedView], steps: ConvolutionSteps, bias: Bias?
  ) throws(TTKitError) -> Convolution {
    let shape = try KernelShape(kernelShape)
    guard let dtype = cores.first?.dtype, cores.allSatisfy({ $0.dtype == dtype }),
      dtype == .float32 || dtype == .float64
    else { throw .unsupportedDType("cores must all be float32 or all be float64") }
    let (format, storage) = try ConvolutionRegistry.parse(spec, own: dtype)
    if dtype == .float64 {
      var values: [Tensor<Double>] = []
      for core in cores { values.append(try core.copied(as: Double.self)) }
      return try Convolution(shape, format, storage, values, steps, bias, original: nil)
    }
    var values: [Tensor<Float>] = []
    for core in cores { values.append(try core.copied(as: Float.self)) }
    return try Convolution(shape, format, storage, values, steps, bias, original: nil)
  }

  public var kernelShape: [Int] { kernel.lengths }
  /// dtype of images: float64 for cores of float64, else float32.
  public var dtype: DType { storage.computeDType == .float64 ? .float64 : .float32 }
  /// Bytes of cores, scales and bias as stored.
  public var byteCount: Int { cores.reduce(bias?.byteCount ?? 0) { $0 + $1.byteCount } }
  /// With the ranks that were reached.
  public var spec: Spec { Spec(terms: [Spec.Term(format: format.call, storage: storage.call)]) }

  /// The kernel (outputs, inputs, height, width).
  public func dense<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> Tensor<T> {
    try Self.dense(type, cores, operands, kernel)
  }

  private static func dense<T: RealScalar>(
    _ type: T.Type, _ cores: [EncodedCore], _ operands: [[Axis]], _ kernel: KernelShape
  ) throws(TTKitError) -> Tensor<T> {
    var tensors: [NamedTensor<T>] = []
    for (core, axes) in zip(cores, operands) {
      tensors.append(NamedTensor(axes: axes, tensor: try core.decoded(type)))
    }
    return try contract(tensors, to: kernel.axes)
  }

  /// Height and width of every image of the chain: the input's first, the output's last.
  /// - Throws: `.invalidArgument` when a window does not fit; `.sizeOverflow`.
  func sizes(_ size: [Int]) throws(TTKitError) -> [[Int]] {
    guard size.allSatisfy({ $0 >= 1 && $0 <= 1 << 40 }) else {
      throw .invalidArgument("an image of \(size[0]) x \(size[1]), expected at least 1 x 1")
    }
    var sizes = [size]
    for stage in stages { sizes.append(try stage.outputSize(sizes[sizes.count - 1])) }
    return sizes
  }

  /// Height and width of the output for an input of this size.
  public func outputSize(_ size: [Int]) throws(TTKitError) -> [Int] {
    let sizes = try sizes(size)
    return sizes[sizes.count - 1]
  }

  /// Multiply-adds times two for one image.
  public func flops(_ size: [Int]) throws(TTKitError) -> Int {
    var sum = 0
    for (stage, out) in zip(stages, try sizes(size).dropFirst()) {
      let flops = try checkedProduct([2, stage.outputs, stage.depth] + out)
      let (next, overflow) = sum.addingReportingOverflow(flops)
      guard !overflow else { throw .sizeOverflow("more than 2^63 - 1 flops; use smaller images") }
      sum = next
    }
    return sum
  }
}
