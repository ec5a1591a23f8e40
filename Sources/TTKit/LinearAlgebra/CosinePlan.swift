/// The tables of a cosine transform of one length.
internal import Glibc

struct CosinePlan<T: RealScalar>: Sendable {
  let length: Int
  let factors: Tensor<Int32>
  let twiddles: Tensor<T>
  let turns: Tensor<T>

  init(length n: Int) throws(TTKitError) {
    length = n
    let radices = Self.radices(n)
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
    let scale = (2 / Double(n)).squareRoot() / 2
    turns = try Tensor<T>(shape: [n / 2 + 1, 2]) { out in
      for k in 0...(n / 2) {
        let angle = Double.pi * Double(k) / Double(2 * n)
        let factor = k == 0 ? (1 / Double(n)).squareRoot() / 2 : scale
        out[2 * k] = T(cos(angle) * factor)
        out[2 * k + 1] = T(sin(angle) * factor)
      }
    }
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
