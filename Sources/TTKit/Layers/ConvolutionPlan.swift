/// A convolution made ready for images of one size.
///
/// The chain runs over bands of a few output rows, so that what lies between its convolutions stays in the
/// second-level cache; rows that two bands share are kept, not made again.

public final class ConvolutionPlan: Sendable {
  public let maxImages: Int
  public let dtype: DType
  /// Channels, height, width.
  public let input: [Int]
  public let output: [Int]
  /// Bytes of workspace that one execute needs.
  public let workspaceSize: Int
  private let work: Work
  private let executor: Executor

  private enum Work: Sendable {
    case single(ConvolutionChain<Float>)
    case double(ConvolutionChain<Double>)
  }

  /// Bytes of prepared weights.
  public var residentByteCount: Int {
    switch work {
    case .single(let chain): return chain.byteCount
    case .double(let chain): return chain.byteCount
    }
  }

  init(
    _ layer: Convolution, size: [Int], maxImages: Int, executor: Executor
  ) throws(TTKitError) {
    guard maxImages >= 1 else {
      throw .invalidArgument("max_rows is \(maxImages), expected at least 1 image")
    }
    let sizes = try layer.sizes(size)
    self.maxImages = maxImages
    self.executor = executor
    dtype = layer.dtype
    input = [layer.kernel.inputs] + size
    output = [layer.kernel.outputs] + sizes[sizes.count - 1]
    // Images must fit: entry points multiply these without looking.
    _ = try checkedProduct([maxImages, 8] + input)
    _ = try checkedProduct([maxImages, 8] + output)
    let lane: Int
    if dtype == .float64 {
      let chain = try ConvolutionChain<Double>(layer, sizes)
      (work, lane) = (.double(chain), chain.workspaceOfLane)
    } else {
      let chain = try ConvolutionChain<Float>(layer, sizes)
      (work, lane) = (.single(chain), chain.workspaceOfLane)
    }
    let (bytes, overflow) = try checkedProduct([executor.threads, lane])
      .addingReportingOverflow(64)
    guard !overflow else { throw .sizeOverflow("the workspace exceeds the address space") }
    workspaceSize = bytes
  }

  /// y (images, outputs, height, width) = the convolution of x (images, inputs, height, width), plus bias.
  ///
  /// - Parameters: compact x and y of `dtype`; workspace of `workspaceSize` bytes; no overlap. The caller
  ///   has checked sizes and 0 <= images <= maxImages.
  public func execute(
    _ x: UnsafeRawPointer, images: Int, into y: UnsafeMutableRawPointer,
    workspace: UnsafeMutableRawPointer
  ) {
    precondition(images <= maxImages)
    let aligned = unsafe workspace.alignedUp(toMultipleOf: 64)  // workspaceSize has room
    switch work {
    case .single(let chain): unsafe chain.run(x, images, y, aligned, executor)
    case .double(let chain): unsafe chain.run(x, images, y, aligned, executor)
    }
  }
}

extension Convolution {
  /// Packs the weights for images of one size.
  /// - Throws: `.invalidArgument` when a window does not fit; `.sizeOverflow`, `.outOfMemory`.
  public func prepare(
    height: Int, width: Int, maxImages: Int, executor: Executor = Executor()
  ) throws(TTKitError) -> ConvolutionPlan {
    try ConvolutionPlan(self, size: [height, width], maxImages: maxImages, executor: executor)
  }
}
