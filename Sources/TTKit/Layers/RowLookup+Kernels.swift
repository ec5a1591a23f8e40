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

/// Rows of a TT-matrix: the chain of the cores' slices at the digits of the index.
///
/// Source: O. Hrinchuk et al., Tensorized Embedding Layers, Findings of EMNLP 2020.
struct ChainRows<T: RealScalar>: RowLookup {
  /// Core k as (row digit, r[k], j[k] · r[k+1]).
  private let cores: [Tensor<T>]
  private let digits: [Int]
  private let widths: [Int]
  private let largest: Int

  init(_ term: Term, features: Int) throws(TTKitError) {
    var cores: [Tensor<T>] = []
    var widths: [Int] = []
    var largest = features
    var done = 1
    for core in term.cores {
      let (r, i, j, s) = (core.shape[0], core.shape[1], core.shape[2], core.shape[3])
      let turned = try core.decoded(T.self).transposed([1, 0, 2, 3])
      cores.append(turned.reshaped([i, r, j * s]))  // fits: part of a live core
      widths.append(j)
      done *= j  // divides features
      largest = max(largest, try checkedProduct([done, s]))
    }
    // All tasks' scratch, rounded up to 64 bytes each, must fit.
    _ = try checkedProduct([4 * EmbeddingPlan.mostTasks, largest, MemoryLayout<T>.stride])
    self.cores = cores
    self.widths = widths
    self.largest = largest
    digits = term.cores.map { $0.shape[1] }
  }

  var byteCount: Int { cores.reduce(0) { $0 + $1.byteCount } }
  /// Two intermediates (done features, rank).
  var scratchSize: Int { 2 * largest * MemoryLayout<T>.stride }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let out = unsafe out.assumingMemoryBound(to: T.self)
    var now = unsafe scratch.assumingMemoryBound(to: T.self)
    var next = unsafe now + largest
    var place = digits.reduce(1, *)  // fits: the padded rows of a table
    var rest = index
    var done = 1
    // In bounds: the intermediate holds at most `largest` elements; the last has `features`.
    for (k, core) in cores.enumerated() {
      place /= digits[k]
      let digit = rest / place
      rest %= place
      let (r, width) = (core.shape[1], core.shape[2])
      let slice = unsafe core.storage.buffer.base + digit * r * width
      let target = unsafe k == cores.count - 1 ? out : next
      if k == 0 {
        unsafe target.update(from: slice, count: width)
      } else {
        unsafe multiplySmall(now, done, r, slice, width, target)
      }
      done *= widths[k]
      unsafe swap(&now, &next)
    }
  }
}

/// c (m, n) = a (m, k) · b (k, n), small and compact.
private func multiplySmall<T: RealScalar>(
  _ a: UnsafePointer<T>, _ m: Int, _ k: Int, _ b: UnsafePointer<T>, _ n: Int,
  _ c: UnsafeMutablePointer<T>
) {
  // In bounds: callers give compact arrays of these sizes.
  for i in 0..<m {
    let row = unsafe c + i * n
    unsafe row.update(repeating: 0, count: n)
    for p in 0..<k {
      let factor = unsafe a[i * k + p]
      let source = unsafe b + p * n
      for j in 0..<n { unsafe row[j] += factor * source[j] }
    }
  }
}
