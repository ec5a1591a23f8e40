/// What error compensation needs of a storage: rounding some columns, with the rest left open.

/// A storage whose codes for one column do not depend on other columns' codes.
///
/// A new storage takes part in error compensation by making a coder: fixed parameters (scales, codebooks,
/// a rotation's are in the network) first, then codes for any columns in any order.
protocol ColumnStorage: Storage {
  /// False where codes stand for numbers that are no neighbours; such storages are rounded plainly.
  var codesColumns: Bool { get }

  /// A coder for a matrix (rows, columns).
  ///
  /// - Parameter importance: how much an error in each column counts, positive; parameters minimise the
  ///   squared error with these weights.
  func columnCoder(
    _ matrix: Tensor<Float>, importance: Tensor<Float>
  ) throws(TTKitError) -> any ColumnCoder
}

extension ColumnStorage {
  var codesColumns: Bool { true }
}

/// Codes of a matrix that come column by column.
protocol ColumnCoder: AnyObject {
  /// Neighbouring columns that are coded together; 1 for scalar storages.
  var width: Int { get }

  /// Codes columns first ..< first + width; a column may be coded again.
  ///
  /// - Parameters: values and decoded are (width, rows), one column after the other.
  func code(
    _ first: Int, _ values: UnsafePointer<Float>, into decoded: UnsafeMutablePointer<Float>)

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
  func refit(
    _ metric: Tensor<Float>, slope: UnsafePointer<Float>, decoded: UnsafeMutablePointer<Float>
  ) throws(TTKitError) -> Bool

  /// The parts of the encoded core.
  func parts() throws(TTKitError) -> [StoragePart]
}

extension ColumnCoder {
  var scaleGroups: [Range<Int>] { [] }
  func rescale(_ g: Int, _ factors: inout [Float]) {
    for i in factors.indices { factors[i] = 1 }
  }
  func refit(
    _ metric: Tensor<Float>, slope: UnsafePointer<Float>, decoded: UnsafeMutablePointer<Float>
  ) throws(TTKitError) -> Bool { false }
}
