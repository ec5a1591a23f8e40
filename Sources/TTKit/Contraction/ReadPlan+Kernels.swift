/// Operands of one execute as the contraction reads them.
internal import CTTKKernels

/// An axis of an operand that steps as an index vector says.
@safe
struct Gather {
  /// Place among the operands of the plan at work.
  var operand: Int
  let axis: Int
  let step: Int
  let positions: UnsafePointer<Int>
}

/// Views with one axis for each axis of the equation.
@safe
struct ReadOperands {
  var views: [StridedView]
  var gathers: [Gather] = []
  /// Positions of each index vector, checked.
  var vectors: [UnsafePointer<Int>] = unsafe []
  /// An axis that is shorter than planned, and its length.
  var shortened: (axis: Int, length: Int)?
}

extension ReadPlan {
  /// Reads what index vectors and padded operands hold into `memory`, of `memorySize` bytes.
  ///
  /// - Parameter arrays: shapes as planned; index vectors are int32 or int64.
  /// - Throws: `.invalidArgument` for a position out of range, before anything else is written.
  func read(
    _ arrays: [StridedView], memory: UnsafeMutableRawPointer
  ) throws(TTKitError) -> ReadOperands {
    // In bounds: memorySize has room for this step of alignment, and for each place.
    let memory = unsafe memory.alignedUp(toMultipleOf: 64)
    var found = unsafe ReadOperands(views: [])
    for (vector, array) in zip(vectors, arrays[readings.count...]) {
      let positions = unsafe (memory + vector.place).assumingMemoryBound(to: Int.self)
      try unsafe vector.copy(array, to: positions)
      unsafe found.vectors.append(UnsafePointer(positions))
    }
    for (k, array) in arrays[..<readings.count].enumerated() {
      let (base, strides) = unsafe between(zerosOf: k, array, memory)
      var start = 0
      var steps: [Int] = []
      for (place, reading) in readings[k].enumerated() {
        let step = strides[place]
        switch reading {
        case .plain: steps.append(step)
        case .window(let terms, let offset):
          start += ((paddings[k]?.before[place] ?? 0) + offset) * step
          // Fits but for axes of length 1, whose step is never taken.
          steps += terms.map { $0.factor &* step }
        case .gathered(let vector, let axis):
          steps.append(0)
          unsafe found.gathers.append(
            Gather(operand: k, axis: axis, step: step, positions: found.vectors[vector]))
        }
      }
      // In bounds: the first position of each window is within the operand or its zeros.
      unsafe found.views.append(
        StridedView(
          data: base.map { unsafe $0 + start * dtype.size },
          shape: readings[k].flatMap(\.axes).map { lengths[$0] }, strides: steps, dtype))
    }
    return found
  }

  /// First element and steps of an operand, after it was copied between zeros where that is needed.
  private func between(
    zerosOf k: Int, _ array: StridedView, _ memory: UnsafeMutableRawPointer
  ) -> (UnsafeMutableRawPointer?, [Int]) {
    guard let padding = paddings[k] else { return unsafe (array.data, array.strides) }
    let target = unsafe memory + padding.place
    let steps = rowMajorStrides(padding.shape)
    // In bounds: the padded shape was planned, and the operand lies within it.
    unsafe target.initializeMemory(
      as: UInt8.self, repeating: 0, count: padding.shape.reduce(dtype.size, *))
    let start = zip(steps, padding.before).reduce(0) { $0 + $1.0 * $1.1 }
    if array.count > 0, let data = unsafe array.data {
      unsafe ttkk_copy_strided(
        target + start * dtype.size, steps, data, array.strides, array.shape,
        Int32(array.shape.count), dtype.size)
    }
    return unsafe (target, steps)
  }
}

extension ReadPlan.Vector {
  /// Positions as words, so that what was checked is what is used.
  fileprivate func copy(
    _ array: StridedView, to positions: UnsafeMutablePointer<Int>
  ) throws(TTKitError) {
    guard length > 0, let data = unsafe array.data else { return }
    let isWide = array.dtype == .int64
    for i in 0..<length {
      // In bounds: the view's shape is (length).
      let at = unsafe data + i * array.strides[0] * array.dtype.size
      let position =
        unsafe isWide ? Int(at.load(as: Int64.self)) : Int(at.load(as: Int32.self))
      guard position >= 0, position < limit else {
        throw .invalidArgument(
          "index vector '\(name)' holds \(position) at \(i), expected 0 to \(limit - 1)")
      }
      unsafe positions[i] = position
    }
  }
}
