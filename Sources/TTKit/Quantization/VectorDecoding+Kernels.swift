/// Codes of vectors back to numbers.
internal import CTTKKernels

/// Elements `range` of a core, to the start of `out`.
@specialized(where T == Float)
@specialized(where T == Double)
func decodeVectors<T: RealScalar>(
  _ parts: [StoragePart], _ grid: VectorGrid, _ range: Range<Int>, into out: inout MutableSpan<T>
) {
  precondition(range.count <= out.count)
  let (d, size) = (grid.dimensions, grid.size)
  let bookLength = grid.bookLength
  // In bounds throughout: chunks of at most 1024 codes of one row; codes are below `size` <= 256.
  unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 256 * 4 + 256 + 1024) { memory in
    let book = memory.baseAddress!
    let table = unsafe book + 1024
    let values = unsafe table + 256
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { codes in
      var at = range.lowerBound
      var loaded = -1
      while at < range.upperBound {
        let (row, column) = at.quotientAndRemainder(dividingBy: grid.width)
        let p = column / grid.plane
        let end = min(range.upperBound, row * grid.width + grid.columns(p).upperBound)
        let owner = grid.ownsBooks ? row : 0
        if loaded != owner {
          var span = unsafe MutableSpan(_unsafeStart: book, count: bookLength)
          decodeFloats(
            parts[2].bytes, parts[2].dtype, (owner * bookLength)..<((owner + 1) * bookLength),
            into: &span)
          loaded = owner
        }
        let scale = loadScale(parts[1].bytes, parts[1].dtype, row)
        for c in 0..<size { unsafe table[c] = unsafe book[c * d + p] * scale }
        while at < end {
          let n = min(1024, end - at)
          let first = row * grid.plane + (at - row * grid.width - p * grid.plane)
          unsafe grid.codes.unpack(first..<(first + n), of: parts[0].bytes, to: codes.baseAddress!)
          unsafe ttkk_decode_codebook(n, codes.baseAddress!, table, values)
          let offset = at - range.lowerBound
          for i in 0..<n { out[offset + i] = unsafe T(values[i]) }
          at += n
        }
      }
    }
  }
}
