import CTTKit
import Testing

@testable import TTKitC

/// A compact array of doubles for the length of a call.
private func withArray<R>(
  _ values: inout [Double], _ shape: [Int64], _ body: (UnsafeMutablePointer<ttk_array>) -> R
) -> R {
  values.withUnsafeMutableBytes { bytes in
    shape.withUnsafeBufferPointer { lengths in
      var array = ttk_array(
        data: bytes.baseAddress, shape: lengths.baseAddress, strides: nil,
        ndim: Int32(shape.count), dtype: ttk_dtype(TTK_FLOAT64))
      return body(&array)
    }
  }
}

@Suite struct KashinTests {
  @Test func kashin_nullOptions_usesDefaults() {
    var x = (0..<64).map { Double($0 * $0 % 17) - 8 }
    var (u, v) = ([Double](repeating: 0, count: 64), [Double](repeating: 0, count: 64))
    var y = u
    var report = ttk_kashin_report()
    report.struct_size = MemoryLayout<ttk_kashin_report>.size
    let status = withArray(&x, [64]) { x in
      withArray(&u, [64]) { u in withArray(&v, [64]) { ttk_kashin(x, nil, u, $0, &report) } }
    }
    #expect(status == TTK_OK && report.converged == 1 && report.steps <= 60)
    #expect(report.max_norm <= 4 && report.error <= 1e-6)
    let synthesis = withArray(&v, [64]) { v in
      withArray(&y, [64]) { ttk_transform_apply(v, nil, $0) }
    }
    #expect(synthesis == TTK_OK)
    let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let rest = (0..<64).reduce(0.0) { sum, i in
      let left = x[i] - u[i] - y[i]
      return sum + left * left
    }
    #expect(rest.squareRoot() <= 1e-6 * norm)
  }

  @Test func kashin_badInput_isRefused() {
    var x: [Double] = [1, 2, 3, 4]
    var (u, v): ([Double], [Double]) = ([0, 0, 0, 0], [0, 0, 0, 0])
    func run(
      _ shape: [Int64] = [4], _ change: (inout ttk_kashin_options) -> Void = { _ in }
    ) -> ttk_status {
      var options = ttk_kashin_options()
      options.struct_size = MemoryLayout<ttk_kashin_options>.size
      change(&options)
      return withArray(&x, shape) { x in
        withArray(&u, shape) { u in withArray(&v, shape) { ttk_kashin(x, &options, u, $0, nil) } }
      }
    }
    #expect(run() == TTK_OK)
    for shape: [Int64] in [[], [0], [1, 2, 2]] { #expect(run(shape) == TTK_ERROR_ARGUMENT) }
    #expect(run { $0.struct_size = 4 } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.transform = 3 } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.vectors = 2 } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.method = -1 } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.tolerance = .nan } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.tolerance = 1 } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.max_steps = -1 } == TTK_ERROR_ARGUMENT)
    #expect(run { $0.threads = -1 } == TTK_ERROR_ARGUMENT)
    x[1] = .infinity
    #expect(run() == TTK_ERROR_NONFINITE)
    x[1] = 2
    let status = withArray(&x, [4]) { x in
      withArray(&u, [4]) { u in
        var report = ttk_kashin_report()
        return [
          ttk_kashin(x, nil, u, u, nil), ttk_kashin(nil, nil, u, u, nil),
          ttk_kashin(x, nil, nil, u, nil), ttk_kashin(x, nil, u, nil, nil),
          withArray(&v, [4]) { ttk_kashin(x, nil, u, $0, &report) },
          withArray(&v, [2]) { ttk_kashin(x, nil, u, $0, nil) },
          ttk_transform_apply(x, nil, nil), ttk_transform_apply(nil, nil, u),
        ]
      }
    }
    #expect(status.allSatisfy { $0 == TTK_ERROR_ARGUMENT })
  }
}
