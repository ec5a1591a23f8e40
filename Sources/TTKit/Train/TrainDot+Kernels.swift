/// Inner products of trains that need no watching of exponents, with as little around the arithmetic as can be:
/// small problems are all overhead.

extension TensorTrain {
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
