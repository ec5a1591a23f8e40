/// Products of matrices by BLAS; activations meet weights through PackedMatrix instead.
internal import COpenBLAS
internal import CTTKKernels

/// How an operand enters a product.
public enum Operand: Sendable {
  case plain, transposed, conjugateTransposed
}

/// op(a) · op(b) for matrices.
///
/// - Parameters: two-dimensional tensors whose inner lengths agree.
/// - Throws: `.outOfMemory`; `.sizeOverflow` when a length exceeds BLAS's 2³¹ − 1.
public func product<T: Scalar>(
  _ a: Tensor<T>, _ b: Tensor<T>, _ opA: Operand = .plain, _ opB: Operand = .plain
) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape.count == 2 && b.shape.count == 2, "product of matrices only")
  let (m, k) = opA == .plain ? (a.shape[0], a.shape[1]) : (a.shape[1], a.shape[0])
  let (kb, n) = opB == .plain ? (b.shape[0], b.shape[1]) : (b.shape[1], b.shape[0])
  precondition(k == kb, "inner lengths \(k) and \(kb) differ")
  try requireBLASLengths([m, n, k])
  let buffer = try Buffer<T>(count: checkedProduct([m, n]), zeroed: k == 0)
  if m > 0 && n > 0 && k > 0 {
    // In bounds: shapes were checked above; leading dimensions are the row lengths.
    unsafe gemm(
      opA, opB, m, n, k, a.storage.buffer.base, a.shape[1], b.storage.buffer.base, b.shape[1],
      buffer.base, n)
  }
  return Tensor(shape: [m, n], buffer: buffer)
}

/// c − op(a) · op(b), in memory of its own.
func remainder<T: Scalar>(
  of c: Tensor<T>, _ a: Tensor<T>, _ b: Tensor<T>, _ opA: Operand = .plain, _ opB: Operand = .plain
) throws(TTKitError) -> Tensor<T> {
  let (m, k) = opA == .plain ? (a.shape[0], a.shape[1]) : (a.shape[1], a.shape[0])
  let n = c.shape[1]
  precondition(c.shape[0] == m, "shapes differ")
  try requireBLASLengths([m, n, k])
  let result = try c.copied()
  if m > 0 && n > 0 && k > 0 {
    // In bounds as in product; the copy belongs to nobody else yet.
    unsafe gemm(
      opA, opB, m, n, k, a.storage.buffer.base, a.shape[1], b.storage.buffer.base, b.shape[1],
      result.storage.buffer.base, n, subtracting: true)
  }
  return result
}

/// c[i] = a[i] · b[i] for stacks of matrices a (count, m, k) and b (count, k, n).
public func batchedProduct<T: Scalar>(
  _ a: Tensor<T>, _ b: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape.count == 3 && b.shape.count == 3, "stacks of matrices only")
  let (count, m, k, n) = (a.shape[0], a.shape[1], a.shape[2], b.shape[2])
  precondition(b.shape[0] == count && b.shape[1] == k, "stacks do not fit")
  try requireBLASLengths([m, n, k])
  let buffer = try Buffer<T>(count: checkedProduct([count, m, n]), zeroed: k == 0)
  if m > 0 && n > 0 && k > 0 {
    for i in 0..<count {
      // In bounds: matrix i of each stack.
      unsafe gemm(
        .plain, .plain, m, n, k, a.storage.buffer.base + i * m * k, k,
        b.storage.buffer.base + i * k * n, n, buffer.base + i * m * n, n)
    }
  }
  return Tensor(shape: [count, m, n], buffer: buffer)
}

