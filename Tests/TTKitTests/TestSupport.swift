@testable import TTKit

func largestDifference<T: RealScalar>(_ a: Tensor<T>, _ b: Tensor<T>) -> Double {
  zip(a.elements, b.elements).map { abs(Double($0) - Double($1)) }.max() ?? 0
}

/// A view of a tensor's memory, as a caller of the C interface would pass it.
///
/// The tensor must outlive it: never a view of a temporary.
func view<T: Scalar>(_ tensor: Tensor<T>) throws -> StridedView {
  try StridedView(
    data: UnsafeMutableRawPointer(tensor.storage.buffer.base), shape: tensor.shape, strides: nil,
    dtype: T.dtype)
}

/// x (rows, k) Wᵀ by the definition.
func referenceProduct<T: RealScalar>(_ x: Tensor<T>, _ w: Tensor<T>) throws -> Tensor<T> {
  let (rows, k, n) = (x.shape[0], x.shape[1], w.shape[0])
  let (a, b) = (x.elements, w.elements)
  return try Tensor<T>(shape: [rows, n]) { out in
    for r in 0..<rows {
      for j in 0..<n {
        var sum = 0.0
        for i in 0..<k { sum += Double(a[r * k + i]) * Double(b[j * k + i]) }
        out[r * n + j] = T(sum)
      }
    }
  }
}
