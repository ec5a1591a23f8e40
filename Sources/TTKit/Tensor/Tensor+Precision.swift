/// Single to double precision and back.

extension Tensor where Element: Scalar {
  /// The same numbers in another precision; real stays real, complex stays complex.
  func cast<Other: Scalar>(to type: Other.Type) throws(TTKitError) -> Tensor<Other> {
    if let same = self as? Tensor<Other> { return same }
    precondition(
      (Element.dtype == Element.Real.dtype) == (Other.dtype == Other.Real.dtype),
      "a cast between real and complex")
    let components = count * (Element.dtype == Element.Real.dtype ? 1 : 2)  // fits: bytes exist
    let buffer = try Buffer<Other>(count: count)
    let (from, to) = unsafe (
      UnsafeRawPointer(storage.buffer.base), UnsafeMutableRawPointer(buffer.base)
    )
    // In bounds: both hold so many components, of the precision their dtypes name.
    if Other.Real.dtype == .float64 {
      let (x, y) = unsafe (
        from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Double.self)
      )
      for i in 0..<components { unsafe y[i] = Double(x[i]) }
    } else {
      let (x, y) = unsafe (
        from.assumingMemoryBound(to: Double.self), to.assumingMemoryBound(to: Float.self)
      )
      for i in 0..<components { unsafe y[i] = Float(x[i]) }
    }
    return Tensor<Other>(shape: shape, buffer: buffer)
  }
}
