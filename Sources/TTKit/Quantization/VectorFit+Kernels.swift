/// Codebooks, scales and codes of vectors.
internal import CTTKKernels

/// The encoding of one core, improved by turns: codebook, codes, scales.
struct VectorFit {
  let core: Tensor<Float>
  let grid: VectorGrid
  private(set) var scales: [Float]
  let codes: Tensor<UInt8>
  private let books: Tensor<Float>
  /// Rounds of codebook, codes and scales. A third gains less than a thousandth.
  private static let rounds = 2

  init(_ core: Tensor<Float>, _ grid: VectorGrid) throws(TTKitError) {
    self.core = core
    self.grid = grid
    codes = try Tensor(shape: [try checkedProduct([grid.rows, grid.plane])], zeroed: true) { _ in }
    books = try Tensor(shape: grid.bookShape, zeroed: true) { _ in }
    let kernels = unsafe ttkk_active().pointee
    scales = []
    for r in 0..<grid.rows {
      // In bounds: one row. Divided by its largest value first: squares neither overflow nor vanish.
      let row = unsafe core.storage.buffer.base + r * grid.width
      let most = Double(unsafe kernels.max_abs_f32(grid.width, row))
      var sum = 0.0
      if most > 0 {
        for j in 0..<grid.width {
          let part = Double(unsafe row[j]) / most
          sum += part * part
        }
      }
      let scale = Float((sum / Double(max(grid.width, 1))).squareRoot() * most)
      scales.append(most > 0 ? max(scale, .leastNonzeroMagnitude) : 0)
    }
  }

  mutating func run() throws(TTKitError) {
    let row = try Buffer<Float>(count: grid.plane * grid.dimensions)  // at most 3 more than a row
    for round in 0...Self.rounds {
      if round < Self.rounds { try fitBooks() }
      if round == Self.rounds { try settle() }
      for r in 0..<grid.rows {
        unsafe load(r, into: row.base)
        // In bounds: plane codes of row r; a whole codebook.
        unsafe ttkk_active().pointee.nearest(
          grid.plane, Int32(grid.dimensions), row.base, grid.plane, Int32(grid.size), book(r),
          codes.storage.buffer.base + r * grid.plane)
        if round < Self.rounds { refit(r) }
      }
    }
  }

  func parts() throws(TTKitError) -> [StoragePart] {
    let exact = try Tensor(shape: [grid.rows, 1], elements: scales)
    let dtype = scaleDType
    return [
      StoragePart(
        name: "codes", dtype: .uint8, shape: grid.codes.shape,
        bytes: try packRows(codes, grid.codes)),
      StoragePart(
        name: "scales", dtype: dtype, shape: exact.shape,
        bytes: try encodeFloats(exact, as: dtype)),
      StoragePart(
        name: "codebook", dtype: .float16, shape: grid.bookShape,
        bytes: try encodeFloats(books, as: .float16)),
    ]
  }

  /// True when all scales are 0 or normal float16.
  var hasHalfScales: Bool { scales.allSatisfy { $0 == 0 || Self.isHalf($0) } }
  private var scaleDType: DType { hasHalfScales ? .float16 : .float32 }

  private static func isHalf(_ scale: Float) -> Bool {
    scale.magnitude >= 0x1p-14 && scale.magnitude <= 65504
  }

  /// Multiplies the scale of row r, where the result is a float16; returns what storing made of the factor.
  mutating func rescale(_ r: Int, by factor: Float) -> Float {
    let old = scales[r]
    let new = roundedToHalf(old * factor)
    guard old != 0, new > 0, Self.isHalf(new) else { return 1 }
    scales[r] = new
    return new / old
  }

  /// Codebooks and scales become what will be stored, so that the last codes suit them.
  private mutating func settle() throws(TTKitError) {
    func stored(_ values: Tensor<Float>, _ dtype: DType) throws(TTKitError) -> Tensor<Float> {
      let bytes = try encodeFloats(values, as: dtype)
      return try Tensor<Float>(shape: values.shape) { out in
        decodeFloats(bytes, dtype, 0..<out.count, into: &out)
      }
    }
    let held = try stored(books, .float16)
    unsafe books.storage.buffer.base.update(from: held.storage.buffer.base, count: books.count)
    let exact = try Tensor(shape: [grid.rows, 1], elements: scales)
    scales = try stored(exact, scaleDType).elements
  }

  func book(_ row: Int) -> UnsafeMutablePointer<Float> {
    unsafe books.storage.buffer.base + (grid.ownsBooks ? row * grid.bookLength : 0)
  }

  /// Row r over its scale, in planes; coordinates that do not exist are the mean of the row, so that they
  /// pull no code away from a row whose elements are alike.
  private func load(_ r: Int, into out: UnsafeMutablePointer<Float>) {
    let row = unsafe core.storage.buffer.base + r * grid.width
    let scale = scales[r] == 0 ? 1 : scales[r]
    // In bounds: width elements of the row, plane · dimensions of out.
    var sum = 0.0
    for j in 0..<grid.width {
      unsafe out[j] = unsafe row[j] / scale
      sum += Double(unsafe out[j])
    }
    let mean = Float(sum / Double(max(grid.width, 1)))
    for j in grid.width..<(grid.plane * grid.dimensions) { unsafe out[j] = mean }
  }

  /// The least-squares scale of row r for its codes.
  private mutating func refit(_ r: Int) {
    guard scales[r] != 0 else { return }
    let (d, plane) = (grid.dimensions, grid.plane)
    let row = unsafe core.storage.buffer.base + r * grid.width
    let codes = unsafe codes.storage.buffer.base + r * plane
    let book = unsafe book(r)
    var (xq, qq) = (0.0, 0.0)
    // In bounds: elements of row r, codes below the codebook's size. Over the scale: no overflow.
    for p in 0..<d {
      let columns = grid.columns(p)
      for j in columns {
        let q = Double(unsafe book[Int(unsafe codes[j - columns.lowerBound]) * d + p])
        xq += Double(unsafe row[j] / scales[r]) * q
        qq += q * q
      }
    }
    guard qq > 0, xq > 0 else { return }
    let better = Float(xq / qq * Double(scales[r]))
    if better.isFinite, better > 0 { scales[r] = better }
  }

  /// k-means over a sample of vectors, of every row or of all.
  private func fitBooks() throws(TTKitError) {
    let row = try Buffer<Float>(count: grid.plane * grid.dimensions)
    if grid.ownsBooks {
      for r in 0..<grid.rows {
        unsafe load(r, into: row.base)
        unsafe try clusterVectors(row.base, grid.plane, grid, into: book(r))
      }
      return
    }
    let (d, plane) = (grid.dimensions, grid.plane)
    let most = grid.size > 64 ? 1 << 15 : 1 << 16
    let (total, overflow) = grid.rows.multipliedReportingOverflow(by: plane)
    guard !overflow else { throw .sizeOverflow("a core exceeds the address space") }
    // Every step-th vector, a different one of each row.
    let step = max((total + most - 1) / most, 1)
    let count = (total + step - 1) / step
    let sample = try Buffer<Float>(count: checkedProduct([count, d]))
    var next = 0
    var taken = 0
    for r in 0..<grid.rows where next < (r + 1) * plane {
      unsafe load(r, into: row.base)
      while next < (r + 1) * plane {
        let from = unsafe row.base + (next - r * plane)
        for p in 0..<d { unsafe sample.base[p * count + taken] = unsafe from[p * plane] }
        next += step
        taken += 1
      }
    }
    unsafe try clusterVectors(sample.base, count, grid, into: book(0))
  }
}
