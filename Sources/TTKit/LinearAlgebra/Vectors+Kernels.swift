/// Sums and inner products of long vectors, for iterative solvers.
internal import COpenBLAS

/// Σ conj(x) · y over all elements.
func innerProduct<T: Scalar>(_ x: Tensor<T>, _ y: Tensor<T>) -> T {
  precondition(x.count == y.count && x.count <= Int(Int32.max), "sizes differ, or exceed BLAS")
  let n = Int32(x.count)
  let a = unsafe UnsafeRawPointer(x.storage.buffer.base)
  let b = unsafe UnsafeRawPointer(y.storage.buffer.base)
  var result = T.zero
  // In bounds: n elements each. Rebinding is right: T's memory layout is the one its dtype names.
  unsafe withUnsafeMutableBytes(of: &result) { bytes in
    let out = bytes.baseAddress!
    switch T.dtype {
    case .float32:
      unsafe out.storeBytes(
        of: cblas_sdot(
          n, a.assumingMemoryBound(to: Float.self), 1, b.assumingMemoryBound(to: Float.self), 1),
        as: Float.self)
    case .float64:
      unsafe out.storeBytes(
        of: cblas_ddot(
          n, a.assumingMemoryBound(to: Double.self), 1, b.assumingMemoryBound(to: Double.self), 1),
        as: Double.self)
    case .complex64: unsafe cblas_cdotc_sub(n, a, 1, b, 1, out)
    default: unsafe cblas_zdotc_sub(n, a, 1, b, 1, out)
    }
  }
  return result
}

extension Tensor where Element: Scalar {
  /// This tensor plus factor · x; x has as many elements.
  func adding(_ factor: Element, _ x: Tensor) throws(TTKitError) -> Tensor {
    precondition(x.count == count && count <= Int(Int32.max), "sizes differ, or exceed BLAS")
    let sum = try copied()
    let n = Int32(count)
    let source = unsafe UnsafeRawPointer(x.storage.buffer.base)
    let target = unsafe UnsafeMutableRawPointer(sum.storage.buffer.base)
    // In bounds: n elements each; the sum is not shared yet.
    unsafe withUnsafePointer(to: factor) { factor in
      let scalar = unsafe UnsafeRawPointer(factor)
      switch Element.dtype {
      case .float32:
        unsafe cblas_saxpy(
          n, scalar.load(as: Float.self), source.assumingMemoryBound(to: Float.self), 1,
          target.assumingMemoryBound(to: Float.self), 1)
      case .float64:
        unsafe cblas_daxpy(
          n, scalar.load(as: Double.self), source.assumingMemoryBound(to: Double.self), 1,
          target.assumingMemoryBound(to: Double.self), 1)
      case .complex64: unsafe cblas_caxpy(n, scalar, source, 1, target, 1)
      default: unsafe cblas_zaxpy(n, scalar, source, 1, target, 1)
      }
    }
    return sum
  }

  /// This tensor minus x.
  func subtracting(_ x: Tensor) throws(TTKitError) -> Tensor {
    try adding(.zero - .one, x)
  }
}
