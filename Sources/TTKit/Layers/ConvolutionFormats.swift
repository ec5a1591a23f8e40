/// The formats of convolution kernels.

/// The kernel itself.
struct DenseConvolution: ConvolutionFormat {
  static let name = "dense"
  init(_ arguments: inout SpecArguments) throws(TTKitError) {}
  var call: Spec.Call { Spec.Call(Self.name) }

  func operands(_ kernel: KernelShape) throws(TTKitError) -> [[Axis]] { [kernel.axes] }

  func adopting(_ coreShapes: [[Int]]) throws(TTKitError) -> Self {
    try requireCores(Self.name, coreShapes, axes: [4])
    return self
  }

  /// Exact.
  func fit<T: RealScalar>(
    _ kernel: Tensor<T>, _ shape: KernelShape, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    [kernel]
  }

  func stages(
    _ operands: [[Axis]], _ kernel: KernelShape, _ steps: ConvolutionSteps
  ) -> [ConvolutionStage] {
    [
      ConvolutionStage(
        inputs: kernel.inputs, outputs: kernel.outputs, kernel: [kernel.height, kernel.width],
        steps: steps, isDepthwise: false)
    ]
  }
}

/// K[o, i, s, t] = Σ_r O[o, r] I[r, i] S[r, s] T[r, t]: 1 x 1, then each channel on its own along height and
/// along width, then 1 x 1.
///
/// Source: V. Lebedev et al., Speeding-up Convolutional Neural Networks Using Fine-tuned
/// CP-Decomposition, ICLR 2015.
struct CPConvolution: ConvolutionFormat {
  static let name = "cp_convolution"
  let rank: Int

  private init(rank: Int) { self.rank = rank }

  init(_ arguments: inout SpecArguments) throws(TTKitError) {
    rank = try arguments.required(
      try arguments.integer("rank", in: 1...(1 << 20)), "rank", "cp_convolution(rank=64)")
  }

  var call: Spec.Call { Spec.Call(Self.name, [Spec.Argument("rank", .integer(rank))]) }

  func operands(_ kernel: KernelShape) throws(TTKitError) -> [[Axis]] {
    let (axes, r) = (kernel.axes, Axis("r", rank))
    for axis in axes { _ = try checkedProduct([axis.length, rank]) }
    return [[r, axes[1]], [r, axes[2]], [r, axes[3]], [axes[0], r]]
  }

  func adopting(_ coreShapes: [[Int]]) throws(TTKitError) -> Self {
    try requireCores(Self.name, coreShapes, axes: [2, 2, 2, 2])
    return Self(rank: coreShapes[0][0])
  }

  /// Alternating least squares and damped Gauss-Newton steps (``TensorNetwork/canonical``); the weights'
  /// roots go to all four factors.
  ///
  /// - Error: a stationary point: a best approximation need not exist.
  func fit<T: RealScalar>(
    _ kernel: Tensor<T>, _ shape: KernelShape, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    var options = NetworkOptions()
    // Kernels of trained layers are far from any rank: the last digits of the error cost the most.
    (options.mostSteps, options.tolerance) = (40, 1e-4)
    let factors = try TensorNetwork<T>.canonical(
      kernel, rank: rank, options, executor: executor
    ).balancedFactors()
    var cores: [Tensor<T>] = []
    for k in [1, 2, 3] { cores.append(try factors[k].transposed([1, 0])) }
    return cores + [factors[0]]
  }

  func stages(
    _ operands: [[Axis]], _ kernel: KernelShape, _ steps: ConvolutionSteps
  ) -> [ConvolutionStage] {
    let r = operands[0][0].length
    return [
      ConvolutionStage(
        inputs: kernel.inputs, outputs: r, kernel: [1, 1], steps: .none, isDepthwise: false),
      ConvolutionStage(
        inputs: r, outputs: r, kernel: [kernel.height, 1], steps: steps.along(0), isDepthwise: true),
      ConvolutionStage(
        inputs: r, outputs: r, kernel: [1, kernel.width], steps: steps.along(1), isDepthwise: true),
      ConvolutionStage(
        inputs: r, outputs: kernel.outputs, kernel: [1, 1], steps: .none, isDepthwise: false),
    ]
  }
}

/// K[o, i, s, t] = Σ O[o, b] C[b, a, s, t] I[a, i] (Tucker-2): 1 x 1, a small dense convolution, 1 x 1.
///
/// Source: Y.-D. Kim et al., Compression of Deep Convolutional Neural Networks for Fast and Low Power
/// Mobile Applications, ICLR 2016.
struct TuckerConvolution: ConvolutionFormat {
  static let name = "tucker_convolution"
  let inRank: Int
  let outRank: Int

  private init(_ inRank: Int, _ outRank: Int) { (self.inRank, self.outRank) = (inRank, outRank) }

