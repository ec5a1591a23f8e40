/// A chain of convolutions on its way back, one image at a time: from the gradient of each output to those of
/// its weights and of its input. Every element of the window is a product of its own, whose operands are
/// read where they lie; only the input is transposed, some pixels at a time.
internal import CTTKKernels

/// The buffers and sums of one thread.
@safe
final class ConvolutionBackward<T: RealScalar>: @unchecked Sendable {
  private let chain: ConvolutionChain<T>
  /// By link and element of the window: weights (inputs, outputs) in tiles of rows; none when depthwise.
  private let turned: [[Tensor<T>]]
  private let inSize: [Int]
  private let kernel = TileKernel<T>()
  private let memory: Buffer<T>
  /// Two gradients of images, the gradient of a padded input, and a panel.
  private let gradients: Buffer<T>
  private let largest: Int
  private let panelCount: Int
  /// By link the gradient of its weights: (window, outputs, inputs), or (channels, taps) when depthwise.
  private let sums: Buffer<T>
  private let places: [Int]
  private static var chunk: Int { 256 }

  init(
    _ chain: ConvolutionChain<T>, turned: [[Tensor<T>]], inSize: [Int]
  ) throws(TTKitError) {
    (self.chain, self.turned, self.inSize) = (chain, turned, inSize)
    // Borders of padded inputs stay zero from here on.
    memory = try Buffer(count: chain.workspaceOfLane / MemoryLayout<T>.stride, zeroed: true)
    var (most, deepest, places) = (1, Self.chunk, [0])
    for (k, link) in chain.links.enumerated() {
      let size = k == 0 ? inSize : chain.links[k - 1].outSize
      most = max(
        most, try checkedProduct([link.stage.inputs, link.planeStep, 8]) / 8,
        try checkedProduct([link.stage.inputs, 8] + size) / 8,
        try checkedProduct([link.stage.outputs, 8] + link.outSize) / 8)
      deepest = max(deepest, link.stage.outputs)
      places.append(
        try MemoryRegions.sum(places[k], link.stage.outputs * link.stage.depth))  // live weights
    }
    (largest, self.places) = (most, places)
    panelCount = try checkedProduct([deepest, kernel.width])
    let beside = try MemoryRegions.sum(panelCount, kernel.height * kernel.width)
    gradients = try Buffer(
      count: MemoryRegions.sum(checkedProduct([3, most]), beside), zeroed: true)
    sums = try Buffer(count: places[places.count - 1], zeroed: true)
  }

  private var panel: UnsafeMutablePointer<T> { unsafe gradients.base + 3 * largest }
  /// A tile of results, for pixels that are not side by side.
  private var results: UnsafeMutablePointer<T> { unsafe panel + panelCount }

  /// Adds the gradients of weights of one image, and writes that of the image where it is wanted.
  ///
  /// - Parameters: x (inputs, height, width) and `above`, the gradient of the output, compact.
  func run(
    _ x: UnsafePointer<T>, _ above: UnsafePointer<T>, into gradX: UnsafeMutablePointer<T>?,
    addsWeights: Bool
  ) {
    let links = chain.links
    // In bounds: memory is the chain's workspace; gradients have room for any image of it.
    if addsWeights { unsafe chain.makeInputs(x, memory.base) }
    var gradient = unsafe above
    for k in links.indices.reversed() {
      let link = links[k]
      let input = unsafe link.rows > 0 ? UnsafePointer(memory.base + chain.bufferStarts[k]) : x
      if addsWeights, !link.stage.isDepthwise {
        unsafe addWeights(link, input, gradient, sums.base + places[k])
      }
      let own = unsafe addsWeights && link.stage.isDepthwise ? sums.base + places[k] : nil
      let target = unsafe k == 0 ? gradX : gradients.base + k % 2 * largest
      guard let target = unsafe target else {
        if let own = unsafe own { unsafe channels(link, input, gradient, own, nil) }
        break
      }
      unsafe goBack(k, input, gradient, own, target)
      unsafe gradient = UnsafePointer(target)
    }
  }

