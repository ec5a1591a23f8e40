/// Rows of a TT-matrix: the chain of the cores' slices at the digits of the index.
///
/// Neighbouring cores are multiplied beforehand where memory allows: two halves leave one small product
/// a row. Source: O. Hrinchuk et al., Tensorized Embedding Layers, Findings of EMNLP 2020; products of
/// halves: C. Yin et al., TT-Rec, MLSys 2021, section 4.
internal import CTTKKernels

@safe
struct ChainRows<T: RealScalar>: RowLookup {
  private let links: [ChainLink<T>]
  private let largest: Int
  let parts: RowParts?
  private static var cacheBytes: Int { 1 << 19 }

  /// - Parameter limit: bytes that products of cores may take; nil: 16 MiB, never the whole table.
  init(_ term: Term, features: Int, limit: Int?) throws(TTKitError) {
    let size = MemoryLayout<T>.stride
    let cut = ChainCut.best(
      term.cores.map(\.shape), limit: (limit ?? 1 << 24) / size, mayBeWhole: limit != nil)
    var links: [ChainLink<T>] = []
    var (largest, done) = (features, 1)
    for range in cut {
      let link = try Self.merged(term.cores[range])
      links.append(link)
      done *= link.features  // divides features
      largest = max(largest, try checkedProduct([done, link.width / link.features]))
    }
    // All tasks' scratch, rounded up to 64 bytes each, must fit.
    _ = try checkedProduct([4 * EmbeddingPlan.mostTasks, largest, size])
    for k in links.indices.dropLast().reversed() {
      links[k].place = links[k + 1].place * links[k + 1].rows  // fits: rows of a padded table
    }
    self.links = links
    self.largest = largest
    // Sorted by the largest slices when all groups exceed a second-level cache.
    let heaviest = links.max { $0.r * $0.width < $1.r * $1.width } ?? links[0]
    let bytes = links.reduce(0) { $0 + $1.tensor.byteCount }
    parts =
      bytes > Self.cacheBytes
      ? RowParts(place: heaviest.place, count: heaviest.rows) : RowParts(place: 1, count: 1)
  }

  /// The product of neighbouring cores as (row digits, r, j · s), and its features.
  private static func merged(
    _ cores: ArraySlice<EncodedCore>
  ) throws(TTKitError) -> ChainLink<T> {
    var operands: [NamedTensor<T>] = []
    var (rows, columns) = ([Axis](), [Axis]())
    for (k, core) in cores.enumerated() {
      rows.append(Axis("i\(k)", core.shape[1]))
      columns.append(Axis("j\(k)", core.shape[2]))
      let axes = [Axis("r\(k)", core.shape[0]), rows[k], columns[k]]
      operands.append(
        NamedTensor(
          axes: axes + [Axis("r\(k + 1)", core.shape[3])], tensor: try core.decoded(T.self)))
    }
    let (first, last) = (operands[0].axes[0], operands[operands.count - 1].axes[3])
    let product = try contract(operands, to: rows + [first] + columns + [last])
    // Parts of a live tensor, so products fit.
    let width = columns.reduce(1) { $0 * $1.length }
    let count = rows.reduce(1) { $0 * $1.length }
    return ChainLink(
      product.reshaped([count, first.length, width * last.length]), features: width)
  }

  var byteCount: Int { links.reduce(0) { $0 + $1.tensor.byteCount } }
  /// Two intermediates (done features, rank).
  var scratchSize: Int { 2 * largest * MemoryLayout<T>.stride }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let out = unsafe out.assumingMemoryBound(to: T.self)
    let scratch = unsafe scratch.assumingMemoryBound(to: T.self)
    let last = links.count - 1
    var digit = index / links[0].place
    var rest = index - digit * links[0].place
    var source = unsafe links[0].slice(digit)
    var done = links[0].features
    if last == 0 { unsafe out.update(from: source, count: done) }
    // In bounds: an intermediate holds at most `largest` elements, the last one `features`.
    for k in stride(from: 1, through: last, by: 1) {
      let link = links[k]
      digit = rest / link.place
      rest -= digit * link.place
      let target = unsafe k == last ? out : scratch + (k & 1) * largest
      unsafe multiplySmall(done, link.r, link.width, source, link.slice(digit), target)
      done *= link.features
      unsafe source = UnsafePointer(target)
    }
  }
}

/// One group of cores, merged: `rows` slices (r, width = features · next r).
@safe
private struct ChainLink<T: RealScalar>: Sendable {
  let tensor: Tensor<T>
  let rows: Int
  let r: Int
  let width: Int
  let features: Int
  /// Rows of all groups after this one.
  var place = 1
  private nonisolated(unsafe) let base: UnsafePointer<T>

  init(_ tensor: Tensor<T>, features: Int) {
    self.tensor = tensor
    (rows, r, width) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    self.features = features
    unsafe base = UnsafePointer(tensor.storage.buffer.base)  // `tensor` keeps it
  }

  /// In bounds for a digit below `rows`.
  @inline(__always)
  func slice(_ digit: Int) -> UnsafePointer<T> { unsafe base + digit * r * width }
}

/// c (m, n) = a (m, k) · b (k, n), small and compact.
@inline(__always)
func multiplySmall<T: RealScalar>(
  _ m: Int, _ k: Int, _ n: Int, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
  _ c: UnsafeMutablePointer<T>
) {
  let (ra, rb) = unsafe (UnsafeRawPointer(a), UnsafeRawPointer(b))
  let rc = UnsafeMutableRawPointer(c)
  // Rebinding is right: T is the type its dtype names. In bounds: callers give arrays of these sizes.
  if T.dtype == .float32 {
    unsafe ttkk_active().pointee.small_f32(
      m, k, n, ra.assumingMemoryBound(to: Float.self), rb.assumingMemoryBound(to: Float.self),
      rc.assumingMemoryBound(to: Float.self))
  } else {
    unsafe ttkk_active().pointee.small_f64(
      m, k, n, ra.assumingMemoryBound(to: Double.self), rb.assumingMemoryBound(to: Double.self),
      rc.assumingMemoryBound(to: Double.self))
  }
}
