/// Codes and codebooks of a k-means storage as packed kernels want them.

/// An encoded matrix of codes into one codebook, or into one for each run of a row.
struct CodebookCodes: Sendable {
  let core: EncodedCore
  let storage: KMeansStorage
  /// False when one codebook serves all.
  let isByRow: Bool
  /// Elements of a row that share a codebook, and such runs of a row.
  let run: Int
  let runs: Int
  private let rows: CodeRows

  var outputs: Int { core.shape[0] }
  var inputs: Int { core.shape[1] }
  /// Values of a codebook.
  var size: Int { 1 << storage.bits }

  /// nil when the core is no matrix of such codes.
  init?(_ core: EncodedCore) {
    guard let storage = core.storage as? KMeansStorage, core.shape.count == 2,
      let grid = try? GroupGrid(shape: core.shape, storage.sharing),
      let rows = try? CodeRows(rows: grid.rows, width: grid.width, bits: storage.bits)
    else { return nil }
    isByRow = storage.sharing != .tensor
    (run, runs) = isByRow ? (grid.group, grid.groups) : (core.shape[1], 1)
    (self.core, self.storage, self.rows) = (core, storage, rows)
  }

  func unpack(row: Int, to out: UnsafeMutablePointer<UInt8>) {
    let first = row * inputs
    unsafe rows.unpack(first..<(first + inputs), of: core.parts[0].bytes, to: out)
  }

  /// The codebook of a run of a row.
  func values(row: Int, run: Int) -> [Float] {
    let first = isByRow ? (row * runs + run) * size : 0
    var values = [Float](repeating: 0, count: size)
    var span = values.mutableSpan
    decodeFloats(core.parts[1].bytes, core.parts[1].dtype, first..<(first + size), into: &span)
    return values
  }

  /// Largest level: of 8 bits, or of 6 for codebooks of four values, whose products kernels can add up in 16 bits
  /// (an error of .014 standard deviations beside .34 of the codes).
  var top: Int { storage.bits <= 2 ? 63 : 255 }
  var zero: Int { (top + 1) / 2 }

  /// The codebook of a run rounded to levels 0...top about zero, times a scale: an error of at most 1/254 of its
  /// largest magnitude, or 1/62. Of few levels, the largest one used is the one that leaves the least error.
  /// Values whose scale is no normal number become 0; those that are not finite make the scale NaN, and with it
  /// every output.
  func levels(row: Int, run: Int) -> (levels: [UInt8], scale: Float) {
    let values = values(row: row, run: run)
    let most = values.reduce(Float(0)) { max($0, $1.magnitude) }
    let isFinite = values.allSatisfy(\.isFinite)
    guard isFinite, most / Float(zero - 1) >= .leastNormalMagnitude else {
      return ([UInt8](repeating: UInt8(zero), count: size), isFinite ? 0 : .nan)
    }
    var best = (scale: most / Float(zero - 1), error: Float.infinity)
    for last in (storage.bits <= 2 ? zero * 3 / 4 : zero - 1)..<zero {
      let scale = most / Float(last)
      let error = values.reduce(Float(0)) { max($0, ($1 - nearest($1, scale) * scale).magnitude) }
      if error < best.error { best = (scale, error) }
    }
    return (values.map { UInt8(zero + Int(nearest($0, best.scale))) }, best.scale)
  }

  private func nearest(_ value: Float, _ scale: Float) -> Float {
    (value / scale).rounded(.toNearestOrEven)
  }
}
