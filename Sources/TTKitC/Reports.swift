/// Reports: structs of the caller that the library fills, of any age.
internal import CTTKit
internal import TTKit

/// Writes a report into the caller's struct: what its size holds, zeros behind what we know.
///
/// - Throws: `.invalidArgument` for NULL and for a struct_size below 8 or no multiple of 8.
func fill<T: BitwiseCopyable>(
  _ pointer: UnsafeMutablePointer<T>?, _ name: String, with report: T
) throws(TTKitError) {
  let pointer = try require(pointer, name)
  let own = MemoryLayout<T>.size
  let given = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
  guard given >= 8, given % 8 == 0, given <= 1 << 16 else {
    throw .invalidArgument(
      "\(name)->struct_size is \(given), expected sizeof(\(name)), \(own) here; set it first")
  }
  let target = UnsafeMutableRawBufferPointer(start: pointer, count: given)
  withUnsafeBytes(of: report) { bytes in
    // struct_size itself, the first 8 bytes, stays the caller's.
    for i in 8..<given { target[i] = i < own ? bytes[i] : 0 }
  }
}

/// A weight's report for C; strings and shape live in `arena`.
func cReport(_ report: WeightReport, _ arena: Arena) -> ttk_weight_report {
  var result = ttk_weight_report()
  result.struct_size = MemoryLayout<ttk_weight_report>.size
  result.name = arena.string(report.name)
  result.spec = report.spec.map { arena.string($0) }
  result.shape = arena.lengths(report.shape)
  result.nbytes_before = Int64(report.byteCountBefore)
  result.nbytes = Int64(report.byteCount)
  result.error = report.error
  result.seconds = report.seconds
  result.ndim = Int32(clamping: report.shape.count)
  switch report.kind {
  case nil: result.kind = ttk_weight_kind(TTK_WEIGHT_TENSOR)
  case .linear: result.kind = ttk_weight_kind(TTK_WEIGHT_LINEAR)
  case .embedding: result.kind = ttk_weight_kind(TTK_WEIGHT_EMBEDDING)
  }
  return result
}
