import CTTKKernels
import Testing

/// Small products, rows of codes and taps against the plainest loops, at every level.
@Suite struct SmallProductTests {
  /// Every width around the blocks, every height around the register tiles, and no depth at all.
  @Test(arguments: levels)
  func products_agreeWithPlainLoops(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 41)
    for m in [1, 2, 3, 4, 5, 6, 7, 8, 9, 13] {
      for n in Array(1...40) + [63, 64, 65] {
        for k in [0, 1, 2, 7] {
          check(Float.self, m, k, n, &random) { table.small_f32(m, k, n, $0, $1, &$2) }
          check(Double.self, m, k, n, &random) { table.small_f64(m, k, n, $0, $1, &$2) }
        }
      }
    }
  }

  private func check<T: BinaryFloatingPoint>(
    _ type: T.Type, _ m: Int, _ k: Int, _ n: Int, _ random: inout TestRandom,
    _ run: ([T], [T], inout [T]) -> Void
  ) {
    let a = (0..<(m * k + 1)).map { _ in T(random.uniform()) }
    let b = (0..<(k * n + 1)).map { _ in T(random.uniform()) }
    var c = [T](repeating: 99, count: m * n + 1)
    run(a, b, &c)
    #expect(c[m * n] == 99, "one element too many")
    for r in 0..<m {
      for j in 0..<n {
        var (sum, bound) = (0.0, 0.0)
        for i in 0..<k {
          sum += Double(a[r * k + i]) * Double(b[i * n + j])
          bound += abs(Double(a[r * k + i]) * Double(b[i * n + j]))
        }
        let error = abs(Double(c[r * n + j]) - sum)
        #expect(error <= 2 * Double(k + 1) * Double(T.ulpOfOne) * bound, "\(m) \(k) \(n)")
      }
    }
  }

  @Test(arguments: levels)
  func taps_agreeWithPlainLoops(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 42)
    for n in Array(1...20) + [31, 32, 33, 56, 63, 64, 65, 70] {
      let kinds = [(1, 3, 1), (1, 1, 0), (2, 3, 1), (1, 5, 80), (3, 2, 4), (1, 0, 1)]
      for (step, taps, tapStep) in kinds {
        let weights = (0..<5).map { _ in Float(random.uniform()) }
        let input = (0..<(n * step + 5 * 80)).map { _ in Float(random.uniform()) }
        var out = [Float](repeating: 99, count: n + 1)
        table.taps_f32(1, 0, 0, n, step, taps, tapStep, weights, input, &out)
        let (wide, data) = (weights.map(Double.init), input.map(Double.init))
        var double = [Double](repeating: 99, count: n + 1)
        table.taps_f64(1, 0, 0, n, step, taps, tapStep, wide, data, &double)
        #expect(out[n] == 99 && double[n] == 99)
        for i in 0..<n {
          let sum = (0..<taps).reduce(0.0) { $0 + wide[$1] * data[i * step + $1 * tapStep] }
          #expect(abs(double[i] - sum) <= 1e-15 * Double(taps + 1))
          #expect(abs(Double(out[i]) - sum) <= 2e-7 * Double(taps + 1))
        }
      }
    }
  }

  /// u is orthonormal, v = u a, and what is left of a planted matrix of the rank is the noise.
  @Test(arguments: levels)
  func leadingVectors_findAPlantedSubspace(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 44)
    for (m, n, r) in [(16, 16, 2), (12, 40, 3), (32, 32, 4), (33, 35, 5)] {
      let (left, right) = (
        (0..<(m * r)).map { _ in random.uniform() }, (0..<(r * n)).map { _ in random.uniform() }
      )
      var a = [Float](repeating: 0, count: m * n)
      var energy = 0.0
      for i in 0..<m {
        for j in 0..<n {
          let noise = 1e-3 * random.uniform()
          let value = (0..<r).reduce(noise) { $0 + left[i * r + $1] * right[$1 * n + j] }
          a[i * n + j] = Float(value)
          energy += value * value
        }
      }
      var (u, v, s) = (
        [Float](repeating: 0, count: r * m), [Float](repeating: 0, count: r * n),
        [Float](repeating: 0, count: r)
      )
      var work = [Float](
        repeating: 0, count: n * m + 2 * m * m + 2 * (r + 4) * (m + n) + (r + 4) * (r + 4))
      #expect(table.leading(m, n, r, a, &u, &v, &s, &work) == 1)
      for p in 0..<r {
        for q in 0..<r {
          let dot = (0..<m).reduce(0.0) { $0 + Double(u[p * m + $1]) * Double(u[q * m + $1]) }
          #expect(abs(dot - (p == q ? 1 : 0)) <= 1e-5)
        }
        for j in 0..<n {
          let sum = (0..<m).reduce(0.0) { $0 + Double(u[p * m + $1]) * Double(a[$1 * n + j]) }
          #expect(abs(sum - Double(v[p * n + j])) <= 1e-5 * energy.squareRoot())
        }
      }
      let captured = v.reduce(0.0) { $0 + Double($1) * Double($1) }
      // The noise is all that is left, and no rank-r part can hold more than everything.
      #expect(captured <= energy * (1 + 1e-6))
      #expect(energy - captured <= 1e-6 * Double(m * n) / 12 + 1e-6 * energy)
    }
  }

  /// All widths of codes, groups around the vectors, with and without zero points.
  @Test(arguments: levels)
  func rowsOfCodes_agreeWithPlainLoops(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 43)
    for bits in 0...8 where bits != 1 {
      for n in [1, 15, 16, 17, 31, 32, 33, 64, 70] {
        for group in [1, 6, 7, 16, 32, 100] {
          let count = (n - 1) / group + 1
          let top = bits == 0 ? 256 : 1 << bits
          let codes = (0..<n).map { _ in UInt8(random.below(top)) }
          var packed = codes
          if bits > 0 { ttkk_pack_codes(n, Int32(bits), codes, &packed) }
          let scales = (0..<count).map { _ in Float(random.uniform()) }
          let zeros = (0..<count).map { _ in UInt8(random.below(top)) }
          var scratch = [UInt8](repeating: 0, count: n)
          for hasZeros in bits == 0 ? [false] : [false, true] {
            var out = [Float](repeating: 99, count: n + 1)
            table.decode_row(
              n, Int32(bits), packed, group, scales, hasZeros ? zeros : nil, 3, &scratch, &out)
            #expect(out[n] == 99)
            for i in 0..<n {
              let code = bits == 0 ? Float(Int8(bitPattern: codes[i])) : Float(codes[i])
              let zero = bits == 0 ? 0 : hasZeros ? Float(zeros[i / group]) : 3
              #expect(out[i] == (code - zero) * scales[i / group], "\(bits) bits, \(n), \(group)")
            }
          }
        }
      }
    }
  }
}
