/// Places in one piece of memory, used again after the last reader.

struct MemoryRegions {
  private var taken: [(id: Int, range: Range<Int>)] = []
  /// Elements that were ever in use at once.
  private(set) var count = 0

  /// The first gap that holds `count` elements.
  /// - Throws: `.sizeOverflow`.
  mutating func place(_ id: Int, count size: Int) throws(TTKitError) -> Int {
    var start = 0
    for piece in taken.map(\.range).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if try Self.sum(start, size) <= piece.lowerBound { break }
      start = max(start, piece.upperBound)
    }
    let end = try Self.sum(start, size)
    taken.append((id, start..<end))
    count = max(count, end)
    return start
  }

  mutating func release(_ id: Int) { taken.removeAll { $0.id == id } }

  static func sum(_ a: Int, _ b: Int) throws(TTKitError) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    guard !overflow else { throw .sizeOverflow("the intermediates exceed the address space") }
    return sum
  }
}
