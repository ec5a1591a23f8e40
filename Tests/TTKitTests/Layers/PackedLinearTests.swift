import Testing

@testable import TTKit

/// y = x Wᵀ + b of a plan.
private func run(_ plan: LinearPlan, _ x: [Float], rows: Int) -> [Float] {
  var y = [Float](repeating: .nan, count: rows * plan.outFeatures)
  let workspace = UnsafeMutableRawPointer.allocate(byteCount: plan.workspaceSize, alignment: 1)
  defer { workspace.deallocate() }
  x.withUnsafeBytes { x in
    y.withUnsafeMutableBytes { y in
      plan.execute(x.baseAddress!, rows: rows, into: y.baseAddress!, workspace: workspace)
    }
  }
  return y
}

private func layer(_ rows: Int, _ columns: Int, _ spec: String) throws -> Linear {
  var random = TestRandom(seed: 5)
  let values = (0..<(rows * columns)).map { _ in Float(random.uniform()) }
  let weight = try Tensor(shape: [rows, columns], elements: values)
  let bias = try Tensor(shape: [rows], elements: (0..<rows).map { Float($0) })
  let matrix = try weight.withView { try CompressedMatrix.fit($0, spec: Spec(parsing: spec)) }
  return try Linear(matrix: matrix, bias: bias.withView { try Bias($0) })
}

extension Tensor where Element: Scalar {
  /// This tensor as a caller's array.
  fileprivate func withView<R>(_ body: (StridedView) throws -> R) throws -> R {
    try elements.withUnsafeBytes { bytes in
      try body(
        try StridedView(
          data: UnsafeMutableRawPointer(mutating: bytes.baseAddress!), shape: shape, strides: nil,
          dtype: Element.dtype))
    }
  }
}

/// Storages that can stay packed, in all widths.
private let packable = [
  "int2(group=32)", "int3(group=row)", "int3(group=32)", "int3(group=48)", "int4(group=32)",
  "int4(group=16, symmetric=false)", "int5(group=tensor)", "int7(group=32)", "int8(group=64)",
  "int8(group=row, symmetric=false)", "kmeans1", "kmeans2", "kmeans3", "kmeans4",
  "kmeans2(group=row)", "kmeans3(group=row)", "kmeans4(group=row)", "kmeans4(group=64)",
  "kmeans2(group=32)", "kmeans2(group=512)",
]

@Suite struct PackedLinearTests {
  /// A limit below the floats keeps codes packed; the results are those of the unpacked matrix, bit for bit. Law
  /// 23's bound holds for one row and where not even codes fit, as sums have orders of their own there.
  @Test(arguments: packable)
  func packedWeights_giveTheBitsOfUnpackedOnes(storage: String) throws {
    for (rows, columns) in [(32, 16), (33, 70), (70, 257)] {
      let layer = try layer(rows, columns, "dense@\(storage)")
      let weight = try layer.matrix.dense(Float.self).elements
      let floats = try layer.prepare(maxRows: 40)
      let packed = try layer.prepare(
        maxRows: 40, memoryLimit: rows * columns * 4 - 1)
      #expect(packed.residentByteCount < floats.residentByteCount)
      for count in [1, 2, 13, 40] {
        let x = gaussian(count * columns, seed: UInt64(count))
        let (found, wanted) = (run(packed, x, rows: count), run(floats, x, rows: count))
        guard count == 1 || packed.residentByteCount == 0 else {
          #expect(found == wanted, "\(rows)x\(columns)")
          continue
        }
        for i in found.indices {
          let (row, o) = (i / rows * columns, i % rows)
          let size = (0..<columns).reduce(Float(o)) {
            $0 + abs(x[row + $1] * weight[o * columns + $1])
          }
          let bound = 2 * Float(columns) * .ulpOfOne * size
          #expect(abs(found[i] - wanted[i]) <= bound, "\(rows)x\(columns), output \(o)")
        }
      }
    }
  }

