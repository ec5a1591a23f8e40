import CTTKit
import Testing

@testable import TTKit
@testable import TTKitC

/// The status of making a view; data points into `values` unless NULL is asked for.
private func viewStatus(
  shape: [Int64]?, strides: [Int64]? = nil, ndim: Int32? = nil, dtype: Int = TTK_FLOAT64,
  offset: Int? = 0
) -> Int {
  var values = [Double](repeating: 1, count: 64)
  return values.withUnsafeMutableBytes { bytes in
    var array = ttk_array()
    array.data = offset.map { bytes.baseAddress! + $0 }
    array.ndim = ndim ?? Int32(shape?.count ?? 0)
    array.dtype = ttk_dtype(dtype)
    func make() -> Int {
      do throws(TTKitError) {
        _ = try view(&array, "tensor")
        return TTK_OK
      } catch {
        return Int(error.status)
      }
    }
    return (shape ?? [0]).withUnsafeBufferPointer { lengths in
      array.shape = shape == nil ? nil : lengths.baseAddress
      guard let strides else { return make() }
      return strides.withUnsafeBufferPointer { steps in
        array.strides = steps.baseAddress
        return make()
      }
    }
  }
}

@Suite struct ArrayTests {
  @Test func view_null_isRefused() {
    #expect(throws: TTKitError.self) { _ = try view(nil, "tensor") }
  }

  @Test func view_ofGoodArrays_isMade() {
    #expect(viewStatus(shape: [2, 3]) == TTK_OK)
    #expect(viewStatus(shape: []) == TTK_OK)
    #expect(viewStatus(shape: [2, 3], strides: [-3, 1]) == TTK_OK)
    #expect(viewStatus(shape: [2, 3], strides: [0, 0]) == TTK_OK)
    #expect(viewStatus(shape: [0, 3], offset: nil) == TTK_OK)
    #expect(viewStatus(shape: [Int64](repeating: 1, count: 64)) == TTK_OK)
  }

  @Test(arguments: [-1, 65, .min, .max] as [Int32])
  func view_ofAnImpossibleNdim_isRefused(ndim: Int32) {
    #expect(viewStatus(shape: [1], ndim: ndim) == TTK_ERROR_ARGUMENT)
  }

  @Test func view_withoutShapeOrData_isRefused() {
    #expect(viewStatus(shape: nil, ndim: 1) == TTK_ERROR_ARGUMENT)
    #expect(viewStatus(shape: [1], offset: nil) == TTK_ERROR_ARGUMENT)
    #expect(viewStatus(shape: [], offset: nil) == TTK_ERROR_ARGUMENT)
  }

  @Test func view_ofNegativeOrOverflowingShapes_isRefused() {
    #expect(viewStatus(shape: [-1]) == TTK_ERROR_ARGUMENT)
    #expect(viewStatus(shape: [0, -1]) == TTK_ERROR_ARGUMENT)
    #expect(viewStatus(shape: [.min]) == TTK_ERROR_ARGUMENT)
    #expect(viewStatus(shape: [.max]) == TTK_ERROR_SIZE)
    #expect(viewStatus(shape: [1 << 32, 1 << 32]) == TTK_ERROR_SIZE)
    #expect(viewStatus(shape: [1 << 60]) == TTK_ERROR_SIZE)
  }

  @Test(arguments: [.min, .max, 1 << 61, -(1 << 61)] as [Int64])
  func view_ofOverflowingStrides_isRefused(step: Int64) {
    #expect(viewStatus(shape: [2], strides: [step]) == TTK_ERROR_SIZE)
    #expect(viewStatus(shape: [1], strides: [step]) == TTK_OK)
  }

  @Test func view_ofMisalignedData_isRefused() {
    #expect(viewStatus(shape: [1], offset: 4) == TTK_ERROR_ARGUMENT)
    #expect(viewStatus(shape: [1], dtype: TTK_INT8, offset: 1) == TTK_OK)
  }

  @Test(arguments: [0, 13, -1])
  func view_ofAnUnknownDtype_isRefused(dtype: Int) {
    #expect(viewStatus(shape: [1], dtype: dtype) == TTK_ERROR_DTYPE)
  }

  @Test func dtypeSizes_areTheLayouts() {
    let sizes = [0, 4, 8, 8, 16, 2, 2, 1, 4, 8, 1, 2, 1, 0]
    #expect((0..<14).map { ttk_dtype_size(ttk_dtype($0)) } == sizes)
    #expect(ttk_dtype_size(-1) == 0)
  }
}
