/// Blocks of dense tensors: cut out, put together, and all elements as bytes.
internal import CTTKKernels

extension Tensor {
  /// A copy of the block of the given shape whose first element is at `offset`.
  public func block(at offset: [Int], shape block: [Int]) throws(TTKitError) -> Tensor {
    checkBlock(offset, block, in: shape)
    let steps = rowMajorStrides(shape)
    let start = zip(offset, steps).reduce(0) { $0 + $1.0 * $1.1 }  // inside the tensor
    let buffer = try Buffer<Element>(count: checkedProduct(block))
    // In bounds: checkBlock; an empty block copies nothing.
    unsafe ttkk_copy_strided(
      buffer.base, rowMajorStrides(block), storage.buffer.base + start, steps, block,
      Int32(block.count), MemoryLayout<Element>.size)
    return Tensor(shape: block, buffer: buffer)
  }

  /// Slices first, first + step, ... of the middle axis of three.
  func slices(from first: Int, step: Int, count: Int) throws(TTKitError) -> Tensor {
    let (a, n, b) = (shape[0], shape[1], shape[2])
    let last = first + step * (count - 1)  // inside the axis, as callers have checked
    precondition(
      count >= 1 && min(first, last) >= 0 && max(first, last) < n, "slices leave the axis")
    if first == 0 && step == 1 && count == n { return self }
    let buffer = try Buffer<Element>(count: checkedProduct([a, count, b]))
    // In bounds: first and last slice lie in the axis.
    unsafe ttkk_copy_strided(
      buffer.base, [count * b, b, 1], storage.buffer.base + first * b, [n * b, step * b, 1],
      [a, count, b], 3, MemoryLayout<Element>.size)
    return Tensor(shape: [a, count, b], buffer: buffer)
  }

  /// Zeros with blocks copied in, in order.
  public static func assembled(
    shape: [Int], _ blocks: [(offset: [Int], block: Tensor)]
  ) throws(TTKitError) -> Tensor {
    let buffer = try Buffer<Element>(count: checkedProduct(shape), zeroed: true)
    let steps = rowMajorStrides(shape)
    for (offset, block) in blocks {
      checkBlock(offset, block.shape, in: shape)
      let start = zip(offset, steps).reduce(0) { $0 + $1.0 * $1.1 }
      // In bounds: checkBlock.
      unsafe ttkk_copy_strided(
        buffer.base + start, steps, block.storage.buffer.base, rowMajorStrides(block.shape),
        block.shape, Int32(shape.count), MemoryLayout<Element>.size)
    }
    return Tensor(shape: shape, buffer: buffer)
  }

  /// Calls `body` with all elements as bytes.
  func withBytes<R>(_ body: (Span<UInt8>) throws(TTKitError) -> R) throws(TTKitError) -> R {
    defer { withExtendedLifetime(storage) {} }
    // In bounds: the buffer holds byteCount bytes, and storage outlives the call of body.
    let base = unsafe UnsafeRawPointer(storage.buffer.base).assumingMemoryBound(to: UInt8.self)
    return try body(unsafe Span(_unsafeStart: base, count: byteCount))
  }

  /// A tensor with memory of its own.
  public func copied() throws(TTKitError) -> Tensor {
    try block(at: shape.map { _ in 0 }, shape: shape)
  }

  /// The same elements in memory that may be kept: a copy where the memory is a caller's.
  func owned() throws(TTKitError) -> Tensor { storage.buffer.isOwned ? self : try copied() }
}

private func checkBlock(_ offset: [Int], _ block: [Int], in shape: [Int]) {
  precondition(offset.count == shape.count && block.count == shape.count, "axes differ")
  for (start, (length, whole)) in zip(offset, zip(block, shape)) {
    precondition(start >= 0 && length >= 0 && start <= whole - length, "block leaves the tensor")
  }
}
