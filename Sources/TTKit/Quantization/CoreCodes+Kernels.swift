/// The codes, scales and zero points of a core of any number of axes, element by element.

/// Reads integers, or codes of one codebook.
struct CoreCodes: Sendable {
  let bits: Int
  let core: EncodedCore
  private let grid: GroupGrid
  private let codes: Tensor<UInt8>
  private let integers: IntegerStorage?
  private let zeroRows: CodeRows?
  private let codebook: [Float]

  /// - Throws: `.internal` for other storages; `.outOfMemory`.
  init(_ core: EncodedCore) throws(TTKitError) {
    self.core = core
    integers = core.storage as? IntegerStorage
    let means = core.storage as? KMeansStorage
    guard let sharing = integers?.sharing ?? means?.sharing,
      let bits = integers?.bits ?? means?.bits
    else { throw .internal("a core of \(core.storage.call) has no codes") }
    self.bits = bits
    let grid = try GroupGrid(shape: core.shape, sharing)
    self.grid = grid
    if let integers, !integers.isSymmetric {
      zeroRows = try integers.zeroRows(grid)
    } else {
      zeroRows = nil
    }
    var codebook: [Float] = []
    if means != nil {
      codebook = [Float](repeating: 0, count: min(core.parts[1].bytes.count, 1 << bits))
      var span = codebook.mutableSpan
      let count = span.count
      decodeFloats(core.parts[1].bytes, core.parts[1].dtype, 0..<count, into: &span)
    }
    self.codebook = codebook
    let rows = try CodeRows(rows: grid.rows, width: grid.width, bits: bits)
    if integers?.isBytes ?? false {
      codes = core.parts[0].bytes
    } else {
      let all = try Buffer<UInt8>(count: checkedProduct([grid.rows, grid.width]))
      for row in 0..<grid.rows {
        // In bounds: one row.
        unsafe rows.unpack(
          (row * grid.width)..<((row + 1) * grid.width), of: core.parts[0].bytes,
          to: all.base + row * grid.width)
      }
      codes = Tensor(shape: [grid.rows * grid.width], buffer: all)
    }
  }

  /// Unsigned codes of the elements at `start` plus each offset.
  func gather(_ start: Int, _ offsets: [Int], to out: UnsafeMutablePointer<UInt8>) {
    let flip: UInt8 = integers?.isBytes ?? false ? 0x80 : 0
    codes.withSpan { span in
      // In bounds: the caller gives a place for each offset; the span checks its own.
      for (i, offset) in offsets.enumerated() { unsafe out[i] = span[start + offset] ^ flip }
    }
  }

  /// What a code stands for, its scale left out if not `scaled`.
  func value(_ code: Int, scaled: Bool) -> Float {
    guard integers != nil else { return code < codebook.count ? codebook[code] : 0 }
    let level = Float(code - zero(0))
    return scaled ? level * scale(0) : level
  }

  /// Which of the scales an element has.
  func index(_ element: Int) -> Int { grid.index(of: element) }

  func scale(_ element: Int) -> Float { core.scale(index(element)) }

  func zero(_ element: Int) -> Int {
    guard let integers else { return 0 }
    return zeroRows?.code(grid.index(of: element), in: core.parts[2].bytes)
      ?? 1 << (integers.bits - 1)
  }
}