/// c[i] = a · b[i] for one matrix a (m, k) and a stack b (count, k, n).
func sharedProduct<T: Scalar>(
  _ a: Tensor<T>, _ b: Tensor<T>
) throws(TTKitError) -> Tensor<T> {
  precondition(a.shape.count == 2 && b.shape.count == 3, "a matrix and a stack only")
  let (m, k) = (a.shape[0], a.shape[1])
  let (count, n) = (b.shape[0], b.shape[2])
  precondition(b.shape[1] == k, "inner lengths \(k) and \(b.shape[1]) differ")
  try requireBLASLengths([m, n, k])
  let buffer = try Buffer<T>(count: checkedProduct([count, m, n]), zeroed: k == 0)
  if m > 0 && n > 0 && k > 0 {
    for i in 0..<count {
      // In bounds: matrix i of each stack.
      unsafe gemm(
        .plain, .plain, m, n, k, a.storage.buffer.base, k, b.storage.buffer.base + i * k * n, n,
        buffer.base + i * m * n, n)
    }
  }
  return Tensor(shape: [count, m, n], buffer: buffer)
}

/// - Throws: `.sizeOverflow` for lengths that BLAS, which counts in 32 bits, cannot take.
func requireBLASLengths(_ lengths: [Int]) throws(TTKitError) {
  guard lengths.allSatisfy({ $0 <= Int(Int32.max) }) else {
    throw .sizeOverflow(
      "a product of lengths \(describe(lengths)) exceeds BLAS's 2^31 - 1; merge modes differently")
  }
}

/// Row-major product by BLAS: c (m, n) = op(a) · op(b), or c −= op(a) · op(b), with leading dimensions.
func gemm<T: Scalar>(
  _ opA: Operand, _ opB: Operand, _ m: Int, _ n: Int, _ k: Int,
  _ a: UnsafePointer<T>, _ lda: Int, _ b: UnsafePointer<T>, _ ldb: Int,
  _ c: UnsafeMutablePointer<T>, _ ldc: Int, subtracting: Bool = false
) {
  func code(_ operand: Operand) -> CBLAS_TRANSPOSE {
    switch operand {
    case .plain: return CblasNoTrans
    case .transposed: return CblasTrans
    case .conjugateTransposed: return CblasConjTrans
    }
  }
  let (ta, tb) = (code(opA), code(opB))
  let (m, n, k) = (Int32(m), Int32(n), Int32(k))
  let (lda, ldb, ldc) = (Int32(lda), Int32(ldb), Int32(ldc))
  let (ra, rb) = unsafe (UnsafeRawPointer(a), UnsafeRawPointer(b))
  let rc = UnsafeMutableRawPointer(c)
  let (alpha, beta): (Double, Double) = subtracting ? (-1, 1) : (1, 0)
  // Rebinding is right: T's memory layout is the one its dtype names.
  switch T.dtype {
  case .float32:
    unsafe cblas_sgemm(
      CblasRowMajor, ta, tb, m, n, k, Float(alpha), ra.assumingMemoryBound(to: Float.self), lda,
      rb.assumingMemoryBound(to: Float.self), ldb, Float(beta),
      rc.assumingMemoryBound(to: Float.self), ldc)
  case .float64:
    unsafe cblas_dgemm(
      CblasRowMajor, ta, tb, m, n, k, alpha, ra.assumingMemoryBound(to: Double.self), lda,
      rb.assumingMemoryBound(to: Double.self), ldb, beta, rc.assumingMemoryBound(to: Double.self),
      ldc)
  case .complex64:
    let scalars: [Float] = [Float(alpha), 0, Float(beta), 0]
    unsafe scalars.withUnsafeBufferPointer { s in
      unsafe cblas_cgemm(
        CblasRowMajor, ta, tb, m, n, k, s.baseAddress!, ra, lda, rb, ldb, s.baseAddress! + 2, rc,
        ldc)
    }
  default:
    let scalars: [Double] = [alpha, 0, beta, 0]
    unsafe scalars.withUnsafeBufferPointer { s in
      unsafe cblas_zgemm(
        CblasRowMajor, ta, tb, m, n, k, s.baseAddress!, ra, lda, rb, ldb, s.baseAddress! + 2, rc,
        ldc)
    }
  }
}
