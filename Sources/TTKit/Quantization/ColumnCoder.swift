/// What error compensation needs of a storage: rounding some columns, with the rest left open.

/// A storage whose codes for one column do not depend on other columns' codes.
///
/// A new storage takes part in error compensation by making a coder: fixed parameters (scales, codebooks,
/// a rotation's are in the network) first, then codes for any columns in any order.
protocol ColumnStorage: Storage {
  /// True when parameters depend on the importance of columns.
  var weighsColumns: Bool { get }

  /// A coder for a matrix (rows, columns).
  ///
  /// - Parameter importance: how much an error in each column counts, positive; parameters minimise the
  ///   squared error with these weights.
  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder
}

extension ColumnStorage {
  var weighsColumns: Bool { false }
}

/// Codes of a matrix that come column by column.
protocol ColumnCoder: AnyObject {
  /// Columns in the order in which this counts them, so that those coded together are neighbours; nil: as
  /// they stand in the matrix.
  var arrangement: [Int]? { get }

  /// Most columns that are coded together; 1 for scalar storages.
  var width: Int { get }

  /// Columns coded together from column `first` on, of `columns` in all.
  func width(at first: Int, of columns: Int) -> Int

  /// True when rows share a scale or a codebook.
  var sharesGrid: Bool { get }

  /// Codes the group of columns that begins with `first`; it may be coded again.
  ///
  /// - Parameters:
  ///   - values, decoded: (width, rows), one column after the other.
  ///   - metric: F (width, width): an error e of a row's group counts ‖e F‖²; nil for ‖e‖².
  func code(
    _ first: Int, _ values: UnsafePointer<Float>, metric: [Float]?,
    into decoded: UnsafeMutablePointer<Float>)

  /// Columns that share scales, in order; empty when scales cannot change any more.
  var scaleGroups: [Range<Int>] { get }

  /// Multiplies the scales of group `g` by one factor a row; leaves in `factors` what storing made of
  /// them.
  func rescale(_ g: Int, _ factors: inout [Float])

  /// Changes what codes stand for to the best for the codes as they are; false where that is nothing.
  ///
  /// - Parameters:
  ///   - metric: H, (columns, columns).
  ///   - slope: H (W' − W)ᵀ, (columns, rows).
  ///   - decoded: W'ᵀ, (columns, rows), brought up to date.
  ///   - rowWeights: what each row counts where rows share what is changed.
  func refit(
    _ metric: Tensor<Float>, slope: UnsafePointer<Float>, decoded: UnsafeMutablePointer<Float>,
    rowWeights: [Double]
  ) throws(TTKitError) -> Bool

  /// The parts of the encoded core.
  func parts() throws(TTKitError) -> [StoragePart]
}

extension ColumnCoder {
  var arrangement: [Int]? { nil }
  var sharesGrid: Bool { false }
  func width(at first: Int, of columns: Int) -> Int { min(width, columns - first) }
  var scaleGroups: [Range<Int>] { [] }
  func rescale(_ g: Int, _ factors: inout [Float]) {
    for i in factors.indices { factors[i] = 1 }
  }
  func refit(
    _ metric: Tensor<Float>, slope: UnsafePointer<Float>, decoded: UnsafeMutablePointer<Float>,
    rowWeights: [Double]
  ) throws(TTKitError) -> Bool { false }
}
