/// Rows of a table with terms of few entries: the rest of a row, then its entries.

struct SparseLookup<T: RealScalar>: RowLookup {
  /// Of all other terms; nil: there are none.
  let base: (any RowLookup)?
  let sparse: [EncodedCore]
  let features: Int

  var byteCount: Int { base?.byteCount ?? 0 }
  var scratchSize: Int { base?.scratchSize ?? 0 }
  var parts: RowParts? { base?.parts }

  func write(row index: Int, to out: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    if let base {
      unsafe base.write(row: index, to: out, scratch: scratch)
    } else {
      unsafe out.assumingMemoryBound(to: T.self).update(repeating: 0, count: features)
    }
    unsafe add(index, out)
  }

  func write(_ job: RowJob, _ range: Range<Int>, scratch: UnsafeMutableRawPointer) {
    unsafe base?.write(job, range, scratch: scratch)
    for n in range {
      let i = job.position(n)
      // In bounds: positions are below the number of ids and of rows of the target.
      let row = unsafe job.target + i * job.rowBytes
      if base == nil {
        unsafe row.assumingMemoryBound(to: T.self).update(repeating: 0, count: features)
      }
      unsafe add(job.type.load(job.ids, i), row)
    }
  }

  /// Adds the entries of row `index`.
  private func add(_ index: Int, _ out: UnsafeMutableRawPointer) {
    let row = unsafe out.assumingMemoryBound(to: T.self)
    for core in sparse {
      // In bounds: columns of a core are checked to be those of the table.
      SparseEntries(core.parts, rows: core.shape[0]).forEach(of: index, T.self) {
        unsafe row[$0] += $1
      }
    }
  }
}
