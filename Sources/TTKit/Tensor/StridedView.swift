/// Arrays that belong to the caller: any strides, any dtype, borrowed for one call.
internal import CTTKKernels

/// A view of somebody else's memory: first element, shape, steps in elements.
///
/// Made at the boundary after all checks of `init`; never stored beyond the call.
@safe
public struct StridedView {
  public let shape: [Int]
  /// 0 for axes of length 1, and for all of an empty array.
  public let strides: [Int]
  public let dtype: DType
  let data: UnsafeMutableRawPointer?

  /// - Parameters:
  ///   - strides: steps in elements, nil for compact row-major.
  ///     A step of 0 repeats elements: fine to read, wrong to write.
  /// - Throws: `.invalidArgument` for negative lengths, missing data, misaligned data; `.sizeOverflow` when the shape's or the strides' extent does not fit.
  public init(
    data: UnsafeMutableRawPointer?, shape: [Int], strides: [Int]?, dtype: DType
  ) throws(TTKitError) {
    for (axis, length) in shape.enumerated() where length < 0 {
      throw .invalidArgument("length \(length) of axis \(axis) is negative, expected at least 0")
    }
    let count = try checkedProduct(shape)
    _ = try checkedProduct([count, dtype.size])
    let steps = strides ?? rowMajorStrides(shape)
    guard steps.count == shape.count else {
      throw .invalidArgument("\(steps.count) strides for \(shape.count) axes")
    }
    if count > 0 {
      guard let data = unsafe data else {
        throw .invalidArgument("data is NULL for the non-empty shape \(describe(shape))")
      }
      let alignment = dtype.alignment
      guard Int(bitPattern: data) % alignment == 0 else {
        throw .invalidArgument(
          "data is not aligned to \(alignment) bytes as \(dtype.name) needs; copy it first")
      }
      // Half the address space at most, so that addresses computed from it cannot overflow.
      let limit = UInt(Int.max / 2 / dtype.size)
      var extent: UInt = 0
      for (length, step) in zip(shape, steps) {
        let (reach, overflow) = UInt(length - 1).multipliedReportingOverflow(by: step.magnitude)
        guard !overflow, reach <= limit, extent + reach <= limit else {
          throw .sizeOverflow("strides \(describe(steps)) reach beyond the address space")
        }
        extent += reach
      }
    }
    self.shape = shape
    // Steps that are never taken may be any number: 0 keeps sums and products of steps from overflowing.
    self.strides = zip(shape, steps).map { count > 0 && $0 > 1 ? $1 : 0 }
    self.dtype = dtype
    unsafe self.data = data
  }

  /// Number of elements.
  public var count: Int { shape.reduce(1, &*) }  // checked in init

