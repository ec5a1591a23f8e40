/// Rearranging dense tensors: new orders of axes, blocks cut out, blocks put together.
internal import CTTKKernels

extension Tensor {
  /// The axes in a new order: axis k of the result is axis `axes[k]` of this tensor.
  public func permuted(_ axes: [Int]) throws(TTKitError) -> Tensor {
    precondition(axes.sorted() == Array(shape.indices), "axes are no permutation")
    let target = axes.map { shape[$0] }
    let steps = rowMajorStrides(shape)
    let buffer = try Buffer<Element>(count: count)
    // In bounds: both layouts enumerate the same count elements.
    unsafe ttkk_copy_strided(
      buffer.base, rowMajorStrides(target), storage.buffer.base, axes.map { steps[$0] }, target,
      Int32(target.count), MemoryLayout<Element>.size)
    return Tensor(shape: target, buffer: buffer)
  }

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

  /// A tensor with memory of its own.
  public func copied() throws(TTKitError) -> Tensor {
    try block(at: shape.map { _ in 0 }, shape: shape)
  }
}

private func checkBlock(_ offset: [Int], _ block: [Int], in shape: [Int]) {
  precondition(offset.count == shape.count && block.count == shape.count, "axes differ")
  for (start, (length, whole)) in zip(offset, zip(block, shape)) {
    precondition(start >= 0 && length >= 0 && start <= whole - length, "block leaves the tensor")
  }
}
