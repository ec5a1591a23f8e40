/// C memory that lives as long as the handle owning it: shapes of borrowed views, strings.
internal import Synchronization

final class Arena: Sendable {
  private struct Blocks: @unchecked Sendable {
    var lengths: [[Int]: UnsafeMutablePointer<Int64>] = [:]
    var strings: [String: UnsafeMutablePointer<CChar>] = [:]
  }
  private let blocks = Mutex(Blocks())

  /// `values` as C memory; equal values share one block, so views may be asked for any number of times.
  func lengths(_ values: [Int]) -> UnsafePointer<Int64> {
    blocks.withLock { blocks in
      if let found = blocks.lengths[values] { return UnsafePointer(found) }
      // In bounds: allocated for values.count elements, at least one.
      let block = UnsafeMutablePointer<Int64>.allocate(capacity: max(values.count, 1))
      for (i, value) in values.enumerated() { block[i] = Int64(value) }
      blocks.lengths[values] = block
      return UnsafePointer(block)
    }
  }

  /// `text` as a C string.
  func string(_ text: String) -> UnsafePointer<CChar> {
    blocks.withLock { blocks in
      if let found = blocks.strings[text] { return UnsafePointer(found) }
      let bytes = text.utf8CString
      let block = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      for (i, byte) in bytes.enumerated() { block[i] = byte }
      blocks.strings[text] = block
      return UnsafePointer(block)
    }
  }

  deinit {
    blocks.withLock { blocks in
      for block in blocks.lengths.values { block.deallocate() }
      for block in blocks.strings.values { block.deallocate() }
    }
  }
}

/// "" as a C string.
var emptyString: UnsafePointer<CChar> {
  let empty: StaticString = ""
  // Static storage: valid for ever.
  return UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
}
