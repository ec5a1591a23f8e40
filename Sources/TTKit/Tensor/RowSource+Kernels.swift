/// The rows of a matrix wherever they lie: in memory, in any strides, or in a file.
///
/// Algorithms that pass over a large tensor ask for blocks of rows; only what does not lie ready in memory
/// is copied, a block at a time.
internal import COpenBLAS
internal import CTTKKernels

/// A tensor read in blocks of consecutive rows, its trailing modes taken as columns.
@safe
struct RowSource<T: Scalar>: @unchecked Sendable {
  private enum Place {
    case tensor(Tensor<T>)
    /// Somebody else's memory, which outlives the call.
    case strided(StridedView)
    case file(ReadableFile, offset: Int)
  }

  let shape: [Int]
  let count: Int
  /// Rows are handed out divided by 2^exponent.
  private(set) var exponent = 0
  private let place: Place

  init(_ tensor: Tensor<T>) {
    shape = tensor.shape
    count = tensor.count
    place = .tensor(tensor)
  }

  /// - Precondition: `T` is the view's dtype in memory.
  init(_ view: StridedView) {
    precondition(MemoryLayout<T>.size == view.dtype.size, "element size differs from the dtype")
    shape = view.shape
    count = view.count
    place = .strided(view)
  }

  /// A compact row-major array from byte `offset` of a file on.
  /// - Throws: `.sizeOverflow`; `.format` when the file is shorter than that.
  init(_ file: ReadableFile, offset: Int, shape: [Int]) throws(TTKitError) {
    count = try checkedProduct(shape)
    let bytes = try checkedProduct([count, MemoryLayout<T>.size])
    guard offset >= 0 else { throw .invalidArgument("offset is \(offset), expected at least 0") }
    guard offset <= file.size, bytes <= file.size - offset else {
      throw .format(
        "\(file.path) has \(file.size) bytes, but shape \(describe(shape)) of \(T.dtype.name) "
          + "from byte \(offset) on takes \(bytes) more; check shape, dtype and offset")
    }
    self.shape = shape
    place = .file(file, offset: offset)
  }

  func divided(byPowerOfTwo exponent: Int) -> RowSource {
    var result = self
    result.exponent += exponent
    return result
  }

  /// Whether blocks have to be copied before they can be read.
  var needsScratch: Bool {
    if case .tensor = place { return exponent != 0 }
    return true
  }

  /// The whole tensor in memory: itself where it lies there ready.
  func loaded() throws(TTKitError) -> Tensor<T> {
    if case .tensor(let tensor) = place, exponent == 0 { return tensor }
    let buffer = try Buffer<T>(count: count)
    // In bounds: one row of all elements.
    _ = try unsafe rows(0, 1, columns: count, scratch: buffer.base)
    return Tensor(shape: shape, buffer: buffer)
  }

  /// Rows first ..< first + count of the matrix with so many columns, compact; valid as long as the source
  /// and `scratch`, which holds them where they do not lie ready.
  func rows(
    _ first: Int, _ count: Int, columns: Int, scratch: UnsafeMutablePointer<T>
  ) throws(TTKitError) -> UnsafePointer<T> {
    precondition(
      first >= 0 && count >= 0 && (first + count) * columns <= self.count, "no such rows")
    switch place {
    case .tensor(let tensor):
      // In bounds: just checked.
      let start = unsafe tensor.storage.buffer.base + first * columns
      if exponent == 0 { return unsafe UnsafePointer(start) }
      unsafe scratch.update(from: start, count: count * columns)
    case .strided(let view):
      unsafe gather(view, first, count, columns, scratch)
    case .file(let file, let offset):
      let size = MemoryLayout<T>.size
      // In bounds: init compared the file's size; scratch holds count rows.
      try unsafe file.read(
        into: UnsafeMutableRawPointer(scratch), count * columns * size,
        at: offset + first * columns * size)
    }
    if exponent != 0 { unsafe scaleByPowerOfTwo(scratch, count * columns, -exponent) }
    return unsafe UnsafePointer(scratch)
  }

