import CTTKKernels
import Testing

@testable import TTKit

@Suite struct SparseTests {
  /// A core of 3 x 5 with four entries, as it is stored.
  private func parts(
    columns: [Int16] = [1, 4, 0, 3], offsets: [Int32] = [0, 2, 2, 4]
  ) throws -> [StoragePart] {
    func bytes<T: FixedWidthInteger>(_ values: [T]) throws -> Tensor<UInt8> {
      let all = values.flatMap { value in
        (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T(8 * $0)) }
      }
      return try Tensor(shape: [all.count], elements: all)
    }
    let values = try Tensor(shape: [4], elements: [1.5, -2, 3, 4] as [Float])
    return [
      StoragePart(
        name: "core", dtype: .float32, shape: [4], bytes: try encodeFloats(values, as: .float32)),
      StoragePart(
        name: "columns", dtype: .int16, shape: [columns.count], bytes: try bytes(columns)),
      StoragePart(
        name: "offsets", dtype: .int32, shape: [offsets.count], bytes: try bytes(offsets)),
    ]
  }

  private func matrix(_ parts: [StoragePart]) throws(TTKitError) -> CompressedMatrix {
    try CompressedMatrix.make(
      Spec(parsing: "sparse(count=4)@float32"), rows: 3, columns: 5, coreShapes: [[3, 5]],
      parts: [parts], error: 0)
  }

  @Test func parts_makeTheMatrix() throws {
    let made = try matrix(parts())
    #expect(
      try made.dense(Float.self).elements
        == [0, 1.5, 0, 0, -2, 0, 0, 0, 0, 0, 3, 0, 0, 4, 0])
    #expect(made.byteCount == 4 * 4 + 4 * 2 + 4 * 4)
    // Any piece of a core, as embeddings ask for it.
    let core = made.cores[0]
    for first in 0..<15 {
      for end in first...15 {
        let piece = try Tensor<Double>(shape: [end - first]) { out in
          core.storage.decode(core.parts, shape: core.shape, range: first..<end, into: &out)
        }
        #expect(piece.elements == Array(try core.decoded(Double.self).elements[first..<end]))
      }
    }
    // What is encoded again is the same.
    let again = try EncodedCore(core.decoded(Float.self), storage: core.storage)
    #expect(again.parts.map(\.bytes.elements) == core.parts.map(\.bytes.elements))
  }

  /// Indices of a file that lie: never read outside of a row of x.
  @Test(
    arguments: [
      ([1, 4, 0, 5], [0, 2, 2, 4]), ([1, 4, 0, -1], [0, 2, 2, 4]), ([1, 1, 0, 3], [0, 2, 2, 4]),
      ([4, 1, 0, 3], [0, 2, 2, 4]), ([1, 4, 0, 32767], [0, 2, 2, 4]),
      ([1, 4, 0, 3], [0, 3, 2, 4]),
      ([1, 4, 0, 3], [0, 2, 2, 5]), ([1, 4, 0, 3], [0, 2, 2, 3]), ([1, 4, 0, 3], [1, 2, 2, 4]),
      ([1, 4, 0, 3], [0, -1, 2, 4]), ([1, 4, 0, 3], [0, 2, .max, 4]),
      ([1, 4, 0, 3], [0, .min, 2, 4]), ([1, 4, 0, 3], [0, 2, 4]), ([1, 4, 0], [0, 2, 2, 4]),
      ([1, 4, 0, 3], [0, 2, 2, 2, 4]), ([-32768, 4, 0, 3], [0, 2, 2, 4]),
    ] as [([Int16], [Int32])])
  func damagedIndices_areRefused(columns: [Int16], offsets: [Int32]) throws {
    let parts = try parts(columns: columns, offsets: offsets)
    let found = failure { () throws(TTKitError) in _ = try matrix(parts) }
    #expect(found?.isFormat == true, "\(String(describing: found))")
  }

  /// Wider columns take wider indices, and counts that do not fit the parts are refused.
  @Test func layout_followsShapeAndCount() throws {
    let storage = SparseStorage(dtype: .float16, amount: .share(0.5))
    #expect(try storage.layout([2, 1 << 15]).map(\.dtypes) == [[.float16], [.int16], [.int32]])
    #expect(try storage.layout([2, 1 << 15 + 1])[1].dtypes == [.int32])
    #expect(try storage.layout([1 << 20, 1 << 20])[2].dtypes == [.int64])
    #expect(throws: TTKitError.self) { try storage.layout([1, 1 << 31]) }
    #expect(throws: TTKitError.self) { try storage.layout([1 << 40, 1 << 30]) }
    #expect(throws: TTKitError.self) { try storage.layout([Int.max, 1]) }
    let parts = try parts()
    let found = failure { () throws(TTKitError) in
      _ = try CompressedMatrix.make(
        Spec(parsing: "sparse(share=0.2)@float32"), rows: 3, columns: 5, coreShapes: [[3, 5]],
        parts: [parts], error: 0)
    }
    #expect(found?.isFormat == true)
  }

  /// The selection against a sort, with repeats and zeros.
  @Test func kthLargest_isThatOfASort() {
    var random = TestRandom(seed: 3)
    for n in [1, 2, 7, 300] {
      let values = (0..<n).map { _ in (Float(random.uniform().magnitude) * 20).rounded() / 8 }
      let sorted = values.sorted(by: >)
      for k in 1...n {
        var above = -1
        #expect(ttkk_kth_largest(n, values, k, &above) == sorted[k - 1])
        #expect(above == sorted.count { $0 > sorted[k - 1] })
      }
    }
  }

  /// Every level's kernels against sums by the definition, in float64.
  @Test(arguments: levels) func kernels_areTheProduct(level: String) {
    let table = kernels(level)
    var random = TestRandom(seed: 4)
    let (rows, inputs) = (37, 50)
    var (offsets, columns, values) = ([0], [UInt32](), [Float]())
    for i in 0..<rows {
      for _ in 0..<(i % 11) {
        columns.append(UInt32(random.uniform().magnitude * 49))
        values.append(Float(random.uniform()))
      }
      offsets.append(columns.count)
    }
    let width = table.width_f32
    let x = (0..<(inputs * width)).map { _ in Float(random.uniform()) }
    var lines = [Float](repeating: .nan, count: rows * width)
    var sums = [Float](repeating: 0.5, count: rows)
    var s = ttkk_sparse(rows: rows, offsets: nil, columns: nil, values: nil)
    offsets.withUnsafeBufferPointer { offsets in
      columns.withUnsafeBufferPointer { columns in
        values.withUnsafeBufferPointer { values in
          s.offsets = offsets.baseAddress
          s.columns = columns.baseAddress
          s.values = UnsafeRawPointer(values.baseAddress)
          table.lanes_f32.sparse(&s, x, &lines)
          table.lanes_f32.sparse_row(&s, x, &sums)
        }
      }
    }
    for i in 0..<rows {
      for z in 0..<width {
        let entries = offsets[i]..<offsets[i + 1]
        let terms = entries.map { Double(values[$0]) * Double(x[Int(columns[$0]) * width + z]) }
        let bound = 2 * Double(terms.count + 1) * 0x1p-23 * (0.5 + terms.reduce(0) { $0 + abs($1) })
        #expect(abs(Double(lines[i * width + z]) - terms.reduce(0, +)) <= bound)
      }
      let terms = (offsets[i]..<offsets[i + 1]).map {
        Double(values[$0]) * Double(x[Int(columns[$0])])
      }
      let bound = 2 * Double(terms.count + 1) * 0x1p-23 * (0.5 + terms.reduce(0) { $0 + abs($1) })
      #expect(abs(Double(sums[i]) - 0.5 - terms.reduce(0, +)) <= bound)
    }
  }
}
