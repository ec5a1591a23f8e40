/// Ways to produce one row of a compressed table.

/// Writes rows of a table; safe for any number of threads.
protocol RowLookup: Sendable {
  /// Bytes held beside the stored cores.
  var byteCount: Int { get }

  /// Writes row `index` to `out`, which has room for the table's features in the table's dtype.
  ///
  /// - Parameter scratch: `scratchSize` bytes for this call alone, 64-byte aligned.
  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer)

  /// Bytes of scratch for one row.
  var scratchSize: Int { get }

  /// What rows may be sorted by, so that a part is read once and repeated ids are looked up once; nil:
  /// rows are written in the order of the ids.
  var parts: RowParts? { get }

  /// Writes the rows of a job at positions `range` of its order.
  func write(_ job: RowJob, _ range: Range<Int>, scratch: UnsafeMutableRawPointer)
}

extension RowLookup {
  var parts: RowParts? { nil }

  // A requirement with a default, so that the loop is compiled for each kind of lookup.
  func write(_ job: RowJob, _ range: Range<Int>, scratch: UnsafeMutableRawPointer) {
    for n in range {
      let i = job.position(n)
      // In bounds: positions are below the number of ids and of rows of the target.
      unsafe write(
        row: job.type.load(job.ids, i), to: job.target + i * job.rowBytes, scratch: scratch)
    }
  }
}

/// Rows decoded straight from a stored dense core.
struct EncodedRows<T: RealScalar>: RowLookup {
  let core: EncodedCore
  var byteCount: Int { 0 }
  var scratchSize: Int { 0 }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let width = core.shape[1]
    // In bounds: out has room for one row.
    var span = unsafe MutableSpan(_unsafeStart: out.assumingMemoryBound(to: T.self), count: width)
    core.storage.decode(
      core.parts, shape: core.shape, range: (index * width)..<((index + 1) * width), into: &span)
  }
}

/// Rows decoded from a core behind an operator: u, or u + Q v.
struct FoldedRows<T: RealScalar>: RowLookup {
  private let core: EncodedCore
  private let prepared: PreparedOperator<T>

  init(_ core: EncodedCore, _ shape: InputOperator) throws(TTKitError) {
    self.core = core
    prepared = try PreparedOperator(shape)
    _ = try checkedProduct([
      EmbeddingPlan.mostTasks, 8, shape.outputs + prepared.transform.scratchCount(rows: 1),
      MemoryLayout<T>.stride,
    ])
  }

  var byteCount: Int { 0 }
  var scratchSize: Int {
    let (n, wide) = (prepared.shape.inputs, prepared.shape.outputs)
    // Fits: checked in init.
    return (wide + n + prepared.transform.scratchCount(rows: 1)) * MemoryLayout<T>.stride
  }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let (n, wide) = (prepared.shape.inputs, prepared.shape.outputs)
    let out = unsafe out.assumingMemoryBound(to: T.self)
    let row = unsafe scratch.assumingMemoryBound(to: T.self)
    let turned = unsafe row + wide
    // In bounds: scratchSize has a row of the core, one of the table, and what the transform needs.
    var span = unsafe MutableSpan(_unsafeStart: row, count: wide)
    core.storage.decode(
      core.parts, shape: core.shape, range: (index * wide)..<((index + 1) * wide), into: &span)
    unsafe prepared.transform.apply(
      row + (wide - n), rows: 1, xStep: n, to: turned, yStep: n, scratch: turned + n,
      executor: .serial)
    unsafe out.update(from: turned, count: n)
    if prepared.shape.keepsInput { for j in 0..<n { unsafe out[j] += unsafe row[j] } }
  }
}

/// Rows of a dense table.
struct TableRows<T: RealScalar>: RowLookup {
  let table: Tensor<T>
  var byteCount: Int { table.byteCount }
  var scratchSize: Int { 0 }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let width = table.shape[1]
    // In bounds: the caller checked the index.
    unsafe out.copyMemory(
      from: table.storage.buffer.base + index * width,
      byteCount: width * MemoryLayout<T>.stride)
  }
}

/// Row i of A · B: row i of A times B.
struct FactorRows<T: RealScalar>: RowLookup {
  private let left: Tensor<T>
  private let right: PackedMatrix<T>

  init(_ term: Term) throws(TTKitError) {
    let (a, b) = try term.factors(T.self)
    left = a
    right = try PackedMatrix(b.transposed([1, 0]), executor: .serial)
  }

  var byteCount: Int { left.byteCount + right.byteCount }
  var scratchSize: Int { 0 }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let inner = left.shape[1]
    // In bounds: one row of A; one row of the table; a single row needs no scratch.
    unsafe right.multiply(
      left.storage.buffer.base + index * inner, rows: 1,
      into: out.assumingMemoryBound(to: T.self), bias: nil, accumulate: false,
      scratch: scratch.assumingMemoryBound(to: T.self), executor: .serial)
  }
}
