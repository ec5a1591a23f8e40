/// Running a chain over bands of output rows: what lies between the convolutions stays in the second-level
/// cache, and rows that two bands share are kept.

extension ConvolutionChain {
  /// Output rows of one image.
  func run(
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

  /// Makes the inputs of all links for all rows, in memory that is zero where borders are.
  func makeInputs(_ x: UnsafePointer<T>, _ memory: UnsafeMutablePointer<T>) {
    var base = [Int](repeating: 0, count: links.count)
    var made = base
    unsafe bring(links.count - 1, 0..<outSize[0], x, nil, memory, &base, &made)
  }

  /// Makes the input rows that output rows `rows` of link k need.
  private func bring(
    _ k: Int, _ rows: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>?,
    _ memory: UnsafeMutablePointer<T>, _ base: inout [Int], _ made: inout [Int]
  ) {
    let link = links[k]
    let stage = link.stage
    guard link.rows > 0 else { return }
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

  /// Makes output rows `rows` of link k, and before that whatever they need.
  private func produce(
    _ k: Int, _ rows: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>?,
    _ memory: UnsafeMutablePointer<T>, _ base: inout [Int], _ made: inout [Int]
  ) {
    let link = links[k]
    unsafe bring(k, rows, x, y, memory, &base, &made)
    // In bounds: input rows from base on are there; the target has room for `rows`.
    let source = unsafe link.rows > 0 ? UnsafePointer(memory + bufferStarts[k]) : x
    let target = unsafe target(of: k, y, memory, base)
    let firstRow = link.rows > 0 ? base[k] : 0
    if link.stage.isDepthwise {
      unsafe depthwise(link, rows, source, firstRow, target)
    } else {
      unsafe multiply(link, rows, source, firstRow, target, memory)
    }
  }

  /// Where output row 0 of link k would lie, with its steps.
  @safe
  struct Target {
    nonisolated(unsafe) let base: UnsafeMutablePointer<T>
    let rowStep: Int
    let planeStep: Int
    let bias: Tensor<T>?
  }

  private func target(
    of k: Int, _ y: UnsafeMutablePointer<T>?, _ memory: UnsafeMutablePointer<T>, _ base: [Int]
  ) -> Target {
    guard k + 1 < links.count else {
      // Whoever runs the last link gives y.
      return unsafe Target(
        base: y!, rowStep: outSize[1], planeStep: outSize[0] * outSize[1], bias: bias)
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
}
