import Glibc
import TTKit

/// What `TTK_SEED` adds to every seed: 0 on each push, fresh for the nightly run, which prints it.
private let freshSeed = getenv("TTK_SEED").flatMap { UInt64(String(cString: $0)) } ?? 0

/// A small deterministic generator for tests: xorshift, seeded.
struct TestRandom {
  private var state: UInt64
  init(seed: UInt64) { state = (seed &+ freshSeed &* 1000) &* 0x9e37_79b9_7f4a_7c15 | 1 }

  private mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// A number from -0.5 up to 0.5.
  mutating func uniform() -> Double { Double(next() >> 11) / 9007199254740992 - 0.5 }

  /// An integer from 0 up to count - 1.
  mutating func below(_ count: Int) -> Int { Int(next() >> 33) % count }

  mutating func tensor(_ shape: [Int]) throws -> Tensor<Double> {
    let values = (0..<shape.reduce(1, *)).map { _ in uniform() }
    return try Tensor(shape: shape, elements: values)
  }
}
