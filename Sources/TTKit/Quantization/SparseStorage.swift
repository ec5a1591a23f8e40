/// The entries of a sparse matrix by rows: values, their columns, where each row begins.

/// How the core of ``Sparse`` is held; not a storage of its own in specs, where it is that of the values.
struct SparseStorage: Storage {
  static let names: [String] = []
  /// Of the values: a float.
  let dtype: DType
  let amount: SparseAmount

  init(dtype: DType, amount: SparseAmount) {
    self.dtype = dtype
    self.amount = amount
  }

  init(name: String, _ arguments: inout SpecArguments) throws(TTKitError) {
    throw .internal("a sparse storage has no name")
  }

  /// The dtype that the name of a storage of floats is.
  static func dtype(_ call: Spec.Call) -> DType? {
    DType.allCases.first { $0.name == call.name }
  }

  var call: Spec.Call { Spec.Call(dtype.name) }
  var computeDType: DType { dtype == .float64 ? .float64 : .float32 }

  func layout(_ shape: [Int]) throws(TTKitError) -> [StoragePart.Layout] {
    guard shape.count == 2, shape[1] <= Int(Int32.max) else {
      throw .invalidArgument(
        "a sparse core has the shape \(describe(shape)), expected (rows, columns), columns below 2^31"
      )
    }
    let (ends, overflow) = shape[0].addingReportingOverflow(1)
    guard !overflow else { throw .sizeOverflow("a sparse core of \(shape[0]) rows is too large") }
    let count = try amount.count(rows: shape[0], columns: shape[1])
    return [
      StoragePart.Layout(name: "core", dtypes: [dtype], shape: [count]),
      StoragePart.Layout(
        name: "columns", dtypes: [shape[1] <= 1 << 15 ? .int16 : .int32], shape: [count]),
      StoragePart.Layout(
        name: "offsets", dtypes: [count <= Int(Int32.max) ? .int32 : .int64],
        shape: [ends]),
    ]
  }

  /// - Throws: `.invalidArgument` for a core of more entries than are kept; with fewer, zeros are kept too.
  func encode<T: RealScalar>(_ core: Tensor<T>) throws(TTKitError) -> [StoragePart] {
    let layout = try layout(core.shape)
    let count = layout[0].shape[0]
    let found = core.withSpan { span in span.indices.reduce(0) { $0 + (span[$1] == 0 ? 0 : 1) } }
    guard found <= count else {
      throw .invalidArgument(
        "a sparse core has \(found) entries other than 0, \(amount.argument) keeps \(count)")
    }
    let (rows, width) = (core.shape[0], core.shape[1])
    var columns = try IndexWriter(layout[1])
    var offsets = try IndexWriter(layout[2])
    let values = try Tensor<T>(shape: [count]) { out in
      core.withSpan { span in
        var (entry, spare) = (0, count - found)
        offsets.append(0)
        for i in 0..<rows {
          for j in 0..<width {
            let value = span[i * width + j]
            if value == 0 {
              if spare == 0 { continue }
              spare -= 1
            }
            out[entry] = value
            columns.append(j)
            entry += 1
          }
          offsets.append(entry)
        }
      }
    }
    let bytes = try encodeFloats(values, as: dtype)
    return [
      StoragePart(name: "core", dtype: dtype, shape: [count], bytes: bytes),
      columns.finished(), offsets.finished(),
    ]
  }

  /// Offsets rise from 0 to the number of entries; columns rise within a row and are those of the matrix.
  func check(_ parts: [StoragePart], shape: [Int]) throws(TTKitError) {
    let entries = SparseEntries(parts, rows: shape[0])
    let (count, width) = (parts[0].shape[0], shape[1])
    guard entries.offset(0) == 0, entries.offset(shape[0]) == count else {
      throw .format(
        "offsets go from \(entries.offset(0)) to \(entries.offset(shape[0])), "
          + "expected 0 to \(count)")
    }
    var start = 0
    for i in 0..<shape[0] {
      let end = entries.offset(i + 1)
      guard end >= start, end <= count else {
        throw .format("offsets of row \(i) are \(start) and \(end), expected to rise to \(count)")
      }
      var last = -1
      for e in start..<end {
        let column = entries.column(e)
        guard column > last, column < width else {
          throw .format(
            "entry \(e) is in column \(column), expected above \(last) and below \(width)")
        }
        last = column
      }
      start = end
    }
  }

  func decode<T: RealScalar>(
    _ parts: [StoragePart], shape: [Int], range: Range<Int>, into out: inout MutableSpan<T>
  ) {
    for i in 0..<range.count { out[i] = 0 }
    guard let width = shape.last, width > 0, !range.isEmpty else { return }
    let entries = SparseEntries(parts, rows: shape[0])
    for row in (range.lowerBound / width)...((range.upperBound - 1) / width) {
      entries.forEach(of: row, T.self) { (column, value) in
        let place = row * width + column
        if range.contains(place) { out[place - range.lowerBound] = value }
      }
    }
  }

  /// A gradient (rows, columns) with zeros in all places that are not kept.
  func mask<T: RealScalar>(
    _ gradient: StridedView, _ core: EncodedCore, _ type: T.Type
  ) throws(TTKitError) {
    let all = try gradient.copied(as: T.self)
    let entries = SparseEntries(core.parts, rows: core.shape[0])
    let width = core.shape[1]
    let kept = try Tensor<T>(shape: core.shape, zeroed: true) { out in
      all.withSpan { span in
        for row in 0..<core.shape[0] {
          for e in entries.row(row) {
            let place = row * width + entries.column(e)
            out[place] = span[place]
          }
        }
      }
    }
    gradient.write(kept)
  }
}
