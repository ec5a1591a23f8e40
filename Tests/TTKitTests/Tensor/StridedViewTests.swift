import Testing

@testable import TTKit

@Suite struct StridedViewTests {
  private func view(
    _ shape: [Int], _ strides: [Int]?, dtype: DType = .float32, offset: Int = 0
  ) throws(TTKitError) -> StridedView {
    // Never read: an address that is aligned as asked is enough.
    try StridedView(
      data: UnsafeMutableRawPointer(bitPattern: (1 << 20) + offset), shape: shape, strides: strides,
      dtype: dtype)
  }

  @Test func sizes_thatOverflowAreRefused() {
    for shape in [[.max], [.max, 2], [1 << 32, 1 << 32], [1 << 61, 4]] {
      #expect(throws: TTKitError.self) { _ = try view(shape, nil) }
    }
    #expect(throws: TTKitError.self) { _ = try view([-1], nil) }
  }

  /// No step may make address arithmetic overflow, whatever is computed from the view later.
  @Test(arguments: [Int.min, .min + 1, .max, 1 << 61, -(1 << 61), 1 << 60])
  func steps_thatLeaveTheAddressSpaceAreRefused(step: Int) {
    #expect(throws: TTKitError.self) { _ = try view([2], [step]) }
    #expect(throws: TTKitError.self) { _ = try view([2, 2], [1, step], dtype: .complex128) }
  }

  @Test func steps_ofAxesOfLengthOneDoNotMatter() throws {
    let one = try view([1, 3], [.min, 1])
    #expect(one.isCompact && one.addressRange?.count == 12)
    #expect(one.strides == [0, 1])
    let none = try view([0, 3], [.max, .min])
    #expect(none.addressRange == nil && none.strides == [0, 0])
  }

  @Test func theAddressRange_coversNegativeSteps() throws {
    let view = try view([3, 4], [-8, 2])
    #expect(view.addressRange == (1 << 20) - 64..<(1 << 20) + 28)
  }

  @Test func misalignedData_isRefused() throws {
    #expect(throws: TTKitError.self) { _ = try view([1], nil, offset: 2) }
    #expect(throws: TTKitError.self) { _ = try view([1], nil, dtype: .float64, offset: 4) }
    _ = try view([1], nil, dtype: .complex64, offset: 4)  // as C's float _Complex
    _ = try view([1], nil, dtype: .uint8, offset: 1)
  }

  @Test func copying_followsTheSteps() throws {
    var values: [Float] = [0, 1, 2, 3, 4, 5]
    try values.withUnsafeMutableBytes { bytes in
      let reversed = try StridedView(
        data: bytes.baseAddress! + 20, shape: [2, 3], strides: [-1, -2], dtype: .float32)
      let copy = try reversed.copied(as: Float.self)
      #expect(copy.elements == [5, 3, 1, 4, 2, 0])
      let scalar = try StridedView(
        data: bytes.baseAddress, shape: [], strides: nil, dtype: .float32)
      #expect(try scalar.copied(as: Float.self).elements == [0])
    }
  }
}
