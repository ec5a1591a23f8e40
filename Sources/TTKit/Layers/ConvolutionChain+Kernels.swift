/// Running a chain of convolutions over bands of rows.
internal import CTTKKernels

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
  private static func tiled(_ matrix: Tensor<T>) throws(TTKitError) -> Tensor<T> {
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

final class ConvolutionChain<T: RealScalar>: Sendable {
  private let links: [ConvolutionLink<T>]
  private let bias: Tensor<T>?
  private let inputs: Int
  private let outputs: Int
  private let inSize: [Int]
  private let outSize: [Int]
  /// Output rows of a band.
  private let band: Int
  private let kernel = TileKernel<T>()
  /// Elements of a lane's workspace: the links' buffers, a panel of pixels, a tile of results.
  private let bufferStarts: [Int]
  private let panelStart: Int
  private let resultStart: Int
  let workspaceOfLane: Int
  /// Bytes that all buffers of a band may take: half a second-level cache.
  private static var bandBytes: Int { 1 << 19 }

  var byteCount: Int { links.reduce(bias?.byteCount ?? 0) { $0 + $1.weights.byteCount } }

  init(_ layer: Convolution, _ sizes: [[Int]]) throws(TTKitError) {
    let stages = layer.stages
    let outSize = sizes[sizes.count - 1]
    // The largest band whose buffers fit; every buffer's rows by going back through the chain.
    var band = min(outSize[0], 16)
    var rows = Self.rows(stages, band: band)
    while band > 1, Self.elements(stages, sizes, rows) > Double(Self.bandBytes / T.dtype.size) {
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
      // Steps and spans are at most 2^41, bands at most 16 rows at the end: saturate what exceeds.
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

  /// Output rows of one image.
  private func run(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ rows: Range<Int>,
    _ memory: UnsafeMutablePointer<T>
  ) {
    // Padded rows of every link's input: those kept from `base` on, made up to `made`.
    var base = [Int](repeating: 0, count: links.count)
    var made = base
    for (k, link) in links.enumerated() where link.rows > 0 && link.stage.steps.padding[1] > 0 {
      // Borders stay zero from here on.
      unsafe (memory + bufferStarts[k]).update(
        repeating: 0, count: link.stage.inputs * link.planeStep)
    }
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: band) {
      let wanted = start..<min(start + band, rows.upperBound)
      unsafe produce(links.count - 1, wanted, x, y, memory, &base, &made)
    }
  }

  /// Makes output rows `rows` of link k, and before that whatever they need.
  private func produce(
    _ k: Int, _ rows: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>,
    _ memory: UnsafeMutablePointer<T>, _ base: inout [Int], _ made: inout [Int]
  ) {
    let link = links[k]
    let stage = link.stage
    if link.rows > 0 {
      let buffer = unsafe memory + bufferStarts[k]
      let low = rows.lowerBound * stage.steps.stride[0]
      let high = (rows.upperBound - 1) * stage.steps.stride[0] + stage.span[0]
      unsafe keep(from: low, of: link, buffer, &base[k], &made[k])
      let above = stage.steps.padding[0]
      let height = k == 0 ? inSize[0] : links[k - 1].outSize[0]
      // Rows outside the image are zero; those inside come from the link before, or from the image.
      for r in made[k]..<max(high, made[k]) where r < above || r >= above + height {
        for c in 0..<stage.inputs {
          unsafe (buffer + c * link.planeStep + (r - base[k]) * link.rowStep).update(
            repeating: 0, count: link.rowStep)
        }
      }
      let inside = max(made[k] - above, 0)..<max(min(high - above, height), max(made[k] - above, 0))
      made[k] = max(high, made[k])
      if !inside.isEmpty {
        if k > 0 {
          unsafe produce(k - 1, inside, x, y, memory, &base, &made)
        } else {
          for c in 0..<stage.inputs {
            for r in inside {
              // In bounds: a row of the image; inside the borders of the buffer.
              unsafe (buffer + c * link.planeStep + (r + above - base[k]) * link.rowStep
                + stage.steps.padding[1]).update(
                  from: x + (c * inSize[0] + r) * inSize[1], count: inSize[1])
            }
          }
        }
      }
    }
    // In bounds: input rows from base on are there; the target has room for `rows`.
    let source = unsafe link.rows > 0 ? UnsafePointer(memory + bufferStarts[k]) : x
    let target = unsafe target(of: k, y, memory, base)
    let firstRow = link.rows > 0 ? base[k] : 0
    if stage.isDepthwise {
      unsafe depthwise(link, rows, source, firstRow, target)
    } else {
      unsafe multiply(link, rows, source, firstRow, target, memory)
    }
  }

  /// Where output row 0 of link k would lie, with its steps.
  @safe
  private struct Target {
    nonisolated(unsafe) let base: UnsafeMutablePointer<T>
    let rowStep: Int
    let planeStep: Int
    let bias: Tensor<T>?
  }

  private func target(
    of k: Int, _ y: UnsafeMutablePointer<T>, _ memory: UnsafeMutablePointer<T>, _ base: [Int]
  ) -> Target {
    guard k + 1 < links.count else {
      return unsafe Target(
        base: y, rowStep: outSize[1], planeStep: outSize[0] * outSize[1], bias: bias)
    }
    let next = links[k + 1]
    let steps = next.stage.steps
    let shift = (steps.padding[0] - base[k + 1]) * next.rowStep + steps.padding[1]
    return unsafe Target(
      base: memory + bufferStarts[k + 1] + shift, rowStep: next.rowStep, planeStep: next.planeStep,
      bias: nil)
  }

  /// Moves padded rows from `low` on to the front of the buffer.
  private func keep(
    from low: Int, of link: ConvolutionLink<T>, _ buffer: UnsafeMutablePointer<T>,
    _ base: inout Int, _ made: inout Int
  ) {
    let kept = max(made - low, 0)
    if kept > 0, low > base {
      for c in 0..<link.stage.inputs {
        let plane = unsafe buffer + c * link.planeStep
        // In bounds: rows low ..< made of the buffer; regions may overlap, update moves them right.
        unsafe plane.update(from: plane + (low - base) * link.rowStep, count: kept * link.rowStep)
      }
    }
    base = low
    made = max(made, low)
  }

  /// Each channel on its own, along height or along width.
  private func depthwise(
    _ link: ConvolutionLink<T>, _ rows: Range<Int>, _ source: UnsafePointer<T>, _ firstRow: Int,
    _ target: Target
  ) {
    let stage = link.stage
    let (taps, steps) = (stage.depth, stage.steps)
    let tapStep = stage.kernel[1] == 1 ? steps.dilation[0] * link.rowStep : steps.dilation[1]
    for c in 0..<stage.outputs {
      // In bounds: windows of the rows lie within the buffer's padded rows.
      let first = rows.lowerBound * steps.stride[0] - firstRow
      unsafe convolveTaps(
        (rows.count, steps.stride[0] * link.rowStep, target.rowStep), link.outSize[1],
        steps.stride[1], taps, tapStep, link.weights.storage.buffer.base + c * taps,
        source + c * link.planeStep + first * link.rowStep,
        target.base + c * target.planeStep + rows.lowerBound * target.rowStep)
    }
  }

  /// Windows as columns of panels, times the weights.
  private func multiply(
    _ link: ConvolutionLink<T>, _ rows: Range<Int>, _ source: UnsafePointer<T>, _ firstRow: Int,
    _ target: Target, _ memory: UnsafeMutablePointer<T>
  ) {
    let stage = link.stage
    let (depth, outputs, across) = (stage.depth, stage.outputs, link.outSize[1])
    let panel = unsafe memory + panelStart
    let cut = RowTiles(rows: outputs, height: kernel.height)
    let pixels = rows.count * across
    let isFlat = target.rowStep == across
    unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: kernel.width) { places in
      for first in stride(from: 0, to: pixels, by: kernel.width) {
        let count = min(kernel.width, pixels - first)
        var (r, column) = first.quotientAndRemainder(dividingBy: across)
        for j in 0..<count {
          let row = (rows.lowerBound + r) * stage.steps.stride[0] - firstRow
          unsafe places[j] = row * link.rowStep + column * stage.steps.stride[1]
          column += 1
          if column == across { (column, r) = (0, r + 1) }
        }
        // In bounds: windows of `count` pixels within the source, depth x width elements of panel.
        unsafe gatherPanel(
          panel, kernel.width, source, depth, link.offsets, count, places.baseAddress!)
        let start = unsafe target.base + rows.lowerBound * target.rowStep
        let out = unsafe isFlat ? start + first : memory + resultStart
        let step = isFlat ? target.planeStep : kernel.width
        if let bias = target.bias {
          for o in 0..<outputs {
            unsafe (out + o * step).update(repeating: bias.storage.buffer.base[o], count: count)
          }
        }
        for from in stride(from: 0, to: depth, by: kernel.depth) {
          let part = min(kernel.depth, depth - from)
          for tile in 0..<cut.count {
            let range = cut.rows(tile)
            unsafe kernel.run(
              range.count, part,
              link.weights.storage.buffer.base + range.lowerBound * depth + from * range.count, 1,
              range.count, panel + from * kernel.width, out + range.lowerBound * step, step, count,
              nil, from > 0 || target.bias != nil)
          }
        }
        if !isFlat { unsafe spread(out, step, first, count, across, outputs, start, target) }
      }
    }
  }

  /// Copies a tile of results to rows that do not follow one another.
  private func spread(
    _ out: UnsafeMutablePointer<T>, _ step: Int, _ first: Int, _ count: Int, _ across: Int,
    _ outputs: Int, _ start: UnsafeMutablePointer<T>, _ target: Target
  ) {
    var j = 0
    while j < count {
      let (r, column) = (first + j).quotientAndRemainder(dividingBy: across)
      let run = min(across - column, count - j)
      for o in 0..<outputs {
        // In bounds: pixels of row r of channel o.
        unsafe (start + o * target.planeStep + r * target.rowStep + column).update(
          from: out + o * step + j, count: run)
      }
      j += run
    }
  }
}

/// out[r, i] = Σ_t weights[t] · in[r, i · step + t · tapStep] for rows so many steps apart.
private func convolveTaps<T: RealScalar>(
  _ rows: (count: Int, inStep: Int, outStep: Int), _ n: Int, _ step: Int, _ taps: Int,
  _ tapStep: Int, _ weights: UnsafePointer<T>,
  _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>
) {
  let (w, s, t) = unsafe (
    UnsafeRawPointer(weights), UnsafeRawPointer(source), UnsafeMutableRawPointer(target)
  )
  // Rebinding is right: T is the type its dtype names. In bounds: see the caller.
  if T.dtype == .float32 {
    unsafe ttkk_active().pointee.taps_f32(
      rows.count, rows.inStep, rows.outStep, n, step, taps, tapStep,
      w.assumingMemoryBound(to: Float.self),
      s.assumingMemoryBound(to: Float.self), t.assumingMemoryBound(to: Float.self))
  } else {
    unsafe ttkk_active().pointee.taps_f64(
      rows.count, rows.inStep, rows.outStep, n, step, taps, tapStep,
      w.assumingMemoryBound(to: Double.self),
      s.assumingMemoryBound(to: Double.self), t.assumingMemoryBound(to: Double.self))
  }
}

/// panel[i · width + j] = source[offsets[i] + places[j]], 0 for count <= j < width.
private func gatherPanel<T: RealScalar>(
  _ panel: UnsafeMutablePointer<T>, _ width: Int, _ source: UnsafePointer<T>, _ depth: Int,
  _ offsets: [Int], _ count: Int, _ places: UnsafePointer<Int>
) {
  let (p, s) = unsafe (UnsafeMutableRawPointer(panel), UnsafeRawPointer(source))
  // Rebinding is right: T is the type its dtype names. In bounds: see the caller.
  if T.dtype == .float32 {
    unsafe ttkk_active().pointee.panel_f32(
      p.assumingMemoryBound(to: Float.self), s.assumingMemoryBound(to: Float.self), depth, offsets,
      count, places)
  } else {
    unsafe ttkk_active().pointee.panel_f64(
      p.assumingMemoryBound(to: Double.self), s.assumingMemoryBound(to: Double.self), depth,
      offsets, count, places)
  }
}
