/// The tables of a cosine transform of one length.
internal import CTTKKernels
internal import Glibc

struct CosinePlan<T: RealScalar>: Sendable {
  let length: Int
  /// Of rows in pairs: their Fourier transform, and turns of its elements. Empty where rows go alone.
  private let whole: FourierTables<T>
  private let turns: Tensor<T>
  /// Of a row alone: the two Fourier transforms that make one of half the length. Empty without.
  private let first: FourierTables<T>
  private let second: FourierTables<T>
  private let cross: Tensor<T>
  private let bends: Tensor<T>

  /// Elements of scratch for any number of rows.
  var scratchCount: Int {
    first.length > 0 ? 2 * length : 4 * length * Int(TTKK_LANES)
  }

  /// - Parameter isByRow: false keeps rows in pairs whatever the length: for tests.
  init(length n: Int, isByRow: Bool = true) throws(TTKitError) {
    length = n
    let split = isByRow ? Self.split(n) : nil
    first = try FourierTables(length: split?.0 ?? 0)
    second = try FourierTables(length: split?.1 ?? 0)
    whole = try FourierTables(length: split == nil ? n : 0)
    turns = try split == nil ? Self.turns(n) : Tensor(shape: [0], elements: [])
    cross = try Self.cross(first.length, second.length)
    bends = try split == nil ? Tensor(shape: [0], elements: []) : Self.bends(n)
  }

  /// The most even split of n / 2 in two multiples of 8; nil where there is none.
  private static func split(_ n: Int) -> (Int, Int)? {
    guard n > 0, n % 128 == 0 else { return nil }
    let blocks = n / 128
    var small = Int(Double(blocks).squareRoot())
    while blocks % small != 0 { small -= 1 }
    return (blocks / small * 8, small * 8)
  }

  private static func turns(_ n: Int) throws(TTKitError) -> Tensor<T> {
    try Tensor<T>(shape: [n / 2 + 1, 2]) { out in
      let scale = (2 / Double(n)).squareRoot() / 2
      for k in 0...(n / 2) {
        let angle = Double.pi * Double(k) / Double(2 * n)
        let factor = k == 0 ? (1 / Double(n)).squareRoot() / 2 : scale
        out[2 * k] = T(cos(angle) * factor)
        out[2 * k + 1] = T(sin(angle) * factor)
      }
    }
  }

  private static func cross(_ a: Int, _ b: Int) throws(TTKitError) -> Tensor<T> {
    try Tensor<T>(shape: [2, a, b]) { out in
      for k in 0..<a {
        for t in 0..<b {
          let angle = 2 * Double.pi * Double(k * t) / Double(a * b)  // k t < a b
          out[k * b + t] = T(cos(angle))
          out[(a + k) * b + t] = T(-sin(angle))
        }
      }
    }
  }

  private static func bends(_ n: Int) throws(TTKitError) -> Tensor<T> {
    try Tensor<T>(shape: [n + 1]) { out in
      let quarter = n / 4
      let scale = (2 / Double(n)).squareRoot() / 2
      for k in 0..<quarter {
        let angle = Double.pi * Double(k + 1) / Double(2 * n)
        out[k] = T(cos(angle) * scale)
        out[quarter + k] = T(sin(angle) * scale)
        out[2 * quarter + k] = T(cos(5 * angle) * scale)
        out[3 * quarter + k] = T(sin(5 * angle) * scale)
      }
      out[n] = T((1 / Double(n)).squareRoot())
    }
  }

  /// As kernels take it; the plan must outlive it.
  func tables(signs: UnsafePointer<T>?) -> ttkk_cosines {
    unsafe ttkk_cosines(
      n: length, signs: signs, whole: whole.tables, turns: turns.storage.buffer.base,
      first: first.tables, second: second.tables, cross: cross.storage.buffer.base,
      bends: bends.storage.buffer.base)
  }
}

/// The tables of a Fourier transform of one length, any; none for length 0.
private struct FourierTables<T: RealScalar>: Sendable {
  let length: Int
  private let factors: Tensor<Int32>
  private let twiddles: Tensor<T>

  init(length n: Int) throws(TTKitError) {
    length = n
    let radices = n > 0 ? Self.radices(n) : []
    factors = try Tensor(shape: [radices.count], elements: radices.map(Int32.init))
    var count = 0
    var rest = n
    for p in radices {
      rest /= p
      count += 2 * rest * (p - 1) + 2 * p  // at most 4 n, which the caller's rows exceed
    }
    twiddles = try Tensor<T>(shape: [count]) { out in
      var (at, rest) = (0, n)
      for p in radices {
        let m = rest / p
        for r in 0..<m {
          for k in 1..<p {
            Self.write(&out, at, turn: -r * k, of: rest)
            at += 2
          }
        }
        for k in 0..<p {
          Self.write(&out, at, turn: -k, of: p)
          at += 2
        }
        rest = m
      }
    }
  }

  var tables: ttkk_fourier {
    unsafe ttkk_fourier(
      n: length, factors: factors.storage.buffer.base, twiddles: twiddles.storage.buffer.base,
      count: factors.count)
  }

  /// cos and sin of 2π turn / n. Radices are below 2³¹ and turns below n²/4: no overflow.
  private static func write(_ out: inout MutableSpan<T>, _ at: Int, turn: Int, of n: Int) {
    let angle = 2 * Double.pi * Double(turn % n) / Double(n)
    out[at] = T(cos(angle))
    out[at + 1] = T(sin(angle))
  }

  /// Fours first, then the other primes.
  private static func radices(_ n: Int) -> [Int] {
    var found: [Int] = []
    var rest = n
    for p in [4, 2, 3] {
      while rest % p == 0 {
        found.append(p)
        rest /= p
      }
    }
    var p = 5
    while p * p <= rest {
      while rest % p == 0 {
        found.append(p)
        rest /= p
      }
      p += 2
    }
    if rest > 1 { found.append(rest) }
    return found
  }
}
