/// Pieces of one product: entries of a stack, or blocks of rows times some panels.

/// A product with the choices made that depend on strides.
@safe
struct Piece<T: RealScalar>: @unchecked Sendable {
  let product: PanelProduct<T>
  /// Step of rows of the result when tiles are written in place.
  let yStep: Int?
  /// Steps of the left operand when it is read in place.
  let inPlace: (row: Int, inner: Int)?

  var shape: StepShape { product.shape }

  /// Entries of one lane, one after the other.
  func runLane(_ lane: Int) {
    let (count, lanes) = (shape.batch, shape.lanes)
    let (left, right, tile) = unsafe scratch(lane)
    for entry in (lane * count / lanes)..<((lane + 1) * count / lanes) {
      let panels = unsafe packedPanels(entry, right)
      if unsafe product.packed == nil, product.coded == nil {
        for p in 0..<shape.panels { unsafe packPanel(entry, p, right) }
      }
      for block in 0..<shape.cut.blocks {
        if inPlace == nil { unsafe packRows(entry, block, left) }
        if let coded = product.coded {
          unsafe multiply(coded, entry, block, 0..<shape.panels, left, right, tile)
        } else {
          unsafe multiply(entry, block, 0..<shape.panels, left, panels, tile)
        }
      }
    }
  }

  /// One product, its pieces spread over threads.
  func runSingle(_ executor: Executor) {
    // Tasks write disjoint pieces of scratch, then of the result.
    nonisolated(unsafe) let (left, right, tiles) = unsafe scratch(0)
    nonisolated(unsafe) let panels = unsafe packedPanels(0, right)
    let (cut, groups, group) = (shape.cut, shape.groups, shape.group)
    let (panelCount, size) = (shape.panels, shape.line(shape.height * shape.width))
    if unsafe product.packed == nil, product.coded == nil {
      executor.run(panelCount) { p in unsafe self.packPanel(0, p, right) }
    }
    if inPlace == nil {
      executor.run(cut.blocks) { block in unsafe self.packRows(0, block, left) }
    }
    executor.run(cut.blocks * groups) { piece in
      let (block, g) = piece.quotientAndRemainder(dividingBy: groups)
      // A tile for each piece: see StepShape.scratchCount.
      let (range, tile) = unsafe (
        (g * group)..<min((g + 1) * group, panelCount), tiles + piece * size
      )
      if let coded = self.product.coded {
        // Of the right operand's scratch each piece has what its panels would take: no less than its folded
        // rows, of which CodedLayout takes no more than a panel has columns.
        unsafe self.multiply(
          coded, 0, block, range, left, right + g * group * self.shape.width * self.shape.inner,
          tile)
      } else {
        unsafe self.multiply(0, block, range, left, panels, tile)
      }
    }
  }

  /// Packed left, packed right, tile of a lane; in bounds as counted by StepShape.
  private func scratch(
    _ lane: Int
  ) -> (UnsafeMutablePointer<T>, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>) {
    let (a, b) = (shape.line(shape.leftCount), shape.line(shape.rightCount))
    let base = unsafe product.scratch + lane * (a + b + shape.line(shape.height * shape.width))
    return unsafe (base, base + a, base + a + b)
  }

  private func packedPanels(
    _ entry: Int, _ scratch: UnsafeMutablePointer<T>
  ) -> UnsafePointer<T> {
    guard let packed = unsafe product.packed else { return unsafe UnsafePointer(scratch) }
    return unsafe packed + entry * shape.rightCount
  }

  func packPanel(_ entry: Int, _ p: Int, _ target: UnsafeMutablePointer<T>) {
    let (tables, first) = (product.rightTables, p * shape.width)
    // In bounds: columns first ..< first + count exist; panel p of the scratch.
    unsafe gather(
      target + first * shape.inner, shape.width, product.right + tables.batch[entry], shape.inner,
      tables.inner, min(shape.width, shape.columns - first), tables.outer + first)
  }

