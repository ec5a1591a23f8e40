/// Pieces of the caller's memory, and the check that what is written lies apart from what is read.
internal import TTKit

struct Region {
  let range: Range<Int>
  let name: String

  init(
    _ pointer: UnsafeRawPointer, _ bytes: Int, _ name: String, alignment: Int = 1
  ) throws(TTKitError) {
    let start = Int(bitPattern: pointer)
    let (end, overflow) = start.addingReportingOverflow(bytes)
    guard !overflow, start > 0, end >= start else {
      throw .invalidArgument("\(name) of \(bytes) bytes reaches beyond the address space")
    }
    guard start % alignment == 0 else {
      throw .invalidArgument("\(name) is not aligned to \(alignment) bytes; copy it first")
    }
    range = start..<end
    self.name = name
  }

  /// `count` elements of `size` bytes.
  /// - Throws: `.sizeOverflow` when they reach beyond the address space.
  init(
    _ pointer: UnsafeRawPointer, count: Int, size: Int, alignment: Int, _ name: String
  ) throws(TTKitError) {
    let base = Int(bitPattern: pointer)
    guard base % alignment == 0 else {
      throw .invalidArgument("\(name) is not aligned to \(alignment) bytes; copy it first")
    }
    let (end, overflow) = base.addingReportingOverflow(try checkedProduct([count, size]))
    guard !overflow else { throw .sizeOverflow("\(name) reaches beyond the address space") }
    range = base..<end
    self.name = name
  }

  /// What a view can touch; nil when it is empty.
  init?(_ view: StridedView, _ name: String) {
    guard let range = view.addressRange else { return nil }
    self.range = range
    self.name = name
  }

  func requireApart(from others: Region?...) throws(TTKitError) {
    try requireApart(from: others.compactMap { $0 })
  }

  func requireApart(from other: Region) throws(TTKitError) {
    guard range.overlaps(other.range) else { return }
    throw .invalidArgument("\(name) overlaps \(other.name); give it memory of its own")
  }

  func requireApart(from others: [Region]) throws(TTKitError) {
    for other in others { try requireApart(from: other) }
  }
}
