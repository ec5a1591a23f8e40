/// Arrays and trains for tests of the C interface.
import CTTKit
import Testing
import TTKitC

let ok = ttk_status(TTK_OK)
let argument = ttk_status(TTK_ERROR_ARGUMENT)
let wrongDType = ttk_status(TTK_ERROR_DTYPE)
let tooLarge = ttk_status(TTK_ERROR_SIZE)

/// An array in memory of its own, freed with the object.
final class CArray {
  let data: UnsafeMutablePointer<Double>
  let shape: UnsafeMutablePointer<Int64>
  let count: Int
  var array: ttk_array

  init(_ lengths: [Int64], _ values: [Double]? = nil) {
    count = Int(lengths.reduce(1, *))
    data = .allocate(capacity: max(count, 1))
    shape = .allocate(capacity: max(lengths.count, 1))
    for i in 0..<count { data[i] = values?[i] ?? Double((i * i) % 17) - 3.5 }
    for (i, length) in lengths.enumerated() { shape[i] = length }
    array = ttk_array(
      data: data, shape: shape, strides: nil, ndim: Int32(lengths.count),
      dtype: ttk_dtype(TTK_FLOAT64))
  }

  var values: [Double] { (0..<count).map { data[$0] } }

  deinit {
    data.deallocate()
    shape.deallocate()
  }
}

/// A train handle, destroyed with the object.
final class CTrain {
  let handle: OpaquePointer
  init(_ handle: OpaquePointer) { self.handle = handle }
  deinit { ttk_train_destroy(handle) }
}

func svdOptions() -> ttk_svd_options {
  var options = ttk_svd_options()
  options.struct_size = MemoryLayout<ttk_svd_options>.size
  return options
}

func makeTrain(_ lengths: [Int64] = [3, 4, 5]) throws -> CTrain {
  let array = CArray(lengths)
  var out: OpaquePointer?
  try #require(ttk_svd(&array.array, nil, &out) == ok)
  return CTrain(try #require(out))
}

/// A train matrix of (6, 8) with digits (2, 3) and (4, 2).
func makeMatrix() throws -> OpaquePointer {
  let array = CArray([6, 8])
  var out: OpaquePointer?
  try #require(ttk_train_matrix_from_array(&array.array, 2, [2, 3], [4, 2], nil, &out) == ok)
  return try #require(out)
}

/// Checks a refused call that has a result handle: status, NULL result, a sentence.
func expectRefused(
  _ expected: ttk_status, containing text: String = "", _ comment: Comment? = nil,
  _ call: (UnsafeMutablePointer<OpaquePointer?>) -> ttk_status
) {
  // Something that is not NULL, to see it cleared.
  var out: OpaquePointer? = OpaquePointer(bitPattern: 8)
  let status = call(&out)
  #expect(status == expected, comment)
  #expect(out == nil, comment)
  let sentence = String(cString: ttk_last_error())
  #expect(!sentence.isEmpty && sentence.contains(text), "\(sentence)")
}
