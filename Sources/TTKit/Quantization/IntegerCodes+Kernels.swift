/// Codes, scales and zero points of an integer storage as packed kernels want them.

/// An encoded matrix of integers, read row by row.
struct IntegerCodes: Sendable {
  let core: EncodedCore
  let storage: IntegerStorage
  let grid: GroupGrid
  private let rows: CodeRows
  private let zeroRows: CodeRows

  var outputs: Int { core.shape[0] }
  var inputs: Int { core.shape[1] }

  /// nil when the core is no matrix of integers.
  init?(_ core: EncodedCore) {
    guard let storage = core.storage as? IntegerStorage, core.shape.count == 2,
      let grid = try? GroupGrid(shape: core.shape, storage.sharing),
      let rows = try? CodeRows(rows: grid.rows, width: grid.width, bits: storage.bits),
      let zeroRows = try? storage.zeroRows(grid)
    else { return nil }
    (self.core, self.storage, self.grid) = (core, storage, grid)
    (self.rows, self.zeroRows) = (rows, zeroRows)
  }

  /// Elements of a row that share a scale: the whole row, where nothing cuts it.
  var run: Int { min(grid.group, max(inputs, 1)) }

  /// Unsigned codes of one row.
  func unpack(row: Int, to out: UnsafeMutablePointer<UInt8>) {
    let first = row * inputs
    guard storage.isBytes else {
      unsafe rows.unpack(first..<(first + inputs), of: core.parts[0].bytes, to: out)
      return
    }
    core.parts[0].bytes.withSpan { span in
      // In bounds: the caller gives one row; signed bytes move up by 128.
      for i in 0..<inputs { unsafe out[i] = span[first + i] ^ 0x80 }
    }
  }

  var hasPlainHalves: Bool { core.hasPlainHalves }

  func zero(row: Int, run: Int) -> Int {
    storage.isSymmetric
      ? 1 << (storage.bits - 1) : zeroRows.code(index(row, run), in: core.parts[2].bytes)
  }

  /// Which of the scales a run of a row has.
  func index(_ row: Int, _ run: Int) -> Int {
    grid.index(of: row * inputs + run * self.run)
  }
}

extension EncodedCore {
  /// True when all scales are float16 that kernels convert: zero, or normal and finite.
  var hasPlainHalves: Bool {
    guard storage is IntegerStorage, parts[1].dtype == .float16 else { return false }
    return parts[1].bytes.withSpan { bytes in
      for i in stride(from: 1, to: bytes.count, by: 2) {
        let exponent = bytes[i] & 0x7c
        if exponent == 0x7c || exponent == 0 && (bytes[i] & 3 != 0 || bytes[i - 1] != 0) {
          return false
        }
      }
      return true
    }
  }
}
