/// One convolution of a chain, its weights packed for the kernels.

/// One convolution with packed weights and the geometry of its input buffer.
struct ConvolutionLink<T: RealScalar>: Sendable {
  let stage: ConvolutionStage
  /// Tiles of rows of the weights, each (depth, height); plain (channels, taps) when depthwise.
  let weights: Tensor<T>
  let outSize: [Int]
  /// Elements of a padded row and of a channel of the input, and where a window's elements lie.
  let rowStep: Int
  let planeStep: Int
  let offsets: [Int]
  /// Rows of the buffer; 0 when the link reads the images themselves.
  let rows: Int

  init(
    _ stage: ConvolutionStage, _ core: Tensor<T>, inSize: [Int], outSize: [Int], rows: Int
  ) throws(TTKitError) {
    self.stage = stage
    self.outSize = outSize
    self.rows = rows
    let (padded, overflow) = inSize[1].addingReportingOverflow(2 * stage.steps.padding[1])
    guard !overflow else { throw .sizeOverflow("padded rows exceed the address space") }
    rowStep = padded
    planeStep = try checkedProduct([rows == 0 ? inSize[0] : rows, padded])
    _ = try checkedProduct([stage.inputs, planeStep, MemoryLayout<T>.stride, 4])
    weights =
      stage.isDepthwise
      ? core.reshaped([stage.outputs, stage.depth])
      : try Self.tiled(core.reshaped([stage.outputs, stage.depth]))
    var offsets: [Int] = []
    for c in 0..<(stage.isDepthwise ? 0 : stage.inputs) {
      for s in 0..<stage.kernel[0] {
        for t in 0..<stage.kernel[1] {
          // Within the buffer, whose size was checked.
          offsets.append(
            c * planeStep + s * stage.steps.dilation[0] * rowStep + t * stage.steps.dilation[1])
        }
      }
    }
    self.offsets = offsets
  }

  /// Rows of the matrix in tiles, element (r, i) of a tile of h rows at i · h + r.
  static func tiled(_ matrix: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    let (outputs, depth) = (matrix.shape[0], matrix.shape[1])
    let cut = RowTiles(rows: outputs, height: TileKernel<T>().height)
    let buffer = try Buffer<T>(count: matrix.count)
    for tile in 0..<cut.count {
      let range = cut.rows(tile)
      // In bounds: rows of the matrix, the same elements of the buffer.
      unsafe interleave(
        matrix.storage.buffer.base + range.lowerBound * depth, range.count, depth,
        to: buffer.base + range.lowerBound * depth)
    }
    return Tensor(shape: matrix.shape, buffer: buffer)
  }
}
