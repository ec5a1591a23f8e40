/// A few rows that stand for all rows of a matrix, and the rows that a basis serves worst.
internal import COpenBLAS

/// Signed sums of four random rows each (count, columns): every one sees more of the tensor than one row
/// would.
func sampledRows<T: Scalar>(
  _ x: RowSource<T>, _ rows: Int, _ columns: Int, count: Int, _ random: inout SeededGenerator
) throws(TTKitError) -> Tensor<T> {
  let sums = try Buffer<T>(count: checkedProduct([count, columns]), zeroed: true)
  let scratch = try Buffer<T>(count: x.needsScratch ? columns : 0)
  for i in 0..<count {
    for _ in 0..<4 {
      let row = random.below(rows)
      let sign = random.next() % 2 == 0 ? 1.0 : -1.0
      // In bounds: row is one of rows; sums hold count of them.
      let from = try unsafe x.rows(row, 1, columns: columns, scratch: scratch.base)
      unsafe add(sign, from, to: sums.base + i * columns, columns)
    }
  }
  return Tensor(shape: [count, columns], buffer: sums)
}

/// Some rows as they are (count, columns).
func chosenRows<T: Scalar>(
  _ x: RowSource<T>, _ rows: [Int], columns: Int
) throws(TTKitError) -> Tensor<T> {
  let chosen = try Buffer<T>(count: checkedProduct([rows.count, columns]))
  for (i, row) in rows.enumerated() {
    // In bounds: one of as many rows; a copy, or the same place where the source copied already.
    let target = unsafe chosen.base + i * columns
    let from = try unsafe x.rows(row, 1, columns: columns, scratch: target)
    if unsafe from != UnsafePointer(target) { unsafe target.update(from: from, count: columns) }
  }
  return Tensor(shape: [rows.count, columns], buffer: chosen)
}

/// The rows that lose most, up to four from each of the eight worst blocks of a pass, and their residues
/// x − x · basisᴴ · basis.
func worstResidues<T: Scalar>(
  _ x: RowSource<T>, columns: Int, _ basis: Tensor<T>, _ pass: Projection<T>
) throws(TTKitError) -> (rows: [Int], residues: Tensor<T>) {
  let blocks = pass.losses.indices.sorted {
    (pass.losses[$0], $1) > (pass.losses[$1], $0)
  }
  var worst: [Int] = []
  for block in blocks.prefix(8) {
    let first = block * pass.blockRows
    let height = min(pass.blockRows, x.count / columns - first)
    let residue = try residues(of: chosenRows(x, Array(first..<first + height), columns: columns))
    let norms = try (0..<height).map { (i) throws(TTKitError) in
      try residue.block(at: [i, 0], shape: [1, columns]).norm
    }
    let order = norms.indices.sorted { (norms[$0], $1) > (norms[$1], $0) }
    worst += order.prefix(4).map { first + $0 }
  }
  func residues(of part: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    try remainder(of: part, product(part, basis, .plain, .conjugateTransposed), basis)
  }
  return (worst, try residues(of: chosenRows(x, worst, columns: columns)))
}

/// v vᴴ − 1 for nearly orthonormal rows.
func defect<T: Scalar>(of v: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  try difference(product(v, v, .plain, .conjugateTransposed), .identity(v.shape[0]))
}

/// Nearly orthonormal rows made so to a few roundings, by one Newton step for (v vᴴ)^(−1/2) v.
func orthonormalized<T: Scalar>(rows v: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  let step = try product(defect(of: v), v)
  let result = try v.copied()
  // In bounds: both have the same count; nobody else has seen the copy yet.
  unsafe add(-0.5, step.storage.buffer.base, to: result.storage.buffer.base, step.count)
  return result
}

/// The same for nearly orthonormal columns.
func orthonormalized<T: Scalar>(columns u: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  let defect = try difference(
    product(u, u, .conjugateTransposed, .plain), Tensor<T>.identity(u.shape[1]))
  let step = try product(u, defect)
  let result = try u.copied()
  // In bounds: both have the same count; nobody else has seen the copy yet.
  unsafe add(-0.5, step.storage.buffer.base, to: result.storage.buffer.base, step.count)
  return result
}

/// a − b.
func difference<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape == b.shape, "shapes differ")
  let result = try Buffer<T>(count: a.count)
  // In bounds: all three have the same count.
  unsafe result.base.update(from: a.storage.buffer.base, count: a.count)
  unsafe add(-1, b.storage.buffer.base, to: result.base, a.count)
  return Tensor(shape: a.shape, buffer: result)
}

/// The rows of both, one below the other.
func stacked<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape[1] == b.shape[1], "rows of different lengths")
  let rows = a.shape[0] + b.shape[0]
  let result = try Buffer<T>(count: checkedProduct([rows, a.shape[1]]))
  // In bounds: a.count + b.count elements.
  unsafe result.base.update(from: a.storage.buffer.base, count: a.count)
  unsafe (result.base + a.count).update(from: b.storage.buffer.base, count: b.count)
  return Tensor(shape: [rows, a.shape[1]], buffer: result)
}

/// y += factor · x, for a real factor.
private func add<T: Scalar>(
  _ factor: Double, _ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>, _ count: Int
) {
  let components = T.dtype == T.Real.dtype ? count : 2 * count  // fits: they exist
  let (x, y) = unsafe (UnsafeRawPointer(x), UnsafeMutableRawPointer(y))
  // BLAS counts in 32 bits. In bounds: pieces of the components.
  for first in stride(from: 0, to: components, by: 1 << 30) {
    let n = Int32(min(components - first, 1 << 30))
    if T.Real.dtype == .float32 {
      unsafe cblas_saxpy(
        n, Float(factor), x.assumingMemoryBound(to: Float.self) + first, 1,
        y.assumingMemoryBound(to: Float.self) + first, 1)
    } else {
      unsafe cblas_daxpy(
        n, factor, x.assumingMemoryBound(to: Double.self) + first, 1,
        y.assumingMemoryBound(to: Double.self) + first, 1)
    }
  }
}