  init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let example = "tucker_convolution(in=32, out=48)"
    inRank = try arguments.required(
      try arguments.integer("in", in: 1...(1 << 20)), "in", example)
    outRank = try arguments.required(
      try arguments.integer("out", in: 1...(1 << 20)), "out", example)
  }

  var call: Spec.Call {
    Spec.Call(
      Self.name, [Spec.Argument("in", .integer(inRank)), Spec.Argument("out", .integer(outRank))])
  }

  func operands(_ kernel: KernelShape) throws(TTKitError) -> [[Axis]] {
    let axes = kernel.axes
    let (a, b) = (Axis("a", inRank), Axis("b", outRank))
    _ = try checkedProduct([inRank, kernel.inputs])
    _ = try checkedProduct([outRank, kernel.outputs])
    _ = try checkedProduct([inRank, outRank, kernel.height, kernel.width])
    return [[a, axes[1]], [b, a, axes[2], axes[3]], [axes[0], b]]
  }

  func adopting(_ coreShapes: [[Int]]) throws(TTKitError) -> Self {
    try requireCores(Self.name, coreShapes, axes: [2, 4, 2])
    return Self(coreShapes[0][0], coreShapes[2][1])
  }

  /// Truncated HOSVD of the channel modes, then sweeps of orthogonal iteration.
  ///
  /// - Error: within √2 of the best at these ranks; no sweep increases it.
  func fit<T: RealScalar>(
    _ kernel: Tensor<T>, _ shape: KernelShape, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let area = shape.height * shape.width  // part of a live kernel
    let b = min(outRank, shape.outputs, shape.inputs * area)
    let a = min(inRank, shape.inputs, b * area)
    var o = try leadingVectors(kernel, mode: 0).resized(rows: shape.outputs, columns: b)
    var i = try leadingVectors(projected(kernel, o, mode: 0), mode: 1)
    i = try i.resized(rows: shape.inputs, columns: min(a, i.shape[1]))
    for _ in 0..<4 {
      let seen = try leadingVectors(projected(kernel, i, mode: 1), mode: 0)
      if seen.shape[1] >= o.shape[1] {
        o = try seen.resized(rows: shape.outputs, columns: o.shape[1])
      }
      let back = try leadingVectors(projected(kernel, o, mode: 0), mode: 1)
      if back.shape[1] >= i.shape[1] {
        i = try back.resized(rows: shape.inputs, columns: i.shape[1])
      }
    }
    let core = try projected(projected(kernel, o, mode: 0), i, mode: 1)
    return [try i.transposed([1, 0]), core, o]
  }

  func stages(
    _ operands: [[Axis]], _ kernel: KernelShape, _ steps: ConvolutionSteps
  ) -> [ConvolutionStage] {
    let (a, b) = (operands[0][0].length, operands[2][1].length)
    return [
      ConvolutionStage(
        inputs: kernel.inputs, outputs: a, kernel: [1, 1], steps: .none, isDepthwise: false),
      ConvolutionStage(
        inputs: a, outputs: b, kernel: [kernel.height, kernel.width], steps: steps,
        isDepthwise: false),
      ConvolutionStage(
        inputs: b, outputs: kernel.outputs, kernel: [1, 1], steps: .none, isDepthwise: false),
    ]
  }
}

/// K[o, i, s, t] = Σ A[a, i] B[b, a, s] C[c, b, t] D[o, c]: a train over inputs, height, width, outputs, run
/// as 1 x 1, h x 1, 1 x w and 1 x 1 convolutions.
struct TrainConvolution: ConvolutionFormat {
  static let name = "train_convolution"
  let limit: RankLimit

  private init(limit: RankLimit) { self.limit = limit }

  init(_ arguments: inout SpecArguments) throws(TTKitError) {
    limit = try RankLimit(&arguments)
    try limit.check(arguments, bonds: 3, example: "train_convolution(rank=32)")
  }

  var call: Spec.Call { Spec.Call(Self.name, limit.arguments) }

  func operands(_ kernel: KernelShape) throws(TTKitError) -> [[Axis]] {
    let n = [kernel.inputs, kernel.height, kernel.width, kernel.outputs]
    let ranks = (0..<3).map { k in
      limit.rank(k, full: min(saturated(n[...k]), saturated(n[(k + 1)...])))
    }
    let bonds = [Axis("a", ranks[0]), Axis("b", ranks[1]), Axis("c", ranks[2])]
    let axes = kernel.axes
    let operands = [
      [bonds[0], axes[1]], [bonds[1], bonds[0], axes[2]], [bonds[2], bonds[1], axes[3]],
      [axes[0], bonds[2]],
    ]
    for axes in operands { _ = try checkedProduct(axes.map(\.length)) }
    return operands
  }

  func adopting(_ coreShapes: [[Int]]) throws(TTKitError) -> Self {
    try requireCores(Self.name, coreShapes, axes: [2, 3, 3, 2])
    return Self(limit: .reached([coreShapes[0][0], coreShapes[1][0], coreShapes[2][0]]))
  }

  /// TT-SVD: within √3 of the best error at these ranks.
  func fit<T: RealScalar>(
    _ kernel: Tensor<T>, _ shape: KernelShape, executor: Executor
  ) throws(TTKitError) -> [Tensor<T>] {
    let train = try TensorTrain(
      decomposing: kernel.transposed([1, 2, 3, 0]), limit.truncation, executor: executor)
    let g = train.cores
    return [
      try g[0].reshaped([shape.inputs, g[0].shape[2]]).transposed([1, 0]),
      try g[1].transposed([2, 0, 1]), try g[2].transposed([2, 0, 1]),
      try g[3].reshaped([g[3].shape[0], shape.outputs]).transposed([1, 0]),
    ]
  }

  func stages(
    _ operands: [[Axis]], _ kernel: KernelShape, _ steps: ConvolutionSteps
  ) -> [ConvolutionStage] {
    let r = [operands[0][0].length, operands[1][0].length, operands[2][0].length]
    return [
      ConvolutionStage(
        inputs: kernel.inputs, outputs: r[0], kernel: [1, 1], steps: .none, isDepthwise: false),
      ConvolutionStage(
        inputs: r[0], outputs: r[1], kernel: [kernel.height, 1], steps: steps.along(0),
        isDepthwise: false),
      ConvolutionStage(
        inputs: r[1], outputs: r[2], kernel: [1, kernel.width], steps: steps.along(1),
        isDepthwise: false),
      ConvolutionStage(
        inputs: r[2], outputs: kernel.outputs, kernel: [1, 1], steps: .none, isDepthwise: false),
    ]
  }
}
