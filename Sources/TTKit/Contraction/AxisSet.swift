/// Sets of axes of one equation, small enough to copy.

struct AxisSet: Sendable, Hashable {
  /// Most axes an equation may have.
  static let capacity = 256
  private var words = SIMD4<UInt64>.zero

  init() {}

  init(_ axes: some Sequence<Int>) {
    for axis in axes { insert(axis) }
  }

  /// - Precondition: 0 <= axis < capacity.
  mutating func insert(_ axis: Int) { words[axis >> 6] |= 1 << UInt64(axis & 63) }

  func contains(_ axis: Int) -> Bool { words[axis >> 6] >> UInt64(axis & 63) & 1 == 1 }

  mutating func remove(_ axis: Int) { words[axis >> 6] &= ~(1 << UInt64(axis & 63)) }

  var isEmpty: Bool { words == .zero }

  func union(_ other: AxisSet) -> AxisSet { AxisSet(words: words | other.words) }
  func intersection(_ other: AxisSet) -> AxisSet { AxisSet(words: words & other.words) }
  func subtracting(_ other: AxisSet) -> AxisSet { AxisSet(words: words & ~other.words) }

  private init(words: SIMD4<UInt64>) { self.words = words }

  /// The product of the axes' lengths, as far as a Double holds it.
  func size(_ lengths: [Double]) -> Double {
    var product = 1.0
    forEach { product *= lengths[$0] }
    return product
  }

  /// The axes, ascending.
  var elements: [Int] {
    var axes: [Int] = []
    forEach { axes.append($0) }
    return axes
  }

  @inline(__always)
  func forEach(_ body: (Int) -> Void) {
    for k in 0..<4 {
      var word = words[k]
      while word != 0 {
        body(k << 6 + word.trailingZeroBitCount)
        word &= word &- 1
      }
    }
  }
}
