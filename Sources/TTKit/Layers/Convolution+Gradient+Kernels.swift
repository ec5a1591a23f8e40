/// The backward pass of a convolution: image by image, what lies between the convolutions is made again,
/// then gradients run back through the chain. Windows become columns of a matrix, so that every step is
/// one product.

extension Convolution {
  /// Gradients of ⟨gradient, y⟩ with respect to x, to every core as decoded, to the bias.
  ///
  /// - Parameters:
  ///   - x, gradient: (images, inputs, height, width) and that of y, in the layer's dtype, any strides.
  ///   - gradX, gradCores, gradBias: where results go; nil for what is not wanted. Shapes are those of x,
  ///     of the cores, of the bias; nothing overlaps. The caller has checked all this.
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  public func vjp(
    _ x: StridedView, _ gradient: StridedView, gradX: StridedView?, gradCores: [StridedView]?,
    gradBias: StridedView?, executor: Executor = Executor()
  ) throws(TTKitError) {
    if dtype == .float64 {
      try backward(Double.self, x, gradient, gradX, gradCores, gradBias)
    } else {
      try backward(Float.self, x, gradient, gradX, gradCores, gradBias)
    }
  }

  private func backward<T: RealScalar>(
    _ type: T.Type, _ x: StridedView, _ gradient: StridedView, _ gradX: StridedView?,
    _ gradCores: [StridedView]?, _ gradBias: StridedView?
  ) throws(TTKitError) {
    let sizes = try sizes(Array(x.shape[2...]))
    let images = x.shape[0]
    var steps: [BackwardStep<T>] = []
    for (k, stage) in stages.enumerated() {
      steps.append(
        try BackwardStep(
          stage, cores[k].decoded(T.self), inSize: sizes[k], outSize: sizes[k + 1]))
    }
    let inputs = try x.copied(as: T.self)
    let grads = try gradient.copied(as: T.self)
    let (inShape, outShape) = (Array(x.shape[1...]), Array(gradient.shape[1...]))
    // Counts of one image: parts of live arrays.
    let (inCount, outCount) = (inShape.reduce(1, *), outShape.reduce(1, *))
    var sums: [Tensor<T>?] = steps.map { _ in nil }
    var gradParts: [(offset: [Int], block: Tensor<T>)] = []
    for image in 0..<images {
      var layers = [
        try inputs.reshaped([inputs.count]).block(at: [image * inCount], shape: [inCount])
      ]
      var columns: [Tensor<T>] = []
      for (k, step) in steps.enumerated() {
        columns.append(try step.columns(layers[k]))
        if k + 1 < steps.count { layers.append(try step.forward(columns[k])) }
      }
      var back = try grads.reshaped([grads.count]).block(
        at: [image * outCount], shape: [outCount])
      for k in steps.indices.reversed() {
        if gradCores != nil {
          let own = try steps[k].weightGradient(back, columns[k])
          sums[k] = try sums[k].map { (sum) throws(TTKitError) in try added(sum, own) } ?? own
        }
        if k > 0 || gradX != nil { back = try steps[k].inputGradient(back) }
      }
      if gradX != nil {
        gradParts.append(([image, 0, 0, 0], back.reshaped([1] + inShape)))
      }
    }
    if let gradX { gradX.write(try Tensor<T>.assembled(shape: x.shape, gradParts)) }
    for (k, target) in (gradCores ?? []).enumerated() {
      let zero = try Tensor<T>(shape: target.shape, zeroed: true) { _ in }
      target.write(sums[k]?.reshaped(target.shape) ?? zero)
    }
    if let gradBias {
      let area = sizes[sizes.count - 1].reduce(1, *)  // part of a live array
      let outputs = outShape[0]
      let sum = try Tensor<T>(shape: [outputs], zeroed: true) { out in
        grads.withSpan { span in
          for i in span.indices { out[i / area % outputs] += span[i] }
        }
      }
      gradBias.write(sum)
    }
  }
}

/// One convolution of the chain with its windows as columns: (depth, pixels), or a stack of (taps, pixels)
/// one a channel when depthwise.
private struct BackwardStep<T: RealScalar> {
  private let stage: ConvolutionStage
  private let weights: Tensor<T>
  private let inSize: [Int]
  private let outSize: [Int]
  private var pixels: Int { outSize[0] * outSize[1] }  // checked in init
  private var taps: Int { stage.kernel[0] * stage.kernel[1] }

  init(
    _ stage: ConvolutionStage, _ weights: Tensor<T>, inSize: [Int], outSize: [Int]
  ) throws(TTKitError) {
    self.stage = stage
    self.weights = weights.reshaped([stage.outputs, stage.depth])
    (self.inSize, self.outSize) = (inSize, outSize)
    _ = try checkedProduct([stage.inputs, stage.kernel[0], stage.kernel[1], 8] + outSize)
    _ = try checkedProduct([stage.inputs, 8] + inSize)
  }

  /// Calls `body(column, pixel, element of the input)` for all that lies within the image.
  @inline(__always)
  private func forEachWindow(_ body: (Int, Int, Int) -> Void) {
    let steps = stage.steps
    for c in 0..<stage.inputs {
      for s in 0..<stage.kernel[0] {
        for t in 0..<stage.kernel[1] {
          let column = c * taps + s * stage.kernel[1] + t
          for oh in 0..<outSize[0] {
            let h = oh * steps.stride[0] - steps.padding[0] + s * steps.dilation[0]
            guard h >= 0, h < inSize[0] else { continue }
            for ow in 0..<outSize[1] {
              let w = ow * steps.stride[1] - steps.padding[1] + t * steps.dilation[1]
              guard w >= 0, w < inSize[1] else { continue }
              body(column, oh * outSize[1] + ow, (c * inSize[0] + h) * inSize[1] + w)
            }
          }
        }
      }
    }
  }

  func columns(_ image: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let shape = [stage.inputs * taps, pixels]
    if stage.isPointwise { return image.reshaped(shape) }
    return try Tensor<T>(shape: shape, zeroed: true) { out in
      image.withSpan { span in
        forEachWindow { out[$0 * pixels + $1] = span[$2] }
      }
    }
  }

  func forward(_ columns: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    guard stage.isDepthwise else { return try product(weights, columns) }
    return try batchedProduct(
      weights.reshaped([stage.outputs, 1, taps]), columns.reshaped([stage.outputs, taps, pixels]))
  }

  func weightGradient(
    _ gradient: Tensor<T>, _ columns: Tensor<T>
  ) throws(TTKitError) -> Tensor<T> {
    guard stage.isDepthwise else {
      return try product(gradient.reshaped([stage.outputs, pixels]), columns, .plain, .transposed)
    }
    return try batchedProduct(
      columns.reshaped([stage.outputs, taps, pixels]),
      gradient.reshaped([stage.outputs, pixels, 1]))
  }

  func inputGradient(_ gradient: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let columns: Tensor<T>
    if stage.isDepthwise {
      columns = try batchedProduct(
        weights.reshaped([stage.outputs, taps, 1]), gradient.reshaped([stage.outputs, 1, pixels]))
    } else {
      columns = try product(
        weights, gradient.reshaped([stage.outputs, pixels]), .transposed, .plain)
    }
    if stage.isPointwise { return columns.reshaped([columns.count]) }
    return try Tensor<T>(shape: [stage.inputs * inSize[0] * inSize[1]], zeroed: true) { out in
      columns.withSpan { span in
        forEachWindow { out[$2] += span[$0 * pixels + $1] }
      }
    }
  }
}
