/// What it takes to read operands by windows and index vectors: sizes and places, known in advance.

/// Made once for a plan. Windows without zeros and gathered axes are read in place; an operand whose windows
/// reach beyond its ends is copied between zeros first.
struct ReadPlan: Sendable {
  /// An operand between zeros.
  struct Padding: Sendable {
    /// Zeros before each axis.
    let before: [Int]
    let shape: [Int]
    /// Bytes into the memory.
    let place: Int
  }

  struct Vector: Sendable {
    let name: String
    let length: Int
    /// Positions are below it.
    let limit: Int
    /// Bytes into the memory.
    let place: Int
  }

  let readings: [[AxisReading]]
  /// By operand; nil where nothing is copied.
  let paddings: [Padding?]
  let vectors: [Vector]
  let dtype: DType
  let lengths: [Int]
  /// Bytes of memory of one execute.
  let memorySize: Int

  /// nil for an equation of plain axes.
  ///
  /// - Parameters:
  ///   - shapes: of the operands, then of the index vectors; lengths: by axis number.
  ///   - target: how the result is read, when it is the gradient of an operand.
  /// - Throws: `.sizeOverflow`.
  init?(
    _ equation: ContractionEquation, _ shapes: [[Int]], _ lengths: [Int], _ dtype: DType,
    target: ResultSpread? = nil
  ) throws(TTKitError) {
    guard let readings = equation.readings else { return nil }
    self.readings = readings.operands
    self.dtype = dtype
    self.lengths = lengths
    var size = 0
    func take(_ shape: [Int], _ element: Int) throws(TTKitError) -> Int {
      let place = size
      let bytes = try checkedProduct(shape.map { max($0, 1) } + [element, 64]) / 64
      size = try MemoryRegions.sum(size, (bytes + 63) / 64 * 64)
      return place
    }
    var limits = readings.vectors.map { _ in Int.max }
    var paddings: [Padding?] = []
    var read = Array(zip(readings.operands, shapes))
    if let target { read.append((target.readings, target.shape)) }
    for (k, (places, shape)) in read.enumerated() {
      for (reading, length) in zip(places, shape) {
        if case .gathered(let vector, _) = reading { limits[vector] = min(limits[vector], length) }
      }
      guard k < readings.operands.count else { continue }
      let ends = zip(places, shape).map { Self.zeros($0, $1, lengths) }
      guard ends.contains(where: { $0.before > 0 || $0.after > 0 }) else {
        paddings.append(nil)
        continue
      }
      // Below 2^63: AxisLengths bounds axes and positions.
      let padded = zip(shape, ends).map { $0 + $1.before + $1.after }
      paddings.append(
        Padding(before: ends.map(\.before), shape: padded, place: try take(padded, dtype.size)))
    }
    self.paddings = paddings
    var vectors: [Vector] = []
    for (vector, limit) in zip(readings.vectors, limits) {
      let length = lengths[vector.axis]
      vectors.append(
        Vector(
          name: vector.name, length: length, limit: limit,
          place: try take([length], MemoryLayout<Int>.size)))
    }
    self.vectors = vectors
    memorySize = try MemoryRegions.sum(size, 64)
  }

  /// How far windows reach beyond the ends of an axis.
  private static func zeros(
    _ reading: AxisReading, _ length: Int, _ lengths: [Int]
  ) -> (before: Int, after: Int) {
    guard case .window(let terms, let offset) = reading else { return (0, 0) }
    // Fits: AxisLengths checked it.
    let last = terms.reduce(offset) { $0 + $1.factor * (lengths[$1.axis] - 1) }
    return (max(0, -offset), max(0, last - (length - 1)))
  }
}