  /// The gradient of link k's input, without its padding.
  private func goBack(
    _ k: Int, _ input: UnsafePointer<T>, _ gradient: UnsafePointer<T>,
    _ own: UnsafeMutablePointer<T>?, _ target: UnsafeMutablePointer<T>
  ) {
    let link = chain.links[k]
    if link.stage.isPointwise {
      return unsafe addInput(link, turned[k], gradient, target)
    }
    let padded = unsafe gradients.base + 2 * largest
    unsafe padded.update(repeating: 0, count: link.stage.inputs * link.planeStep)
    if link.stage.isDepthwise {
      unsafe channels(link, input, gradient, own, padded)
    } else {
      unsafe addInput(link, turned[k], gradient, padded)
    }
    let size = k == 0 ? inSize : chain.links[k - 1].outSize
    let (above, before) = (link.stage.steps.padding[0], link.stage.steps.padding[1])
    // Rows that no window reached have no gradient.
    let rows = max(min(size[0], link.planeStep / link.rowStep - above), 0)
    for c in 0..<link.stage.inputs {
      let plane = unsafe target + c * size[0] * size[1]
      for r in 0..<rows {
        // In bounds: a row inside the padding, a row of the image.
        unsafe (plane + r * size[1]).update(
          from: padded + c * link.planeStep + (r + above) * link.rowStep + before, count: size[1])
      }
      unsafe (plane + rows * size[1]).update(repeating: 0, count: (size[0] - rows) * size[1])
    }
  }

  /// Where a window begins: for pixels of one row side by side, as long as the row allows.
  private func forEachRun(
    _ link: ConvolutionLink<T>, _ pixels: Range<Int>, most: Int, _ body: (Int, Int, Int) -> Void
  ) {
    let steps = link.stage.steps
    let isFlat = link.stage.isPointwise && link.rowStep == link.outSize[1]
    let across = isFlat ? pixels.upperBound : link.outSize[1]
    var first = pixels.lowerBound
    while first < pixels.upperBound {
      let (row, column) = first.quotientAndRemainder(dividingBy: across)
      let count = min(across - column, pixels.upperBound - first, most)
      body(first, count, row * steps.stride[0] * link.rowStep + column * steps.stride[1])
      first += count
    }
  }

  /// Offsets of the elements of a window.
  private func window(_ link: ConvolutionLink<T>) -> ArraySlice<Int> {
    link.offsets.prefix(link.stage.kernel[0] * link.stage.kernel[1])
  }

  /// sums[window, o, c] += ∑ over pixels of gradient · input.
  private func addWeights(
    _ link: ConvolutionLink<T>, _ input: UnsafePointer<T>, _ gradient: UnsafePointer<T>,
    _ sums: UnsafeMutablePointer<T>
  ) {
    let (stage, width) = (link.stage, kernel.width)
    let pixels = link.outSize[0] * link.outSize[1]
    let cut = RowTiles(rows: stage.outputs, height: kernel.height)
    let step = stage.steps.stride[1]
    for (place, offset) in window(link).enumerated() {
      for c in stride(from: 0, to: stage.inputs, by: width) {
        let channels = min(width, stage.inputs - c)
        for first in stride(from: 0, to: pixels, by: Self.chunk) {
          let end = min(first + Self.chunk, pixels)
          forEachRun(link, first..<end, most: Self.chunk) { at, count, start in
            // In bounds: windows of these pixels; lines of the panel.
            let from = unsafe input + c * link.planeStep + offset + start
            let line = unsafe panel + (at - first) * width
            if step == 1 {
              return unsafe kernel.lanes.load(channels, count, from, link.planeStep, nil, line)
            }
            for j in 0..<count {
              unsafe kernel.lanes.load(
                channels, 1, from + j * step, link.planeStep, nil, line + j * width)
            }
          }
          for tile in 0..<cut.count {
            let range = cut.rows(tile)
            unsafe kernel.run(
              range.count, end - first, gradient + range.lowerBound * pixels + first, pixels, 1,
              panel,
              sums + (place * stage.outputs + range.lowerBound) * stage.inputs + c, stage.inputs,
              channels, nil, true)
          }
        }
      }
    }
  }

  /// target[c, window] += ∑ over outputs of weights · gradient; replaced where windows are single pixels.
  private func addInput(
    _ link: ConvolutionLink<T>, _ turned: [Tensor<T>], _ gradient: UnsafePointer<T>,
    _ target: UnsafeMutablePointer<T>
  ) {
    let (stage, width) = (link.stage, kernel.width)
    let pixels = link.outSize[0] * link.outSize[1]
    let cut = RowTiles(rows: stage.inputs, height: kernel.height)
    let step = stage.steps.stride[1]
    let outputs = (0..<stage.outputs).map { $0 * pixels }
    var side = [Int](repeating: 0, count: width)
    forEachRun(link, 0..<pixels, most: width) { at, count, start in
      for j in 0..<count { side[j] = at + j }
      // In bounds: pixels that exist, outputs lines of the panel.
      unsafe gatherPanel(panel, width, gradient, stage.outputs, outputs, count, side)
      for (weights, offset) in zip(turned, window(link)) {
        for index in 0..<cut.count {
          let range = cut.rows(index)
          let from = unsafe weights.storage.buffer.base + range.lowerBound * stage.outputs
          let to = unsafe target + range.lowerBound * link.planeStep + offset + start
          if step == 1 {
            unsafe kernel.run(
              range.count, stage.outputs, from, 1, range.count, panel, to, link.planeStep, count,
              nil, !stage.isPointwise)
          } else {
            unsafe kernel.run(
              range.count, stage.outputs, from, 1, range.count, panel, results, width, count, nil,
              false)
            for r in 0..<range.count {
              for j in 0..<count {
                unsafe to[r * link.planeStep + j * step] += results[r * width + j]
              }
            }
          }
        }
      }
    }
  }

