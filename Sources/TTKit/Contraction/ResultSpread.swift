/// Gradients of operands that are not read once by each of their axes: sums over all that reads an element.

/// An element that is read twice gets a sum: rows that an index vector repeats, windows that overlap, sums of
/// the operand alone, which say the same for all values of an axis. Off a diagonal that is read it is 0.
struct ResultSpread: Sendable {
  /// By axis of the operand's array.
  let readings: [AxisReading]
  let shape: [Int]
  /// By axis number of the equation.
  let lengths: [Int]

  init(readings: [AxisReading], shape: [Int], lengths: [Int]) {
    (self.readings, self.shape, self.lengths) = (readings, shape, lengths)
  }

  /// nil when a result with the axes `made` is the gradient already.
  init?(_ equation: ContractionEquation, _ k: Int, made: [Int], shape: [Int], lengths: [Int]) {
    readings = equation.readings(of: k)
    guard readings != made.map({ .plain($0) }) else { return nil }
    self.shape = shape
    self.lengths = lengths
  }

  /// Axes by which the operand is read, each once.
  var axes: [Int] {
    readings.flatMap(\.axes).reduce(into: []) { list, axis in
      if !list.contains(axis) { list.append(axis) }
    }
  }

  /// Elements that lie along it are added in one go.
  var longest: Int? { axes.max { lengths[$0] < lengths[$1] } }

  /// Bytes of memory of one execute: offsets along the longest axis, and alignment.
  /// - Throws: `.sizeOverflow`.
  func memorySize() throws(TTKitError) -> Int {
    let count = longest.map { max(lengths[$0], 1) } ?? 1
    return try checkedProduct([count, MemoryLayout<Int>.size, 64]) / 64 + 64
  }

  /// Axes of the contraction that makes it: those that any other operand or the result has.
  static func made(_ axes: [Int], present: Set<Int>) -> [Int] {
    axes.enumerated()
      .filter { present.contains($0.element) && !axes[..<$0.offset].contains($0.element) }
      .map(\.element)
  }
}
