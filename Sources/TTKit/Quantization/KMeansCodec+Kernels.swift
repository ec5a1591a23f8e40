/// Codebooks by k-means, and the codes of their nearest values.
internal import CTTKKernels

/// 2^bits rising values for every group; a group of fewer distinct values repeats its largest.
func clusterCentres(
  _ core: Tensor<Float>, _ grid: GroupGrid, bits: Int
) throws(TTKitError) -> Tensor<Float> {
  let size = 1 << bits
  let books = try Buffer<Float>(count: checkedProduct(grid.shape + [size]))
  let longest = grid.elements(0).count  // only the last group of a row is shorter
  let sorted = try Buffer<Float>(count: longest)
  let spare = try Buffer<Float>(count: longest)
  let centres = try Buffer<Double>(count: size)
  let scratch = try Buffer<UInt8>(count: Int(ttkk_cluster_scratch(Int32(size))))
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    // In bounds: at most `longest` elements of the core, `size` centres, one codebook a group.
    unsafe sorted.base.update(
      from: core.storage.buffer.base + elements.lowerBound, count: elements.count)
    unsafe ttkk_sort_f32(elements.count, sorted.base, spare.base)
    let found = unsafe Int(
      ttkk_cluster(elements.count, sorted.base, Int32(size), centres.base, scratch.base))
    for c in 0..<size {
      unsafe books.base[index * size + c] = unsafe Float(centres.base[min(c, found - 1)])
    }
  }
  return Tensor(shape: grid.shape + [size], buffer: books)
}

/// For each element the code of the nearest value of its group's codebook, the lower of two as near.
func nearestCodes(
  _ core: Tensor<Float>, _ grid: GroupGrid, _ books: Tensor<Float>, bits: Int
) throws(TTKitError) -> Tensor<UInt8> {
  let size = 1 << bits
  let codes = try Buffer<UInt8>(count: core.count)
  let borders = try Buffer<Float>(count: size)
  for index in 0..<grid.count {
    let elements = grid.elements(index)
    // In bounds: one codebook and the elements of a group; size - 1 borders.
    let book = unsafe books.storage.buffer.base + index * size
    for c in 0..<(size - 1) {
      unsafe borders.base[c] = unsafe Float((Double(book[c]) + Double(book[c + 1])) / 2)
    }
    unsafe ttkk_encode_codebook(
      elements.count, core.storage.buffer.base + elements.lowerBound, Int32(bits), borders.base,
      codes.base + elements.lowerBound)
  }
  return Tensor(shape: [core.count], buffer: codes)
}
