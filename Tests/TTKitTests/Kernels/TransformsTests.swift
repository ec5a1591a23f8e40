import CTTKKernels
import Testing

@testable import TTKit

/// Every level gives the same bits as base: transforms, sign steps, codes of vectors.
@Suite struct TransformsTests {
  @Test(arguments: ["v3", "v4", "vnni"])
  func levels_agreeBitForBit(name: String) throws {
    guard let level = unsafe ttkk_level(name)?.pointee,
      let base = unsafe ttkk_level("base")?.pointee
    else { return }
    var random = TestRandom(seed: 3)
    for n in [1, 2, 3, 5, 7, 12, 16, 35, 64, 96, 130] {
      let plan = try CosinePlan<Float>(length: n)
      let signs = (0..<n).map { Float($0 % 3 == 0 ? -1 : 1) }
      for rows in [1, 2, 17] {
        let x = (0..<(rows * n)).map { _ in Float(random.uniform()) }
        var (a, b) = (x, x)
        var scratch = [Float](repeating: 0, count: 4 * n * Int(TTKK_LANES))
        unsafe signs.withUnsafeBufferPointer { signs in
          var tables = unsafe ttkk_cosines(
            n: n, factors: plan.factors.storage.buffer.base,
            twiddles: plan.twiddles.storage.buffer.base, turns: plan.turns.storage.buffer.base,
            signs: signs.baseAddress, count: plan.factors.count)
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
