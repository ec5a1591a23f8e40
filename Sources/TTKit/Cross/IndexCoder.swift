/// Multi-indices packed into a few machine words, so that they can be compared, joined and hashed fast.

/// How the indices of d modes lie in the words of a key: each mode has its own bits, none straddles words.
///
/// Keys of a prefix and of a suffix have zeros elsewhere: joining them is a bitwise or.
struct IndexCoder: Sendable {
  let shape: [Int]
  /// Words of a key, at least 1.
  let width: Int
  private let fields: [(word: Int, shift: UInt64, mask: UInt64)]

  /// - Parameter shape: at least one mode, every length at least 1.
  init(shape: [Int]) {
    var word = 0
    var used = 0
    var fields: [(Int, UInt64, UInt64)] = []
    for n in shape {
      let bits = Int.bitWidth - (n - 1).leadingZeroBitCount
      if used + bits > 64 {
        word += 1
        used = 0
      }
      // A mode of size 1 takes no bits; its shift must stay below 64 all the same.
      fields.append((word, UInt64(min(used, 63)), bits == 0 ? 0 : (~0 >> UInt64(64 - bits))))
      used += bits
    }
    self.shape = shape
    self.fields = fields
    width = word + 1
  }

  var order: Int { shape.count }

  /// Writes index `i` of mode `k` into the key that starts at `offset`; its bits must be 0 before.
  @inline(__always)
  func set(_ i: Int, mode k: Int, in words: inout [UInt64], at offset: Int) {
    let field = fields[k]
    words[offset + field.word] |= UInt64(i) << field.shift
  }

  /// Index of mode `k` in the key that starts at `offset`.
  @inline(__always)
  func index(mode k: Int, in words: [UInt64], at offset: Int) -> Int {
    let field = fields[k]
    return Int((words[offset + field.word] >> field.shift) & field.mask)
  }

  /// The bits of modes `range`, all others 0.
  func part(_ range: Range<Int>, of words: [UInt64], at offset: Int) -> [UInt64] {
    var result = [UInt64](repeating: 0, count: width)
    for k in range { set(index(mode: k, in: words, at: offset), mode: k, in: &result, at: 0) }
    return result
  }

  func pack(_ index: [Int]) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: width)
    for k in index.indices { set(index[k], mode: k, in: &words, at: 0) }
    return words
  }

  func unpack(_ words: [UInt64], at offset: Int = 0) -> [Int] {
    shape.indices.map { index(mode: $0, in: words, at: offset) }
  }
}

/// A list of keys, one after the other.
struct KeyList: Sendable {
  let width: Int
  private(set) var words: [UInt64] = []

  init(width: Int) { self.width = width }

  var count: Int { words.count / width }

  func key(_ i: Int) -> [UInt64] { Array(words[i * width..<(i + 1) * width]) }

  mutating func append(_ key: [UInt64]) { words += key }

  mutating func append(_ other: KeyList) { words += other.words }

  mutating func reserve(_ count: Int) { words.reserveCapacity(count * width) }

  /// Appends key `i` of `a` joined with key `j` of `b`.
  @inline(__always)
  mutating func appendJoin(_ a: KeyList, _ i: Int, _ b: KeyList, _ j: Int) {
    for w in 0..<width { words.append(a.words[i * width + w] | b.words[j * width + w]) }
  }

  /// Every key with every index of mode `k`, which none has yet: key p, index i at position p·n + i.
  func expanded(mode k: Int, _ coder: IndexCoder) -> KeyList {
    let n = coder.shape[k]
    var result = KeyList(width: width)
    result.words.reserveCapacity(words.count * n)
    for p in 0..<count {
      for i in 0..<n {
        let offset = result.words.count
        result.words.append(contentsOf: words[p * width..<(p + 1) * width])
        coder.set(i, mode: k, in: &result.words, at: offset)
      }
    }
    return result
  }

  /// Every key once, in the order of first appearance.
  func distinct() -> KeyList {
    var seen = Set<[UInt64]>()
    var result = KeyList(width: width)
    for p in 0..<count where seen.insert(key(p)).inserted { result.append(key(p)) }
    return result
  }

  /// Every key joined with key `j` of `other`.
  func joined(with other: KeyList, _ j: Int) -> KeyList {
    var result = KeyList(width: width)
    result.reserve(count)
    for i in 0..<count { result.appendJoin(self, i, other, j) }
    return result
  }
}
