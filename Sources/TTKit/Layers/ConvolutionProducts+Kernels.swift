/// One convolution on rows that are there: windows as columns of panels, or each channel on its own.
internal import CTTKKernels

extension ConvolutionChain {
  /// Each channel on its own, along height or along width.
  func depthwise(
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
  func multiply(
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
func gatherPanel<T: RealScalar>(
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
