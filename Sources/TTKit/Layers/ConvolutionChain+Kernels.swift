/// A chain of convolutions with its weights packed, and how its work is spread over images and threads.

final class ConvolutionChain<T: RealScalar>: Sendable {
  let links: [ConvolutionLink<T>]
  let bias: Tensor<T>?
  private let inputs: Int
  private let outputs: Int
  let inSize: [Int]
  let outSize: [Int]
  /// Output rows of a band.
  let band: Int
  let kernel = TileKernel<T>()
  /// Elements of a lane's workspace: the links' buffers, a panel of pixels, a tile of results.
  let bufferStarts: [Int]
  let panelStart: Int
  let resultStart: Int
  let workspaceOfLane: Int
  /// Bytes that all buffers of a band may take: half a second-level cache.
  private static var bandBytes: Int { 1 << 19 }

  var byteCount: Int { links.reduce(bias?.byteCount ?? 0) { $0 + $1.weights.byteCount } }

  /// - Parameter isWhole: one band of all rows, so that all buffers are kept: for the way back.
  init(_ layer: Convolution, _ sizes: [[Int]], isWhole: Bool = false) throws(TTKitError) {
    let stages = layer.stages
    let outSize = sizes[sizes.count - 1]
    // The largest band whose buffers fit; every buffer's rows by going back through the chain.
    var band = isWhole ? outSize[0] : min(outSize[0], 16)
    var rows = Self.rows(stages, band: band)
    let most = Double(Self.bandBytes / T.dtype.size)
    while !isWhole, band > 1, Self.elements(stages, sizes, rows) > most {
      band -= 1
      rows = Self.rows(stages, band: band)
    }
    var links: [ConvolutionLink<T>] = []
    var starts: [Int] = []
    var size = 0
    func take(_ sizes: [Int]) throws(TTKitError) -> Int {
      let start = size
      let (next, overflow) = size.addingReportingOverflow(try checkedProduct(sizes + [64]) / 64)
      guard !overflow, next < Int.max / 64 else {
        throw .sizeOverflow("the workspace exceeds the address space")
      }
      size = (next + 63) / 64 * 64
      return start
    }
    for (k, stage) in stages.enumerated() {
      let readsImages = k == 0 && stage.isPointwise
      let link = try ConvolutionLink<T>(
        stage, layer.cores[k].decoded(T.self), inSize: sizes[k], outSize: sizes[k + 1],
        rows: readsImages ? 0 : rows[k])
      starts.append(try take(readsImages ? [0] : [stage.inputs, link.planeStep]))
      links.append(link)
    }
    let width = kernel.width
    panelStart = try take([stages.map(\.depth).max() ?? 0, width])
    resultStart = try take([stages.map(\.outputs).max() ?? 0, width])
    workspaceOfLane = try checkedProduct([size, MemoryLayout<T>.stride])
    self.links = links
    self.band = band
    bufferStarts = starts
    bias = try layer.bias?.converted(to: T.self)
    inputs = layer.kernel.inputs
    outputs = layer.kernel.outputs
    inSize = sizes[0]
    self.outSize = outSize
  }

  /// Input rows of every link for a band of output rows.
  private static func rows(_ stages: [ConvolutionStage], band: Int) -> [Int] {
    var rows = [Int](repeating: 0, count: stages.count)
    var needed = band
    for k in stages.indices.reversed() {
      // Steps and spans are at most 2^41, and a band may be a whole image: saturate what exceeds.
      let stage = stages[k]
      needed = saturated([needed - 1, stage.steps.stride[0]])
      let (sum, overflow) = needed.addingReportingOverflow(stage.span[0])
      needed = overflow ? Int.max : sum
      rows[k] = needed
    }
    return rows
  }

  private static func elements(
    _ stages: [ConvolutionStage], _ sizes: [[Int]], _ rows: [Int]
  ) -> Double {
    stages.indices.reduce(0.0) { sum, k in
      if k == 0, stages[k].isPointwise { return sum }
      let width = Double(sizes[k][1]) + 2 * Double(stages[k].steps.padding[1])
      return sum + Double(stages[k].inputs) * Double(rows[k]) * width
    }
  }

  func run(
    _ x: UnsafeRawPointer, _ images: Int, _ y: UnsafeMutableRawPointer,
    _ workspace: UnsafeMutableRawPointer, _ executor: Executor
  ) {
    guard images > 0 else { return }
    // Every output element is the same sum wherever it is made, so the cut may follow the threads.
    let bands = (outSize[0] - 1) / band + 1
    let pieces = images >= executor.threads ? 1 : min(executor.threads, bands)
    let height = (outSize[0] + pieces - 1) / pieces
    let tasks = images * pieces
    let lanes = min(executor.threads, tasks)
    let (inCount, outCount) = (inputs * inSize[0] * inSize[1], outputs * outSize[0] * outSize[1])
    // Lanes use disjoint workspaces and write disjoint rows.
    nonisolated(unsafe) let source = unsafe x.assumingMemoryBound(to: T.self)
    nonisolated(unsafe) let target = unsafe y.assumingMemoryBound(to: T.self)
    nonisolated(unsafe) let memory = unsafe workspace
    executor.run(lanes) { lane in
      let own = unsafe (memory + lane * self.workspaceOfLane).assumingMemoryBound(to: T.self)
      for task in stride(from: lane, to: tasks, by: lanes) {
        let (image, piece) = task.quotientAndRemainder(dividingBy: pieces)
        let first = piece * height
        guard first < self.outSize[0] else { continue }
        unsafe self.run(
          source + image * inCount, target + image * outCount,
          first..<min(first + height, self.outSize[0]), own)
      }
    }
  }
}
