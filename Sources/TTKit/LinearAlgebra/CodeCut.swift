/// How codes of one output are cut into words and groups for the packed kernels.
struct CodeCut {
  /// Bits of a code as packed: 2, 3, 4 or 8.
  let bits: Int
  /// Inputs of all groups, padded to whole units.
  let padded: Int
  /// Inputs of a group.
  let group: Int

  /// - Parameters:
  ///   - wanted: bits of a code.
  ///   - run: inputs that share a scale; from `inputs` on one group is all of them.
  ///   - hasOwnBooks: true for codebooks of rows or groups, whose units are those of 3 bits.
  /// - Returns: nil when a group is no whole number of units.
  init?(bits wanted: Int, run: Int, inputs: Int, hasOwnBooks: Bool = false) {
    let isWhole = run >= inputs
    bits = wanted == 3 && !isWhole && run % 32 != 0 ? 4 : wanted <= 4 ? max(wanted, 2) : 8
    let unit = bits == 3 || hasOwnBooks ? 32 : 16
    padded = (inputs + unit - 1) / unit * unit
    group = isWhole ? padded : run
    guard group % unit == 0 else { return nil }
  }
}
