/// A memory of all function values seen, so that no index is asked twice.

/// Values by key, in the order of their first mention; open addressing with linear probing.
struct SampleCache<T: Scalar>: ~Copyable {
  private let width: Int
  private(set) var count = 0
  private var keys: Buffer<UInt64>
  private var values: Buffer<T>
  /// Position + 1 of an entry, 0 for none; a power of two, at most half full.
  private var slots: Buffer<UInt32>

  init(width: Int) throws(TTKitError) {
    let keys = try Buffer<UInt64>(count: 256 * width)
    let values = try Buffer<T>(count: 256)
    let slots = try Buffer<UInt32>(count: 512, zeroed: true)
    self.width = width
    self.keys = keys
    self.values = values
    self.slots = slots
  }

  /// The positions of `wanted`; unknown keys get new positions from the old `count` on.
  @specialized(where T == Float)
  @specialized(where T == Double)
  @specialized(where T == Complex<Float>)
  @specialized(where T == Complex<Double>)
  mutating func positions(of wanted: KeyList) throws(TTKitError) -> [UInt32] {
    try reserve(count + wanted.count)
    var result = [UInt32](repeating: 0, count: wanted.count)
    var count = self.count
    let width = self.width
    keys.withMutableSpan { keys in
      slots.withMutableSpan { slots in
        let mask = slots.count - 1
        for i in 0..<wanted.count {
          var slot = Int(truncatingIfNeeded: hash(wanted.words, i * width, width)) & mask
          while true {
            let entry = Int(slots[slot])
            if entry == 0 {
              for w in 0..<width { keys[count * width + w] = wanted.words[i * width + w] }
              count += 1
              slots[slot] = UInt32(count)
              result[i] = UInt32(count - 1)
              break
            }
            var equal = true
            for w in 0..<width where keys[(entry - 1) * width + w] != wanted.words[i * width + w] {
              equal = false
              break
            }
            if equal {
              result[i] = UInt32(entry - 1)
              break
            }
            slot = (slot + 1) & mask
          }
        }
      }
    }
    self.count = count
    return result
  }

  func value(_ position: UInt32) -> T { values.withSpan { $0[Int(position)] } }

  func values(at positions: [UInt32]) -> [T] {
    values.withSpan { span in positions.map { span[Int($0)] } }
  }

  func key(_ position: Int) -> [UInt64] {
    keys.withSpan { span in (0..<width).map { span[position * width + $0] } }
  }

  mutating func setValue(_ value: T, at position: Int) {
    values.withMutableSpan { $0[position] = value }
  }

  /// Forgets the entries from `count` on.
  mutating func truncate(to count: Int) {
    self.count = count
    rebuild()
  }

  private mutating func reserve(_ wanted: Int) throws(TTKitError) {
    guard wanted < Int(UInt32.max) / 2 else {
      throw .sizeOverflow("\(wanted) function values exceed the cache; set max_evaluations")
    }
    if wanted > values.count {
      let capacity = max(wanted, 2 * values.count)
      keys = try keys.copied(count: count * width, capacity: checkedProduct([capacity, width]))
      values = try values.copied(count: count, capacity: capacity)
    }
    if 2 * wanted > slots.count {
      var size = slots.count
      while size < 2 * wanted { size *= 2 }
      slots = try Buffer(count: size, zeroed: true)
      rebuild()
    }
  }

  private mutating func rebuild() {
    let (count, width) = (self.count, self.width)
    keys.withSpan { keys in
      slots.withMutableSpan { slots in
        for i in 0..<slots.count { slots[i] = 0 }
        let mask = slots.count - 1
        for i in 0..<count {
          var h: UInt64 = 0
          for w in 0..<width { h = mix(h, keys[i * width + w]) }
          var slot = Int(truncatingIfNeeded: h) & mask
          while slots[slot] != 0 { slot = (slot + 1) & mask }
          slots[slot] = UInt32(i + 1)
        }
      }
    }
  }
}

@inline(__always)
private func mix(_ h: UInt64, _ word: UInt64) -> UInt64 {
  let z = (h ^ word) &* 0x9e37_79b9_7f4a_7c15
  return z ^ (z >> 29)
}

@inline(__always)
private func hash(_ words: [UInt64], _ offset: Int, _ width: Int) -> UInt64 {
  var h: UInt64 = 0
  for w in 0..<width { h = mix(h, words[offset + w]) }
  return h
}

extension Buffer {
  /// The first `count` elements in a buffer of the given capacity.
  fileprivate borrowing func copied(count: Int, capacity: Int) throws(TTKitError) -> Buffer {
    var result = try Buffer(count: capacity)
    withSpan { source in
      result.withMutableSpan { target in
        for i in 0..<count { target[i] = source[i] }
      }
    }
    return result
  }
}
