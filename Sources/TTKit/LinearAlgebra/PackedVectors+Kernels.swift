/// Bases in the layout that the projection kernels want, complex ones as real ones.
internal import CTTKKernels

/// Orthonormal rows (r, k) as real rows.
///
/// Complex: row v becomes two real ones, v and i v as pairs of components, so that the components of
/// x · vᴴ are the real products of x's components with them.
func realForm<T: Scalar>(
  _ basis: Tensor<T>
) throws(TTKitError) -> (matrix: Tensor<T>, rows: Int, columns: Int) {
  let (r, k) = (basis.shape[0], basis.shape[1])
  guard T.dtype != T.Real.dtype else { return (basis, r, k) }
  let doubled = try Buffer<T>(count: checkedProduct([2, r, k]))
  let from = unsafe UnsafeRawPointer(basis.storage.buffer.base).assumingMemoryBound(to: T.Real.self)
  let to = unsafe UnsafeMutableRawPointer(doubled.base).assumingMemoryBound(to: T.Real.self)
  for row in 0..<r {
    // In bounds: rows of 2 k components; two of the result for each of the basis.
    let source = unsafe from + row * 2 * k
    let target = unsafe to + row * 4 * k
    unsafe target.update(from: source, count: 2 * k)
    for j in 0..<k {
      unsafe target[2 * k + 2 * j] = .zero - source[2 * j + 1]
      unsafe target[2 * k + 2 * j + 1] = source[2 * j]
    }
  }
  return (Tensor(shape: [2 * r, k], buffer: doubled), 2 * r, 2 * k)
}

/// A matrix of `rows` by `columns` reals, or its transpose, in panels of one to three vectors; see
/// ttkk_panel_vectors.
func packedVectors<T: Scalar>(
  _ matrix: Tensor<T>, _ rows: Int, _ columns: Int, transposed: Bool
) throws(TTKitError) -> Buffer<T.Real> {
  let lanes =
    unsafe T.Real.dtype == .float32
    ? ttkk_active().pointee.width_f32 / 2 : ttkk_active().pointee.width_f64 / 2
  let (n, depth) = transposed ? (columns, rows) : (rows, columns)
  let vectors = (n + lanes - 1) / lanes
  let buffer = try Buffer<T.Real>(count: checkedProduct([vectors, lanes, depth]), zeroed: true)
  guard depth > 0 else { return buffer }
  let source = unsafe UnsafeRawPointer(matrix.storage.buffer.base)
    .assumingMemoryBound(to: T.Real.self)
  let steps = transposed ? [1, columns] : [columns, 1]
  var done = 0
  while done < vectors {
    let width = ttkk_panel_vectors(vectors - done) * lanes
    let first = done * lanes
    // In bounds: rows first... of the n; a panel has depth lines of width elements.
    unsafe ttkk_copy_strided(
      buffer.base + first * depth, [1, width], source + first * steps[0], steps,
      [min(width, n - first), depth], 2, MemoryLayout<T.Real>.size)
    done += width / lanes
  }
  return buffer
}