  private func packRows(_ entry: Int, _ block: Int, _ target: UnsafeMutablePointer<T>) {
    let tables = product.leftTables
    for tile in shape.cut.tiles(block) {
      let rows = shape.cut.rows(tile)
      // In bounds: these rows of the operand; tiles lie one after the other.
      unsafe gather(
        target + rows.lowerBound * shape.inner, rows.count, product.left + tables.batch[entry],
        shape.inner, tables.inner, rows.count, tables.outer + rows.lowerBound)
    }
  }

  /// One block of rows times some panels.
  private func multiply(
    _ entry: Int, _ block: Int, _ range: Range<Int>, _ packedLeft: UnsafeMutablePointer<T>,
    _ panels: UnsafePointer<T>, _ tile: UnsafeMutablePointer<T>
  ) {
    let (inner, width, kernel) = (shape.inner, shape.width, product.kernel)
    let depth = yStep == nil ? inner : kernel.depth
    let source = unsafe product.left + product.leftTables.batch[entry]
    for start in stride(from: 0, to: inner, by: max(depth, 1)) {
      let deep = min(depth, inner - start)
      for p in range {
        let columns = min(width, shape.columns - p * width)
        let line = unsafe yStep == nil && isRun(product.targetTables.inner + p * width, columns)
        let panel = unsafe panels + (p * inner + start) * width
        for index in shape.cut.tiles(block) {
          let rows = shape.cut.rows(index)
          // In bounds: a tile of the left operand, panel p, rows and columns of the result that exist.
          let (x, rowStep, innerStep) =
            if let inPlace {
              unsafe (
                source + product.leftTables.outer[rows.lowerBound]
                  + product.leftTables.inner[start],
                inPlace.row, inPlace.inner
              )
            } else {
              unsafe (
                UnsafePointer(packedLeft) + rows.lowerBound * inner + start * rows.count, 1,
                rows.count
              )
            }
          if let yStep {
            let tables = product.targetTables
            unsafe kernel.run(
              rows.count, deep, x, rowStep, innerStep, panel,
              product.target + tables.batch[entry] + tables.outer[rows.lowerBound]
                + tables.inner[p * width], yStep, columns, nil, product.accumulate || start > 0)
          } else if line, let step = unsafe Self.step(product.targetTables.outer, rows) {
            let tables = product.targetTables
            unsafe kernel.run(
              rows.count, deep, x, rowStep, innerStep, panel,
              product.target + tables.batch[entry] + tables.outer[rows.lowerBound]
                + tables.inner[p * width], step, columns, nil, product.accumulate)
          } else {
            unsafe kernel.run(
              rows.count, deep, x, rowStep, innerStep, panel, tile, width, columns, nil, false)
            unsafe scatter(entry, rows, p * width, columns, line, tile)
          }
        }
      }
    }
  }

  /// True when offsets follow one another.
  func isRun(_ offsets: UnsafeMutablePointer<Int>, _ count: Int) -> Bool {
    // In bounds: count offsets were filled.
    for i in 1..<max(count, 1) where unsafe offsets[i] != offsets[0] + i { return false }
    return true
  }

  /// The step between the offsets of these rows, nil when they are not evenly spaced.
  static func step(_ offsets: UnsafeMutablePointer<Int>, _ rows: Range<Int>) -> Int? {
    unsafe PanelProduct<T>.step(offsets + rows.lowerBound, rows.count)
  }

  /// A finished tile to where its elements belong.
  /// - Parameter isLine: the columns follow one another.
  func scatter(
    _ entry: Int, _ rows: Range<Int>, _ first: Int, _ columns: Int, _ isLine: Bool,
    _ tile: UnsafePointer<T>
  ) {
    let tables = product.targetTables
    let base = unsafe product.target + tables.batch[entry]
    let width = shape.width
    for (r, row) in rows.enumerated() {
      // In bounds: rows and columns of the result that exist.
      let line = unsafe base + tables.outer[row]
      if isLine {
        let target = unsafe line + tables.inner[first]
        for j in 0..<columns {
          let value = unsafe tile[r * width + j]
          if product.accumulate { unsafe target[j] += value } else { unsafe target[j] = value }
        }
        continue
      }
      for j in 0..<columns {
        let value = unsafe tile[r * width + j]
        let at = unsafe tables.inner[first + j]
        if product.accumulate { unsafe line[at] += value } else { unsafe line[at] = value }
      }
    }
  }
}
