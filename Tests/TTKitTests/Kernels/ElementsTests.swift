import CTTKKernels
import Testing

@testable import TTKit

/// The kernels that compute elements of trains, each level against products written out in Swift.
@Suite struct ElementsTests {
  @Test(arguments: levels) func everyLevel_agreesWithTheDefinition(_ level: String) throws {
    let table = kernels(level)
    try check(Float.self, table.elements_f32)
    try check(Double.self, table.elements_f64)
    try check(Complex<Float>.self, table.elements_c64)
    try check(Complex<Double>.self, table.elements_c128)
  }

  /// Ranks around each block of columns. Error bound: 2·eps·Σ|products| a core.
  private func check<T: TestScalar>(_ type: T.Type, _ kernel: ttkk_elements) throws {
    var random = TrainRandom(seed: 3)
    for ranks in [[], [1], [2, 3], [15, 16, 17], [31, 7], [5, 40, 9]] {
      let shape = ranks.map { _ in random.integer(1...4) } + [3]
      let train = try random.train(shape, ranks: ranks, type)
      let points = (0..<7).map { _ in shape.map { random.integer(0...($0 - 1)) } }
      let flat = points.flatMap { $0.map(Int64.init) }
      let table = 4 * 4 * 4 * 40
      var scratch = [T](repeating: .zero, count: 4 * (40 + table))
      var found: [[T]] = []
      let cores = train.cores.map { UnsafeRawPointer($0.storage.buffer.base) as UnsafeRawPointer? }
      cores.withUnsafeBufferPointer { cores in
        train.ranks.withUnsafeBufferPointer { ranks in
          shape.withUnsafeBufferPointer { modes in
            // Without tables, with some, with all: the same bits.
            for depth in [0, 1, 3] {
              let middle = shape.count / 2
              var values = [T](repeating: .zero, count: points.count)
              var plain = ttkk_cores(
                order: shape.count, width: 40, cores: cores.baseAddress, ranks: ranks.baseAddress,
                modes: modes.baseAddress, left: min(depth, middle),
                right: min(depth, shape.count - middle), table: table)
              kernel(&plain, points.count, flat, &values, &scratch)
              found.append(values)
            }
          }
        }
      }
      #expect(found[1] == found[0] && found[2] == found[0], "\(type) \(ranks)")
      for (point, value) in zip(points, found[0]) {
        var row = [T.one]
        var size = 1.0
        for (core, i) in zip(train.cores, point) {
          let (elements, n, b) = (core.elements, core.shape[1], core.shape[2])
          row = (0..<b).map { j in
            row.indices.reduce(T.zero) { $0 + row[$1] * elements[($1 * n + i) * b + j] }
          }
          size *= core.norm
        }
        let bound = 64 * Double(shape.count) * T.eps * size
        #expect(Double((value - row[0]).magnitude) <= bound, "\(type) \(ranks)")
      }
    }
  }
}
