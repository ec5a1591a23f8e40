/// Moving elements: permuted axes, blocks of rows and columns.
internal import CTTKKernels

extension Tensor {
  /// Axis `k` of the result is axis `axes[k]` of this tensor.
  public func transposed(_ axes: [Int]) throws(TTKitError) -> Tensor {
    precondition(axes.sorted() == Array(shape.indices), "axes are no permutation")
    if axes == Array(shape.indices) { return self }
    let steps = rowMajorStrides(shape)
    let target = axes.map { shape[$0] }
    let buffer = try Buffer<Element>(count: count)
    if count > 0 {
      // In bounds: steps of the source permuted with its lengths reach exactly its elements.
      unsafe ttkk_copy_strided(
        buffer.base, rowMajorStrides(target), storage.buffer.base, axes.map { steps[$0] }, target,
        Int32(target.count), MemoryLayout<Element>.stride)
    }
    return Tensor(shape: target, buffer: buffer)
  }

  /// A copy of the matrix with `rows` rows and `columns` columns: cut, or padded with zero bytes.
  public func resized(rows: Int, columns: Int) throws(TTKitError) -> Tensor {
    precondition(shape.count == 2, "resize of matrices only")
    if shape == [rows, columns] { return self }
    let buffer = try Buffer<Element>(count: checkedProduct([rows, columns]), zeroed: true)
    let common = [min(rows, shape[0]), min(columns, shape[1])]
    if !common.contains(0) {
      // In bounds: common lengths within both matrices.
      unsafe ttkk_copy_strided(
        buffer.base, [columns, 1], storage.buffer.base, [shape[1], 1], common, 2,
        MemoryLayout<Element>.stride)
    }
    return Tensor(shape: [rows, columns], buffer: buffer)
  }
}