  /// Activations of 8 bits: the error is that of rounding x, half a step an element.
  @Test(arguments: packable + ["int4(group=tensor)"])
  func roundedActivations_stayWithinTheirBound(storage: String) throws {
    let (rows, columns) = (37, 129)
    let layer = try layer(rows, columns, "dense@\(storage)")
    let weight = try layer.matrix.dense(Float.self).elements
    let full = try layer.prepare(maxRows: 20)
    let rounded = try layer.prepare(maxRows: 20, compute: .int8)
    for count in [1, 2, 5, 9, 20] {
      let x = gaussian(count * columns, seed: UInt64(count))
      let (y, found) = (run(full, x, rows: count), run(rounded, x, rows: count))
      for r in 0..<count {
        let row = x[(r * columns)..<((r + 1) * columns)]
        let step = row.map(\.magnitude).max()! / 127
        for j in 0..<rows {
          let sum = weight[(j * columns)..<((j + 1) * columns)].reduce(Float(0)) {
            $0 + $1.magnitude
          }
          // A codebook is rounded too: by 1/254 of its largest value, at most 1 or so here; by 1/62 with 1 or 2 bits.
          let book: Float = ["kmeans1", "kmeans2"].contains { storage.hasPrefix($0) } ? 62 : 254
          let level: Float =
            storage.hasPrefix("kmeans") ? 1.5 / book * row.reduce(0) { $0 + $1.magnitude } : 0
          #expect(abs(y[r * rows + j] - found[r * rows + j]) <= 0.51 * step * sum + level + 1e-3)
        }
      }
    }
  }

  @Test(arguments: [Compute.full, .int8])
  func results_areTheSameForAnyNumberOfThreads(compute: Compute) throws {
    let layer = try layer(600, 500, "dense@int4(group=32)")
    let x = gaussian(140 * 500, seed: 1)
    let results = try [1, 2, 5].map { threads in
      try run(
        layer.prepare(maxRows: 140, compute: compute, executor: Executor(threads: threads)), x,
        rows: 140)
    }
    #expect(results[1] == results[0] && results[2] == results[0])
    // Rows do not know each other.
    let one = try run(layer.prepare(maxRows: 1, compute: .int8), Array(x.prefix(500)), rows: 1)
    if compute == .int8 { #expect(one == Array(results[0].prefix(600))) }
  }

  @Test(arguments: [
    "low_rank(rank=24)@int8(group=row)", "low_rank(rank=8)@float16 + dense@int4(group=32)",
  ])
  func factorsAndSums_multiplyAsTheirMatrix(spec: String) throws {
    let layer = try layer(60, 80, spec)
    let x = gaussian(3 * 80, seed: 2)
    let expected = try run(layer.prepare(maxRows: 3), x, rows: 3)
    let rounded = try run(layer.prepare(maxRows: 3, compute: .int8), x, rows: 3)
    #expect(relativeError(expected, rounded) < 0.02)
  }

  @Test func largeLayers_stayPackedByThemselves() throws {
    let layer = try layer(520, 520, "dense@int4(group=32)")
    #expect(try layer.prepare(maxRows: 4).residentByteCount < 520 * 520)
    let small = try self.layerOfFloats()
    #expect(try small.prepare(maxRows: 4).residentByteCount >= 64 * 64 * 4)
  }

  private func layerOfFloats() throws -> Linear { try layer(64, 64, "dense@int4(group=32)") }

  /// A limit holds for all forms: codes where floats exceed it, decoding where codes do too.
  @Test func limits_areKept() throws {
    let weight = try layer(70, 257, "dense@int4(group=32)")
    let x = gaussian(5 * 257, seed: 4)
    let expected = try run(weight.prepare(maxRows: 5), x, rows: 5)
    for limit in [70 * 257 * 2, 70 * 257, 100] {
      let plan = try weight.prepare(maxRows: 5, memoryLimit: limit)
      #expect(plan.residentByteCount <= limit)
      #expect(relativeError(expected, run(plan, x, rows: 5)) < 1e-5)
    }
    // Panels are counted in full: 33 rows do not fit the bytes of 33.
    let short = try layer(33, 16, "dense")
    let unpadded = 33 * 16 * 4
    let plan = try short.prepare(maxRows: 1, memoryLimit: unpadded)
    #expect(plan.residentByteCount <= unpadded)
    #expect(throws: TTKitError.self) {
      try weight.prepare(maxRows: 5, memoryLimit: 100, compute: .int8)
    }
  }

  @Test func int8Compute_needsIntegers() throws {
    for spec in [
      "dense", "dense@kmeans5", "dense@kmeans4(group=24)", "low_rank(rank=3)@float16",
      "dense@int4(group=5)",
    ] {
      let layer = try layer(32, 32, spec)
      #expect(throws: TTKitError.self) { try layer.prepare(maxRows: 1, compute: .int8) }
    }
  }

  @Test func notANumber_reachesItsRowAndNoOther() throws {
    let layer = try layer(40, 64, "dense@int4(group=32)")
    var x = gaussian(3 * 64, seed: 3)
    x[70] = .nan
    let y = try run(layer.prepare(maxRows: 3, compute: .int8), x, rows: 3)
    #expect(y[0..<40].allSatisfy { $0.isFinite } && y[80...].allSatisfy { $0.isFinite })
    #expect(y[40..<80].allSatisfy { $0.isNaN })
  }
}
