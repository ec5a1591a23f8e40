/// Which codes stay packed for products, and the sizes of their packed form.

/// An encoded matrix that kernels can multiply by as it is.
enum PackableCodes: Sendable {
  case integers(IntegerCodes)
  case codebook(CodebookCodes)

  init?(_ core: EncodedCore) {
    if let codes = IntegerCodes(core) {
      self = .integers(codes)
    } else if let codes = CodebookCodes(core) {
      self = .codebook(codes)
    } else {
      return nil
    }
  }

  var shape: (outputs: Int, inputs: Int) {
    switch self {
    case .integers(let codes): return (codes.outputs, codes.inputs)
    case .codebook(let codes): return (codes.outputs, codes.inputs)
    }
  }

  /// Codes of one row.
  func unpack(row: Int, to out: UnsafeMutablePointer<UInt8>) {
    switch self {
    case .integers(let codes): unsafe codes.unpack(row: row, to: out)
    case .codebook(let codes): unsafe codes.unpack(row: row, to: out)
    }
  }
}

extension PackedCodes {
  /// Sizes of the packed form.
  struct Layout: Sendable {
    let panels: Int
    /// Outputs of a panel.
    let width: Int
    /// Bits of a code as packed: 2, 3, 4 or 8; and its largest value.
    let bits: Int
    let top: Int
    /// Inputs of a group and of all groups, padded.
    let group: Int
    let padded: Int
    let groups: Int
    let hasZeros: Bool
    /// Zero point, where it is one for all.
    let zero: Int
    /// True when scales stay float16.
    let hasHalves: Bool
    let isCodebook: Bool
    let isByRow: Bool
    /// True for codebooks of rows or groups that take tables of 16 values; those of 2 bits and rows, or of groups
    /// of at least a kernel's span of 512, take four.
    let hasOwnBooks: Bool

    /// Sums of activations of a row: of each group, or of parts of long ones.
    var pieces: Int { groups * ((group + 511) / 512) }
    var wordsOfPanel: Int { padded * bits / 32 * width }
    var scalesOfPanel: Int { groups * width }
    /// Bytes of look-up tables, or floats of values: 16 or four for each output and group; or four for each
    /// output.
    var tableOfPanel: Int {
      hasOwnBooks ? 16 * scalesOfPanel : isByRow ? 4 * scalesOfPanel : isCodebook ? 4 * width : 0
    }

    var byteCount: Int {
      let scale = hasHalves ? 2 : 4
      return panels
        * (wordsOfPanel * 4 + scalesOfPanel * (hasZeros ? scale + 1 : scale) + tableOfPanel * 4)
    }

    /// nil when groups do not suit the kernels: they must be multiples of 16, of 32 where they have
    /// codebooks, or whole rows; and for codebooks of more than four bits.
    init?(_ codes: PackableCodes) {
      let inputs: Int
      let run: Int
      let wanted: Int
      let shape = codes.shape
      (width, inputs) = (TileKernel<Float>().width, shape.inputs)
      switch codes {
      case .integers(let codes):
        (run, wanted) = (codes.run, codes.storage.bits)
        (isCodebook, isByRow, hasOwnBooks) = (false, false, false)
        hasZeros = !codes.storage.isSymmetric
        zero = 1 << (codes.storage.bits - 1)
        hasHalves = codes.hasPlainHalves
        top = 1 << codes.storage.bits - 1
      case .codebook(let codes):
        guard codes.storage.bits <= 4 else { return nil }
        hasOwnBooks =
          codes.isByRow && (codes.storage.bits > 2 || (codes.runs > 1 && codes.run < 512))
        (run, wanted) = (codes.run, hasOwnBooks ? 4 : codes.storage.bits)
        (isCodebook, isByRow) = (true, codes.isByRow)
        (hasZeros, zero, hasHalves, top) = (false, codes.zero, false, codes.top)
      }
      guard inputs > 0,
        let cut = CodeCut(bits: wanted, run: run, inputs: inputs, hasOwnBooks: hasOwnBooks)
      else { return nil }
      (bits, padded, group) = (cut.bits, cut.padded, cut.group)
      panels = (shape.outputs + width - 1) / width
      groups = (inputs + group - 1) / group
      // Fits: words, scales, zeros and tables take no more than 64 bytes an element, which exist.
    }
  }
}
