/// Indices of a sparse matrix as they are stored: reading and writing.

/// The parts of a core of ``SparseStorage``, read in place.
@safe
struct SparseEntries: Sendable {
  private let parts: [StoragePart]
  private nonisolated(unsafe) let columns: UnsafeRawPointer
  private nonisolated(unsafe) let offsets: UnsafeRawPointer

  /// - Precondition: parts have the layout of a core of so many rows.
  init(_ parts: [StoragePart], rows: Int) {
    precondition(parts.count == 3 && parts[2].shape == [rows + 1], "not the parts of a sparse core")
    self.parts = parts
    // `parts` keeps both alive.
    unsafe columns = UnsafeRawPointer(parts[1].bytes.storage.buffer.base)
    unsafe offsets = UnsafeRawPointer(parts[2].bytes.storage.buffer.base)
  }

  var count: Int { parts[0].shape[0] }

  func column(_ entry: Int) -> Int {
    precondition(entry >= 0 && entry < count, "an entry past the last")
    return unsafe Self.index(columns, entry, parts[1].dtype)
  }

  func offset(_ row: Int) -> Int {
    precondition(row >= 0 && row < parts[2].shape[0], "a row past the last")
    return unsafe Self.index(offsets, row, parts[2].dtype)
  }

  /// Entries of a row; indices have been checked.
  func row(_ row: Int) -> Range<Int> { offset(row)..<offset(row + 1) }

  /// Calls `body` with the columns and values of a row.
  func forEach<T: RealScalar>(of row: Int, _ type: T.Type, _ body: (Int, T) -> Void) {
    let range = self.row(row)
    guard !range.isEmpty else { return }
    // A kilobyte at most: larger ones leave the stack.
    unsafe withUnsafeTemporaryAllocation(of: T.self, capacity: 128) { chunk in
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 128) {
        let part = start..<min(start + 128, range.upperBound)
        // In bounds: a chunk's length at most.
        var values = unsafe MutableSpan(_unsafeStart: chunk.baseAddress!, count: part.count)
        decodeFloats(parts[0].bytes, parts[0].dtype, part, into: &values)
        for e in part { body(column(e), values[e - start]) }
      }
    }
  }

  private static func index(_ base: UnsafeRawPointer, _ i: Int, _ dtype: DType) -> Int {
    // In bounds: callers checked i.
    switch dtype {
    case .int16: return Int(unsafe base.loadUnaligned(fromByteOffset: 2 * i, as: Int16.self))
    case .int32: return Int(unsafe base.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self))
    default: return Int(unsafe base.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self))
    }
  }
}

/// A part of indices, written one after the other.
struct IndexWriter: ~Copyable {
  private let layout: StoragePart.Layout
  private let bytes: Buffer<UInt8>
  private var next = 0

  init(_ layout: StoragePart.Layout) throws(TTKitError) {
    self.layout = layout
    bytes = try Buffer(count: checkedProduct(layout.shape + [layout.dtypes[0].size]))
  }

  mutating func append(_ index: Int) {
    let size = layout.dtypes[0].size
    precondition(next + size <= bytes.count, "more indices than the part has")
    // In bounds: checked above. Little-endian: the low bytes of an Int.
    for k in 0..<size { unsafe bytes.base[next + k] = UInt8(truncatingIfNeeded: index >> (8 * k)) }
    next += size
  }

  consuming func finished() -> StoragePart {
    StoragePart(
      name: layout.name, dtype: layout.dtypes[0], shape: layout.shape,
      bytes: Tensor(shape: [next], buffer: bytes))
  }
}
