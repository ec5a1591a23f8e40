/// The backward pass of a convolution: what lies between the convolutions is made again, image by image.

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
      try backward(Double.self, x, gradient, gradX, gradCores, executor)
    } else {
      try backward(Float.self, x, gradient, gradX, gradCores, executor)
    }
    guard let gradBias else { return }
    let plan = try ContractionPlan(
      ContractionEquation(
        operands: [[0, 1, 2, 3]], result: [1], names: ["image", "o", "h", "w"]),
      shapes: [gradient.shape], dtype: dtype, executor: executor)
    try plan.execute([gradient], into: gradBias)
  }

  private func backward<T: RealScalar>(
    _ type: T.Type, _ x: StridedView, _ gradient: StridedView, _ gradX: StridedView?,
    _ gradCores: [StridedView]?, _ executor: Executor
  ) throws(TTKitError) {
    let images = x.shape[0]
    let size = Array(x.shape[2...])
    let chain = try ConvolutionChain<T>(self, sizes(size), isWhole: true)
    var turned: [[Tensor<T>]] = []
    for (core, stage) in zip(cores, stages) {
      turned.append(try ConvolutionBackward.turned(core.decoded(T.self), stage))
    }
    let input = try x.copied(as: T.self)
    let above = try gradient.copied(as: T.self)
    let result = try Tensor<T>(shape: gradX == nil ? [0] : x.shape, zeroed: true) { _ in }
    // Runs of images with sums of their own, by the number of images alone.
    let parts = min(images, Self.mostParts)
    var workers: [ConvolutionBackward<T>] = []
    for _ in 0..<parts {
      workers.append(try ConvolutionBackward(chain, turned: turned, inSize: size))
    }
    let counts = [x, gradient].map { $0.count / max(images, 1) }
    // Tasks read images and write their gradients, each its own.
    nonisolated(unsafe) let (from, grad, to) = unsafe (
      input.storage.buffer.base, above.storage.buffer.base, result.storage.buffer.base
    )
    let (all, wantsX, wantsCores) = (workers, gradX != nil, gradCores != nil)
    executor.run(parts) { part in
      for image in (images * part / parts)..<(images * (part + 1) / parts) {
        // In bounds: an image of each.
        unsafe all[part].run(
          from + image * counts[0], grad + image * counts[1],
          into: wantsX ? to + image * counts[0] : nil, addsWeights: wantsCores)
      }
    }
    withExtendedLifetime((input, above)) {}
    if let gradX { gradX.write(result) }
    for (k, target) in (gradCores ?? []).enumerated() {
      var sum = try Tensor<T>(shape: target.shape, zeroed: true) { _ in }
      for worker in all {
        sum = try added(sum, worker.weightGradient(k).reshaped(target.shape))
      }
      target.write(sum)
    }
  }

  private static var mostParts: Int { 4 }
}
