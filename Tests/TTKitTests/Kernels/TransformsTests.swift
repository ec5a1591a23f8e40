import CTTKKernels
import Glibc
import Testing

@testable import TTKit

/// Every level gives the same bits as base: transforms, sign steps, codes of vectors.
@Suite struct TransformsTests {
  /// Lengths that are multiples of 128 have kernels of their own, for a row alone.
  @Test(arguments: [128, 256, 384, 640, 768, 1408, 1536, 4096])
  func cosinesOfRowsAlone_agreeWithThoseOfPairs(n: Int) throws {
    let alone = try CosinePlan<Double>(length: n)
    let paired = try CosinePlan<Double>(length: n, isByRow: false)
    var random = TestRandom(seed: UInt64(n))
    let signs = (0..<n).map { _ in random.uniform() < 0.5 ? -1.0 : 1.0 }
    let x = (0..<(3 * n)).map { _ in random.uniform() - 0.5 }
    let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // Every element is made in some 2 log2 n rounded steps, from numbers of at most the norm.
    let bound = 4 * Double.ulpOfOne * Double(Int.bitWidth - n.leadingZeroBitCount) * norm
    var (a, b) = (x, x)
    var scratch = [Double](repeating: 0, count: paired.scratchCount)
    guard let kernels = unsafe ttkk_active()?.pointee else { return }
    unsafe signs.withUnsafeBufferPointer { signs in
      var few = unsafe alone.tables(signs: signs.baseAddress)
      var many = unsafe paired.tables(signs: signs.baseAddress)
      for mode in [TTKK_FORWARD, TTKK_INVERSE, TTKK_AROUND_SIGNS] {
        unsafe kernels.cosines_f64(&few, Int32(mode), 3, x, n, &a, n, &scratch)
        unsafe kernels.cosines_f64(&many, Int32(mode), 3, x, n, &b, n, &scratch)
        let most = zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(most <= bound, "\(n), mode \(mode)")
      }
    }
    // And with the definition, an element here and there.
    var tables = unsafe alone.tables(signs: nil)
    unsafe kernels.cosines_f64(&tables, Int32(TTKK_FORWARD), 1, x, n, &a, n, &scratch)
    for k in [0, 1, 7, 8, n / 4, n / 2 - 1, n / 2, n / 2 + 1, n - 1] {
      let sum = (0..<n).reduce(0.0) {
        $0 + x[$1] * cos(Double.pi * Double((2 * $1 + 1) * k % (4 * n)) / Double(2 * n))
      }
      let expected = sum * ((k == 0 ? 1 : 2) / Double(n)).squareRoot()
      #expect(abs(a[k] - expected) <= 8 * Double.ulpOfOne * Double(n).squareRoot() * norm)
    }
  }

  @Test(arguments: ["v3", "v4", "vnni"])
  func levels_agreeBitForBit(name: String) throws {
    guard let level = unsafe ttkk_level(name)?.pointee,
      let base = unsafe ttkk_level("base")?.pointee
    else { return }
    var random = TestRandom(seed: 3)
    for n in [1, 2, 3, 5, 7, 12, 16, 35, 64, 96, 128, 130, 256, 384, 640, 1408] {
      let plan = try CosinePlan<Float>(length: n)
      let signs = (0..<n).map { Float($0 % 3 == 0 ? -1 : 1) }
      for rows in [1, 2, 17] {
        let x = (0..<(rows * n)).map { _ in Float(random.uniform()) }
        var (a, b) = (x, x)
        var scratch = [Float](repeating: 0, count: 4 * n * Int(TTKK_LANES))
        unsafe signs.withUnsafeBufferPointer { signs in
          var tables = unsafe plan.tables(signs: signs.baseAddress)
          for mode in [TTKK_FORWARD, TTKK_INVERSE, TTKK_AROUND_SIGNS] {
            unsafe base.cosines_f32(&tables, Int32(mode), rows, x, n, &a, n, &scratch)
            unsafe level.cosines_f32(&tables, Int32(mode), rows, x, n, &b, n, &scratch)
            #expect(a == b, "\(n), mode \(mode)")
          }
        }
      }
    }
    for n in 1...70 {
      let x = (0..<(2 * n)).map { _ in Float(random.uniform()) }
      var (r, u) = (Array(x.prefix(n)), [Float](repeating: 0, count: n))
      var (s, v) = (r, u)
      #expect(unsafe base.sign_step_f32(n, 0.3, &r, &u) == level.sign_step_f32(n, 0.3, &s, &v))
      #expect(r == s && u == v)
      #expect(unsafe base.sum_abs_f32(n, x) == level.sum_abs_f32(n, x))
      let centres = (0..<16).map { _ in Float(random.uniform()) }
      var (c, d) = ([UInt8](repeating: 0, count: n), [UInt8](repeating: 0, count: n))
      unsafe base.nearest(n, 2, x, n, 8, centres, &c)
      unsafe level.nearest(n, 2, x, n, 8, centres, &d)
      #expect(c == d)
      for i in 0..<n {
        func distance(_ k: Int) -> Float {
          let (p, q) = (x[i] - centres[2 * k], x[n + i] - centres[2 * k + 1])
          return p * p + q * q
        }
        let nearest = (0..<8).map(distance).min() ?? 0
        #expect(distance(Int(c[i])) <= nearest * 1.000001)
      }
    }
  }
}
