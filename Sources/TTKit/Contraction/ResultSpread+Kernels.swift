/// Adding up gradients: line by line along the longest axis.
internal import CTTKKernels

extension ResultSpread {
  /// Writes, or adds to, every element of `result`.
  ///
  /// - Parameters:
  ///   - source: compact float32 or float64 values, as the result's, with steps `steps` along `made`.
  ///   - vectors: positions of the index vectors, checked.
  ///   - memory: `memorySize` bytes.
  func write(
    _ source: UnsafeRawPointer, _ steps: [Int], _ made: [Int], to result: StridedView,
    adding: Bool, vectors: [UnsafePointer<Int>], memory: UnsafeMutableRawPointer
  ) {
    guard let data = unsafe result.data, result.count > 0 else { return }
    let size = result.dtype.size
    if !adding {
      var zero = 0.0
      // In bounds: the result's own shape and steps; a step of 0 repeats the zero.
      unsafe ttkk_copy_strided(
        data, result.strides, &zero, result.shape.map { _ in 0 }, result.shape,
        Int32(result.shape.count), size)
    }
    let axes = axes
    guard !axes.contains(where: { lengths[$0] == 0 }) else { return }
    let line = longest
    let count = line.map { lengths[$0] } ?? 1
    // In bounds: memorySize counts these offsets and a step of alignment.
    let offsets = unsafe memory.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Int.self)
    unsafe fill(offsets, count, line, result.strides, vectors)
    func step(_ axis: Int) -> Int { made.firstIndex(of: axis).map { steps[$0] } ?? 0 }
    let outer = axes.filter { $0 != line }
    var index = [Int](repeating: 0, count: lengths.count)
    while true {
      if let (base, range) = unsafe row(index, line, count, result.strides, vectors) {
        let from = outer.reduce(0) { $0 + index[$1] * step($1) }
        let lineStep = line.map(step) ?? 0
        // In bounds: positions within the result, values of one index of the axes.
        unsafe add(
          data, base, offsets + range.lowerBound,
          source + (from + range.lowerBound * lineStep) * size, lineStep, range.count, result.dtype)
      }
      guard let next = outer.lastIndex(where: { index[$0] + 1 < lengths[$0] }) else { return }
      index[outer[next]] += 1
      for axis in outer[(next + 1)...] { index[axis] = 0 }
    }
  }

  /// Offsets along the line alone.
  private func fill(
    _ offsets: UnsafeMutablePointer<Int>, _ count: Int, _ line: Int?, _ strides: [Int],
    _ vectors: [UnsafePointer<Int>]
  ) {
    // In bounds: count offsets; vectors have a position for each index of their axis. Offsets of positions
    // among a window's zeros may wrap: they are not used.
    for i in 0..<count { unsafe offsets[i] = 0 }
    for (reading, step) in zip(readings, strides) {
      switch reading {
      case .plain(let axis) where axis == line:
        for i in 0..<count { unsafe offsets[i] += i * step }
      case .gathered(let vector, let axis) where axis == line:
        for i in 0..<count { unsafe offsets[i] += vectors[vector][i] * step }
      case .window(let terms, _):
        guard let factor = terms.first(where: { $0.axis == line })?.factor else { continue }
        for i in 0..<count { unsafe offsets[i] &+= i &* factor &* step }
      default: continue
      }
    }
  }

  /// Where a line begins, and which of its elements lie within the result; nil for none.
  private func row(
    _ index: [Int], _ line: Int?, _ count: Int, _ strides: [Int], _ vectors: [UnsafePointer<Int>]
  ) -> (base: Int, range: Range<Int>)? {
    var base = 0
    var (first, end) = (0, count)
    for (place, reading) in readings.enumerated() {
      switch reading {
      case .plain(let axis): base += index[axis] * strides[place]
      case .gathered(let vector, let axis):
        // In bounds: an index of the vector's axis.
        if axis != line { unsafe base += vectors[vector][index[axis]] * strides[place] }
      case .window(let terms, let offset):
        // The line's own index is 0 here.
        let position = terms.reduce(offset) { $0 + $1.factor * index[$1.axis] }
        base &+= position &* strides[place]
        let last = shape[place] - 1 - position
        guard let factor = terms.first(where: { $0.axis == line })?.factor else {
          guard position >= 0, last >= 0 else { return nil }
          continue
        }
        guard last >= 0 else { return nil }
        first = max(first, position < 0 ? (factor - 1 - position) / factor : 0)
        end = min(end, last / factor + 1)
      }
    }
    return first < end ? (base, first..<end) : nil
  }

  private func add(
    _ to: UnsafeMutableRawPointer, _ base: Int, _ offsets: UnsafePointer<Int>,
    _ from: UnsafeRawPointer, _ step: Int, _ count: Int, _ dtype: DType
  ) {
    // Binding is right: dtype names the type.
    if dtype == .float32 {
      unsafe ttkk_scatter_add_f32(
        to.assumingMemoryBound(to: Float.self), base, offsets,
        from.assumingMemoryBound(to: Float.self), step, count)
    } else {
      unsafe ttkk_scatter_add_f64(
        to.assumingMemoryBound(to: Double.self), base, offsets,
        from.assumingMemoryBound(to: Double.self), step, count)
    }
  }
}