  /// Each channel on its own: adds to the gradients of taps and of the input, as far as they are wanted.
  private func channels(
    _ link: ConvolutionLink<T>, _ input: UnsafePointer<T>, _ gradient: UnsafePointer<T>,
    _ sums: UnsafeMutablePointer<T>?, _ target: UnsafeMutablePointer<T>?
  ) {
    let (stage, across) = (link.stage, link.outSize[1])
    let (taps, steps) = (stage.depth, stage.steps)
    let tapStep = stage.kernel[1] == 1 ? steps.dilation[0] * link.rowStep : steps.dilation[1]
    for c in 0..<stage.outputs {
      // In bounds: windows of all rows lie within the padded rows of the channel.
      unsafe turnTaps(
        (link.outSize[0], steps.stride[0] * link.rowStep, across), across, steps.stride[1], taps,
        tapStep, link.weights.storage.buffer.base + c * taps, input + c * link.planeStep,
        gradient + c * link.outSize[0] * across, sums.map { unsafe $0 + c * taps },
        target.map { unsafe $0 + c * link.planeStep })
    }
  }
}

extension ConvolutionBackward {
  /// The gradient of link k's core, compact in the core's order.
  func weightGradient(_ k: Int) throws(TTKitError) -> Tensor<T> {
    let stage = chain.links[k].stage
    let count = places[k + 1] - places[k]
    let all = try Tensor<T>(shape: [count]) { out in
      // In bounds: the link's place among the sums.
      for i in 0..<count { out[i] = unsafe sums.base[places[k] + i] }
    }
    guard !stage.isDepthwise else { return all }
    let window = stage.kernel[0] * stage.kernel[1]  // live weights
    return try all.reshaped([window, stage.outputs, stage.inputs]).transposed([1, 2, 0])
  }

  /// Weights of a core (outputs, inputs, window) as the way back takes them.
  static func turned(
    _ core: Tensor<T>, _ stage: ConvolutionStage
  ) throws(TTKitError) -> [Tensor<T>] {
    guard !stage.isDepthwise else { return [] }
    let window = stage.kernel[0] * stage.kernel[1]
    let all = try core.reshaped([stage.outputs, stage.inputs, window]).transposed([2, 1, 0])
    return try (0..<window).map { (place) throws(TTKitError) in
      try ConvolutionLink<T>.tiled(
        all.block(at: [place, 0, 0], shape: [1, stage.inputs, stage.outputs])
          .reshaped([stage.inputs, stage.outputs]))
    }
  }
}

/// ttkk taps_back for this type.
private func turnTaps<T: RealScalar>(
  _ rows: (count: Int, inStep: Int, outStep: Int), _ n: Int, _ step: Int, _ taps: Int,
  _ tapStep: Int, _ weights: UnsafePointer<T>, _ source: UnsafePointer<T>,
  _ gradient: UnsafePointer<T>, _ sums: UnsafeMutablePointer<T>?,
  _ target: UnsafeMutablePointer<T>?
) {
  func raw<Element>(_ p: UnsafePointer<T>) -> UnsafePointer<Element> {
    unsafe UnsafeRawPointer(p).assumingMemoryBound(to: Element.self)
  }
  func raw<Element>(_ p: UnsafeMutablePointer<T>?) -> UnsafeMutablePointer<Element>? {
    unsafe p.map { unsafe UnsafeMutableRawPointer($0).assumingMemoryBound(to: Element.self) }
  }
  // Rebinding is right: T is the type its dtype names. In bounds: see the caller.
  if T.dtype == .float32 {
    unsafe ttkk_active().pointee.taps_back_f32(
      rows.count, rows.inStep, rows.outStep, n, step, taps, tapStep, raw(weights), raw(source),
      raw(gradient), raw(sums), raw(target))
  } else {
    unsafe ttkk_active().pointee.taps_back_f64(
      rows.count, rows.inStep, rows.outStep, n, step, taps, tapStep, raw(weights), raw(source),
      raw(gradient), raw(sums), raw(target))
  }
}