  /// True when elements lie compact in row-major order.
  public var isCompact: Bool {
    let compact = rowMajorStrides(shape)
    return count <= 1 || zip(shape, zip(strides, compact)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
  }

  /// The same elements with all axes in reverse order.
  var reversed: StridedView {
    unsafe StridedView(data: data, shape: shape.reversed(), strides: strides.reversed(), dtype)
  }

  /// Elements copied into a compact tensor of the same dtype.
  ///
  /// - Precondition: `Element` is the view's dtype in memory.
  public func copied<Element: BitwiseCopyable>(
    as type: Element.Type
  ) throws(TTKitError) -> Tensor<Element> {
    precondition(MemoryLayout<Element>.size == dtype.size, "element size differs from the dtype")
    let buffer = try Buffer<Element>(count: count)
    // In bounds: init checked that shape and strides stay within the caller's array.
    unsafe copyElements(
      from: data, strides, to: buffer.base, rowMajorStrides(shape), shape, size: dtype.size)
    return Tensor(shape: shape, buffer: buffer)
  }

  /// Calls `body` with the elements as a tensor: the caller's own memory when it is compact, else a copy.
  ///
  /// The tensor and what shares its elements must not outlive `body`.
  /// - Precondition: `Element` is the view's dtype in memory.
  public func withTensor<Element: BitwiseCopyable, R>(
    as type: Element.Type, _ body: (Tensor<Element>) throws(TTKitError) -> R
  ) throws(TTKitError) -> R {
    precondition(MemoryLayout<Element>.size == dtype.size, "element size differs from the dtype")
    guard isCompact, count > 0, let data = unsafe data else { return try body(copied(as: type)) }
    // In bounds: compact, and init checked that count elements are there.
    let base = unsafe data.assumingMemoryBound(to: Element.self)
    return try body(Tensor(shape: shape, buffer: unsafe Buffer(borrowing: base, count: count)))
  }

  /// Every axis split into digits (last fastest), then all axes in a new order.
  ///
  /// - Precondition: the digits of axis k multiply to its length; `order` permutes all digits.
  public func split(_ digits: [[Int]], order: [Int]) -> StridedView {
    var lengths: [Int] = []
    var steps: [Int] = []
    for (axis, parts) in digits.enumerated() {
      precondition(parts.reduce(1, &*) == shape[axis], "digits do not multiply to the length")
      lengths += parts
      // No overflow that matters: a step of a digit longer than 1 is within the checked extent.
      steps += rowMajorStrides(parts).map { $0 &* strides[axis] }
    }
    return unsafe StridedView(
      data: data, shape: order.map { lengths[$0] }, strides: order.map { steps[$0] }, dtype)
  }

  /// `count` entries of the first axis from `start` on.
  func rows(_ start: Int, _ count: Int) -> StridedView {
    precondition(start >= 0 && start + count <= shape[0], "rows past the end")
    // In bounds: an entry that exists, or no entries. Elements and bytes of a checked extent.
    let first = unsafe start == 0 ? data : data.map { unsafe $0 + start * strides[0] * dtype.size }
    return unsafe StridedView(
      data: first, shape: [count] + shape.dropFirst(), strides: strides, dtype)
  }

  /// A view of memory whose size the caller knows to fit.
  init(data: UnsafeMutableRawPointer?, shape: [Int], strides: [Int], _ dtype: DType) {
    self.shape = shape
    self.strides = strides
    self.dtype = dtype
    unsafe self.data = data
  }

  /// True when no two elements can share memory: every step passes all that lies inside it.
  ///
  /// Sufficient for every slice and transpose of a compact array; exotic overlaps count as overlapping.
  public var isInjective: Bool {
    guard count > 1 else { return true }
    var reach = 0
    for (step, length) in zip(strides, shape).filter({ $1 > 1 }).sorted(by: {
      abs($0.0) < abs($1.0)
    }) {
      guard abs(step) > reach else { return false }
      reach += abs(step) * (length - 1)  // fits: init checked the sum
    }
    return true
  }

  /// Writes a tensor of equal shape and dtype through the view.
  public func write<Element: BitwiseCopyable>(_ tensor: Tensor<Element>) {
    precondition(MemoryLayout<Element>.size == dtype.size, "element size differs from the dtype")
    precondition(tensor.shape == shape, "shapes differ")
    // In bounds: as in copied(as:), in the other direction.
    unsafe copyElements(
      from: UnsafeMutableRawPointer(tensor.storage.buffer.base), rowMajorStrides(shape), to: data,
      strides, shape, size: dtype.size)
  }

  /// The bytes this view can touch, lowest to one past the highest; nil when it is empty.
  public var addressRange: Range<Int>? {
    guard let data = unsafe data, count > 0 else { return nil }
    var low = 0
    var high = 0
    for (length, step) in zip(shape, strides) {
      if step < 0 { low += (length - 1) * step } else { high += (length - 1) * step }
    }
    let base = Int(bitPattern: data)
    let (first, before) = base.addingReportingOverflow(low * dtype.size)
    let (end, beyond) = base.addingReportingOverflow((high + 1) * dtype.size)
    // A pointer so near the ends of the address space that nothing can lie there overlaps everything.
    return before || beyond || first > end ? Int.min..<Int.max : first..<end
  }
}

/// Copies an n-dimensional array between layouts; axes of equal order are merged into long runs.
func copyElements(
  from source: UnsafeMutableRawPointer?, _ sourceSteps: [Int],
  to target: UnsafeMutableRawPointer?, _ targetSteps: [Int], _ shape: [Int], size: Int
) {
  guard let source = unsafe source, let target = unsafe target, !shape.contains(0) else { return }
  // ttkk_copy_strided walks exactly the given shape and steps.
  unsafe ttkk_copy_strided(
    target, targetSteps, source, sourceSteps, shape, Int32(shape.count), size)
}
