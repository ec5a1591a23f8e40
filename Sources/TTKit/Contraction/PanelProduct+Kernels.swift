/// One step at work: stacks of products whose operands lie anywhere, by tables of offsets.
///
/// Axes in any order cost no copy of their own: packing reads through the tables, and a result that is
/// not in the order of rows and columns is scattered from finished tiles.
internal import CTTKKernels

/// Offsets of one operand's elements: batch + rows or columns + inner.
@safe
struct OffsetTables {
  var batch: UnsafeMutablePointer<Int>
  var outer: UnsafeMutablePointer<Int>
  var inner: UnsafeMutablePointer<Int>
}

/// c[b, i, j] (+)= Σ_k a[b, i, k] · b[b, k, j], all addresses through tables.
@safe
struct PanelProduct<T: RealScalar>: @unchecked Sendable {
  let shape: StepShape
  let kernel: TileKernel<T>
  let left: UnsafePointer<T>
  let right: UnsafePointer<T>
  let target: UnsafeMutablePointer<T>
  let leftTables: OffsetTables
  let rightTables: OffsetTables
  /// `outer` are rows, `inner` columns.
  let targetTables: OffsetTables
  /// Panels of all entries packed beforehand, or nil.
  let packed: UnsafePointer<T>?
  /// The right operand as codes that stay packed, or nil.
  let coded: CodedPanels?
  let scratch: UnsafeMutablePointer<T>
  let accumulate: Bool

  /// The step between offsets, nil when they are not evenly spaced.
  static func step(_ offsets: UnsafeMutablePointer<Int>, _ count: Int) -> Int? {
    guard count > 1 else { return 1 }
    // In bounds: count offsets were filled.
    let step = unsafe offsets[1] - offsets[0]
    for i in 2..<max(count, 2) where unsafe offsets[i] - offsets[i - 1] != step { return nil }
    return step
  }

  /// Packs the right operands of all entries for good: batch · rightCount elements.
  func packRight(to target: UnsafeMutablePointer<T>) {
    let work = Piece(product: self, yStep: nil, inPlace: nil)
    for entry in 0..<shape.batch {
      // In bounds: the entries lie one after the other.
      for p in 0..<shape.panels {
        unsafe work.packPanel(entry, p, target + entry * shape.rightCount)
      }
    }
  }

  func run(_ executor: Executor) {
    let rowStep = unsafe Self.step(targetTables.outer, shape.rows)
    let columnStep = unsafe Self.step(targetTables.inner, shape.columns)
    let isDirect = rowStep != nil && columnStep == 1
    let kStep = unsafe Self.step(leftTables.inner, shape.inner)
    let leftStep = unsafe Self.step(leftTables.outer, shape.rows)
    // A left operand that is read by few panels is not worth packing.
    let inPlace =
      coded != nil
      ? shape.rows == 1 && kStep == 1
      : kStep != nil && leftStep != nil && (shape.rows == 1 || shape.panels < 4)
    let work = Piece(
      product: self, yStep: isDirect ? rowStep : nil,
      inPlace: inPlace ? (leftStep ?? 1, kStep!) : nil)  // not nil where inPlace
    let flops =
      2.0 * Double(shape.batch) * Double(shape.rows) * Double(shape.columns) * Double(shape.inner)
    // Under about 100 us: not worth a second thread.
    let executor = flops < 2e7 ? .serial : executor
    if shape.batch > 1 {
      executor.run(shape.lanes) { lane in work.runLane(lane) }
    } else {
      work.runSingle(executor)
    }
  }
}

/// ttkk_gather for this type.
func gather<T: RealScalar>(
  _ target: UnsafeMutablePointer<T>, _ width: Int, _ source: UnsafePointer<T>, _ k: Int,
  _ kOffsets: UnsafePointer<Int>, _ count: Int, _ offsets: UnsafePointer<Int>
) {
  let (to, from) = unsafe (UnsafeMutableRawPointer(target), UnsafeRawPointer(source))
  // Rebinding is right: T is the type its dtype names.
  if T.dtype == .float32 {
    unsafe ttkk_gather_f32(
      to.assumingMemoryBound(to: Float.self), width, from.assumingMemoryBound(to: Float.self), k,
      kOffsets, count, offsets)
  } else {
    unsafe ttkk_gather_f64(
      to.assumingMemoryBound(to: Double.self), width, from.assumingMemoryBound(to: Double.self), k,
      kOffsets, count, offsets)
  }
}
