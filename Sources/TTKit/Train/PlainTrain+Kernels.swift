/// A train as the kernels read it, made once with the train: small problems are all overhead.
internal import CTTKKernels

/// Where the cores of a train lie, and their lengths. Valid as long as the train that it belongs to.
///
/// Unchecked: nothing here changes after `init`, and the cores never do.
public final class PlainTrain: @unchecked Sendable {
  public let order: Int
  public let elementSize: Int
  public let elementAlignment: Int
  /// No product of slices can leave the dtype's range.
  public let isTame: Bool
  private let dtype: DType
  /// The largest rank.
  private let width: Int
  /// Addresses of the d cores, d + 1 ranks, d modes.
  private let words: Buffer<Int>

  init<T: Scalar>(_ cores: [Tensor<T>], isTame: Bool) throws(TTKitError) {
    let d = cores.count
    (order, dtype) = (d, T.dtype)
    (elementSize, elementAlignment) = (MemoryLayout<T>.stride, MemoryLayout<T>.alignment)
    self.isTame = isTame
    words = try Buffer<Int>(count: 3 * d + 1, zeroed: true)
    var width = 1
    // In bounds: 3 d + 1 words.
    unsafe words.base[d] = 1
    for k in 0..<d {
      let shape = cores[k].shape
      unsafe words.base[k] = Int(bitPattern: cores[k].storage.buffer.base)
      unsafe words.base[d + 1 + k] = shape[2]
      unsafe words.base[2 * d + 1 + k] = shape[1]
      width = max(width, shape[2])
    }
    self.width = width
  }

  /// values[j] = element at indices[j·d ..< (j+1)·d], 0-based: the same bits for any `count`.
  ///
  /// - Parameters:
  ///   - indices: count · d numbers, within the shape.
  ///   - values: memory for `count` elements of the train's dtype, aligned.
  /// - Precondition: `isTame`.
  /// - Complexity: O(count d r²); ends that many points share are computed once.
  func elements(
    _ count: Int, _ indices: UnsafePointer<Int64>, _ values: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    let (ranks, modes) = unsafe (words.base + order, words.base + 2 * order + 1)
    let middle = order / 2
    // Tables of at most half as many entries as points: what they cost, they save several times.
    let most = min(count / 2, (1 << 17) / (elementSize * width))
    var (left, right, table) = (0, 0, 0)
    var entries = 1
    while left < middle, unsafe modes[left] <= most / entries {
      unsafe entries *= modes[left]
      left += 1
      unsafe table = max(table, entries * ranks[left])
    }
    entries = 1
    while right < order - middle, unsafe modes[order - 1 - right] <= most / entries {
      unsafe entries *= modes[order - 1 - right]
      right += 1
      unsafe table = max(table, entries * ranks[order - right])
    }
    // Fits: tables are bounded, and a core of the largest rank exists.
    let scratch = try Buffer<UInt8>(count: 4 * (width + table) * elementSize)
    let cores = unsafe UnsafeRawPointer(words.base).assumingMemoryBound(
      to: UnsafeRawPointer?.self)
    var train = unsafe ttkk_cores(
      order: order, width: width, cores: cores, ranks: ranks, modes: modes, left: left,
      right: right, table: table)
    let kernel = unsafe elementsKernel(dtype)
    unsafe kernel(&train, count, indices, values, scratch.base)
  }

  /// - Throws: `.invalidArgument` for an index out of range, naming point and axis.
  func checkRange(_ indices: UnsafePointer<Int64>, _ count: Int) throws(TTKitError) {
    let modes = unsafe words.base + 2 * order + 1
    var at = 0
    for point in 0..<count {
      for axis in 0..<order {
        // In bounds: count · order indices, order modes.
        let index = unsafe indices[at]
        at += 1
        if unsafe index < 0 || index >= modes[axis] {
          throw .invalidArgument(
            "index \(index) of point \(point), axis \(axis), is out of range; expected 0 to"
              + " \(unsafe modes[axis] - 1)")
        }
      }
    }
  }

  /// The same as `elements`, of few points that are checked first.
  public func checkedElements(
    _ count: Int, _ indices: UnsafePointer<Int64>, _ values: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    try unsafe checkRange(indices, count)
    try unsafe elements(count, indices, values)
  }
}

extension TensorTrain {
  /// values[j] = element of point first + j of `indices`, all within the shape.
  /// - Precondition: `isTame`.
  func tameElements(
    _ indices: Tensor<Int64>, _ first: Int, _ values: inout MutableSpan<T>
  ) throws(TTKitError) {
    defer { withExtendedLifetime(self) {} }
    // In bounds: d indices for each of the values.
    try unsafe values.withUnsafeMutableBufferPointer { (values) throws(TTKitError) in
      guard let base = values.baseAddress else { return }
      try unsafe plain.elements(
        values.count, indices.storage.buffer.base + first * order, UnsafeMutableRawPointer(base))
    }
  }
}

private func elementsKernel(_ dtype: DType) -> ttkk_elements {
  let kernels = unsafe ttkk_active().pointee
  // Every table is complete.
  switch dtype {
  case .float32: return unsafe kernels.elements_f32!
  case .float64: return unsafe kernels.elements_f64!
  case .complex64: return unsafe kernels.elements_c64!
  default: return unsafe kernels.elements_c128!
  }
}
