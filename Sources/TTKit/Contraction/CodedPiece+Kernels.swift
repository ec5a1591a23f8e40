/// Pieces of a product whose constant operand stays packed as codes.

extension Piece {
  /// One block of rows times some panels.
  ///
  /// - Parameter folded: room for the rows of the left operand times scales.
  func multiply(
    _ coded: CodedPanels, _ entry: Int, _ block: Int, _ range: Range<Int>,
    _ packedLeft: UnsafeMutablePointer<T>, _ folded: UnsafeMutablePointer<T>,
    _ tile: UnsafeMutablePointer<T>
  ) {
    let (tables, tiles, width) = (product.targetTables, shape.cut.tiles(block), shape.width)
    // Rebinding is right: only plans of float32 have codes. In bounds, here and below: tiles of the left
    // operand, rows and columns of the result that exist.
    var source = unsafe raw(UnsafeMutablePointer(mutating: product.left))
    if inPlace == nil {
      unsafe source = raw(packedLeft)
    } else {
      let left = product.leftTables
      unsafe source += left.batch[entry] + left.outer[0] + left.inner[0]
    }
    var x = unsafe source
    let (target, scratch) = unsafe (raw(product.target) + tables.batch[entry], raw(tile))
    var last = -1
    for p in range {
      if coded.isFolded, coded.span(of: p) != last {
        last = coded.span(of: p)
        unsafe x = raw(folded)
        for index in tiles {
          unsafe coded.fold(entry, last, UnsafePointer(source), shape.cut.rows(index), to: x)
        }
      }
      let columns = min(width, shape.columns - p * width)
      if let yStep {
        unsafe coded.multiply(
          entry, p, shape.rows, shape.cut.count, tiles, x,
          target + tables.outer[0] + tables.inner[p * width], yStep, columns, product.accumulate)
        continue
      }
      let line = unsafe isRun(tables.inner + p * width, columns)
      for index in tiles {
        let rows = shape.cut.rows(index)
        let own = unsafe x + rows.lowerBound * shape.inner
        if line, let step = unsafe Self.step(tables.outer, rows) {
          unsafe coded.multiply(
            entry, p, rows.count, 1, 0..<1, own,
            target + tables.outer[rows.lowerBound] + tables.inner[p * width], step, columns,
            product.accumulate)
        } else {
          unsafe coded.multiply(entry, p, rows.count, 1, 0..<1, own, scratch, width, columns, false)
          unsafe scatter(entry, rows, p * width, columns, line, UnsafePointer(tile))
        }
      }
    }
  }

  private func raw(_ p: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<Float> {
    unsafe UnsafeMutableRawPointer(p).assumingMemoryBound(to: Float.self)
  }
}
