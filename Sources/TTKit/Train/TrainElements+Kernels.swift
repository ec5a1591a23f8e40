/// Elements and inner products of trains that need no watching of exponents, with as little around the
/// arithmetic as can be: small problems are all overhead.
internal import CTTKKernels

extension TensorTrain {
  /// values[j] = element of point first + j of `indices`, all within the shape.
  /// - Precondition: `isTame`.
  @specialized(where T == Double)
  func tameElements(
    _ indices: Span<Int64>, _ first: Int, _ values: inout MutableSpan<T>
  ) throws(TTKitError) {
    let (count, order) = (values.count, cores.count)
    var width = 1
    for core in cores { width = max(width, core.shape[2]) }
    let scratch = try Buffer<T>(count: 2 * width)  // fits: a core with that rank exists
    let kernel = unsafe elementsKernel(T.dtype)
    // In bounds: indices were checked against the shape; scratch holds two rows of the largest rank.
    unsafe withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: order) { pointers in
      unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * order + 1) { lengths in
        unsafe lengths[0] = 1
        for k in 0..<order {
          unsafe pointers[k] = UnsafeRawPointer(cores[k].storage.buffer.base)
          unsafe lengths[k + 1] = cores[k].shape[2]
          unsafe lengths[order + 1 + k] = cores[k].shape[1]
        }
        var train = unsafe ttkk_cores(
          order: order, width: width, cores: pointers.baseAddress, ranks: lengths.baseAddress,
          modes: lengths.baseAddress! + order + 1)
        unsafe indices.withUnsafeBufferPointer { indices in
          unsafe values.withUnsafeMutableBufferPointer { values in
            guard let base = indices.baseAddress else { return }
            unsafe kernel(&train, count, base + first * order, values.baseAddress, scratch.base)
          }
        }
      }
    }
    withExtendedLifetime(self) {}
  }

  /// ∑ conj(self) · other over all elements, of equal shapes.
  /// - Precondition: products of both stay in range, as ``isTame(reach:)`` says of their sum.
  @specialized(where T == Double)
  func tameDot(_ other: TensorTrain) throws(TTKitError) -> T {
    var (states, halves) = (1, 1)
    for (a, b) in zip(cores, other.cores) {
      states = max(states, try checkedProduct([a.shape[2], b.shape[2]]))
      halves = max(halves, try checkedProduct([a.shape[0], b.shape[1], b.shape[2]]))
      try requireBLASLengths([a.shape[0], a.shape[2], b.shape[0], b.shape[1] * b.shape[2]])
      try requireBLASLengths([a.shape[0] * a.shape[1], b.shape[2]])
    }
    let state = try Buffer<T>(count: states)
    let half = try Buffer<T>(count: halves)
    unsafe state.base[0] = .one
    for (a, b) in zip(cores, other.cores) {
      let (p, n, q) = (a.shape[0], a.shape[1], a.shape[2])
      let (r, s) = (b.shape[0], b.shape[2])
      // In bounds: state (p, r) times core (r, n s) is half (p, n s), seen as (p n, s).
      unsafe gemm(
        .plain, .plain, p, n * s, r, state.base, r, b.storage.buffer.base, n * s, half.base, n * s)
      unsafe gemm(
        .conjugateTransposed, .plain, q, s, p * n, a.storage.buffer.base, q, half.base, s,
        state.base, s)
    }
    return unsafe state.base[0]
  }
}

private func elementsKernel(_ dtype: DType) -> ttkk_elements {
  let kernels = unsafe ttkk_active().pointee
  // Every table is complete.
  switch dtype {
  case .float32: return unsafe kernels.elements_f32!
  case .float64: return unsafe kernels.elements_f64!
  case .complex64: return unsafe kernels.elements_c64!
  default: return unsafe kernels.elements_c128!
  }
}