  /// Copies rows of a view: runs of rows that differ in the last leading index alone go together.
  private func gather(
    _ view: StridedView, _ first: Int, _ count: Int, _ columns: Int,
    _ target: UnsafeMutablePointer<T>
  ) {
    guard let data = unsafe view.data, count > 0, columns > 0 else { return }
    var split = view.shape.count
    var inner = 1
    while split > 0, inner < columns {
      split -= 1
      inner *= view.shape[split]  // fits: divides the number of elements
    }
    precondition(inner == columns, "columns are no product of trailing modes")
    // Length-1 axes before the columns make no rows of their own.
    while split > 0, view.shape[split - 1] == 1 { split -= 1 }
    let leading = Array(view.shape[..<split])
    let trailing = Array(view.shape[split...])
    let run = leading.last ?? 1
    var done = 0
    while done < count {
      let row = first + done
      let length = min(run - row % run, count - done)
      var rest = row
      var offset = 0
      for axis in leading.indices.reversed() {
        offset &+= rest % leading[axis] &* view.strides[axis]
        rest /= leading[axis]
      }
      // In bounds: indices lie within the view's shape, whose extent its init checked.
      unsafe ttkk_copy_strided(
        target + done * columns, [columns] + rowMajorStrides(trailing),
        data.assumingMemoryBound(to: T.self) + offset,
        [view.strides[..<split].last ?? 0] + view.strides[split...],
        [length] + trailing, Int32(trailing.count + 1), MemoryLayout<T>.size)
      done += length
    }
  }
}

/// Times 2^exponent, exactly unless results leave the normal range.
private func scaleByPowerOfTwo<T: Scalar>(
  _ x: UnsafeMutablePointer<T>, _ count: Int, _ exponent: Int
) {
  var left = exponent
  let step = T.Real.dtype == .float32 ? 120 : 1000
  let components = T.dtype == T.Real.dtype ? count : 2 * count  // fits: they exist
  let raw = UnsafeMutableRawPointer(x)
  while left != 0 {
    let part = min(max(left, -step), step)
    left -= part
    let factor = scaledByPowerOfTwo(1.0, part)
    // BLAS counts in 32 bits. In bounds: pieces of the components.
    for first in stride(from: 0, to: components, by: 1 << 30) {
      let n = Int32(min(components - first, 1 << 30))
      if T.Real.dtype == .float32 {
        unsafe cblas_sscal(n, Float(factor), raw.assumingMemoryBound(to: Float.self) + first, 1)
      } else {
        unsafe cblas_dscal(n, factor, raw.assumingMemoryBound(to: Double.self) + first, 1)
      }
    }
  }
}

/// The largest |component| of all elements, not finite if any is not, and their norm as value · 2^exponent.
func sizes<T: Scalar>(
  _ x: RowSource<T>, _ executor: Executor
) throws(TTKitError) -> (largest: Double, norm: (value: Double, exponent: Int)) {
  let block = 1 << 16
  let blocks = (x.count + block - 1) / block
  // Largest component, exponent and sum of squares of every block.
  let found = try Buffer<Double>(count: checkedProduct([max(blocks, 1), 3]), zeroed: true)
  try executor.parallelFor(blocks) { (i) throws(TTKitError) in
    let count = min(block, x.count - i * block)
    let scratch = try Buffer<T>(count: x.needsScratch ? count : 0)
    let from = try unsafe x.rows(i * block, count, columns: 1, scratch: scratch.base)
    // In bounds: count elements, read only; the block's own three places.
    let part = unsafe Tensor<T>(
      shape: [count],
      buffer: Buffer(borrowing: UnsafeMutablePointer(mutating: from), count: count))
    let largest = part.largestComponent
    let norm = largest.isFinite ? part.norm : largest
    unsafe found.base[3 * i] = largest
    // Norms beyond the range of squares enter divided by a power of two.
    let exponent =
      norm > 0 && norm.isFinite && abs(Int(norm.exponent)) > 400 ? Int(norm.exponent) : 0
    unsafe found.base[3 * i + 1] = Double(exponent)
    let value = scaledByPowerOfTwo(norm, -exponent)
    unsafe found.base[3 * i + 2] = value * value
  }
  return found.withSpan { span in
    var largest = 0.0
    for i in 0..<blocks {
      if !span[3 * i].isFinite { return (.nan, (.nan, 0)) }
      largest = max(largest, span[3 * i])
    }
    let exponent = (0..<blocks).reduce(Int.min) {
      span[3 * $1] > 0 ? max($0, Int(span[3 * $1 + 1])) : $0
    }
    guard largest > 0 else { return (0, (0, 0)) }
    // In order of blocks: independent of threads.
    let squares = (0..<blocks).reduce(0.0) {
      $0 + scaledByPowerOfTwo(span[3 * $1 + 2], 2 * (Int(span[3 * $1 + 1]) - exponent))
    }
    return (largest, (squares.squareRoot(), exponent))
  }
}
