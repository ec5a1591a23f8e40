/// What a layer multiplies by: a weight prepared in one of several forms.

/// A weight W (outputs, inputs) ready for y = x Wᵀ; any number of threads may use it at once.
protocol Multiplier<T>: Sendable {
  associatedtype T: RealScalar

  var outputs: Int { get }
  var inputs: Int { get }
  var byteCount: Int { get }

  /// Elements of scratch space that `multiply` needs for each row.
  var scratchOfRow: Int { get }

  /// y (rows, outputs) = x (rows, inputs) Wᵀ + bias, or added to y.
  ///
  /// - Parameters:
  ///   - x, y: compact; y does not overlap x or `scratch`.
  ///   - bias: outputs elements, or nil.
  ///   - scratch: rows · `scratchOfRow` elements.
  func multiply(
    _ x: UnsafePointer<T>, rows: Int, into y: UnsafeMutablePointer<T>, bias: UnsafePointer<T>?,
    accumulate: Bool, scratch: UnsafeMutablePointer<T>, executor: Executor)
}
