/// Orthogonal transforms of rows, by kernels.
internal import CTTKKernels

/// Q z for every row z of a matrix, and Qᵀ z.
///
/// - Complexity: O(n log n) a row for lengths of small primes, O(n p) for the largest prime p;
///   O(n²) for `orthogonal`.
final class OrthogonalTransform<T: RealScalar>: Sendable {
  let kind: TransformKind
  let length: Int
  private let signs: Tensor<T>
  /// Of the whole length for dct, of ``TransformSeed/cosineLength`` for hadamard.
  private let cosines: CosinePlan<T>
  /// Q and Qᵀ, for orthogonal alone.
  private let matrices: (forward: PackedMatrix<T>, adjoint: PackedMatrix<T>)?
  /// Rows that one task transforms.
  private static var block: Int { 2 * Int(TTKK_LANES) }
  private static var mostTasks: Int { 16 }

  init(_ seed: TransformSeed, executor: Executor = .serial) throws(TTKitError) {
    (kind, length) = (seed.kind, seed.length)
    // Four times the length for each lane, for each task, is what scratch takes at most.
    _ = try checkedProduct([length, 8 * Int(TTKK_LANES) * Self.mostTasks, MemoryLayout<T>.stride])
    if kind == .orthogonal {
      let q = try seed.matrix(T.self)
      matrices = (
        try PackedMatrix(q, executor: executor),
        try PackedMatrix(q.transposed([1, 0]), executor: executor)
      )
      (signs, cosines) = (try Tensor(shape: [0], elements: []), try CosinePlan(length: 1))
      return
    }
    matrices = nil
    signs = try seed.signs(T.self)
    cosines = try CosinePlan(length: kind == .dct ? length : seed.cosineLength)
  }

  private func tasks(_ rows: Int) -> Int { min((rows - 1) / Self.block + 1, Self.mostTasks) }
  private var scratchOfTask: Int { cosines.scratchCount }

  /// Elements of scratch for so many rows.
  func scratchCount(rows: Int) -> Int {
    if let matrices {
      return rows * max(matrices.forward.scratchOfRow, matrices.adjoint.scratchOfRow)
    }
    return max(tasks(rows), 1) * scratchOfTask  // fits: checked in init
  }

  /// y = Q x for every row, or Qᵀ x. Compact rows of `length`; y may be x except for orthogonal.
  func apply(
    _ x: UnsafePointer<T>, rows: Int, xStep: Int, to y: UnsafeMutablePointer<T>, yStep: Int,
    adjoint: Bool = false, scratch: UnsafeMutablePointer<T>, executor: Executor
  ) {
    guard rows > 0 else { return }
    if let matrices {
      precondition(xStep == length && yStep == length, "orthogonal transforms take compact rows")
      let matrix = adjoint ? matrices.adjoint : matrices.forward
      unsafe matrix.multiply(
        x, rows: rows, into: y, bias: nil, accumulate: false, scratch: scratch, executor: executor)
      return
    }
    let tasks = tasks(rows)
    let executor = rows * length < 1 << 15 ? .serial : executor
    // Tasks read and write disjoint rows, in disjoint scratch.
    nonisolated(unsafe) let (x, y, scratch) = unsafe (x, y, scratch)
    let blocks = (rows + Self.block - 1) / Self.block
    executor.run(tasks) { task in
      for b in stride(from: task, to: blocks, by: tasks) {
        let first = b * Self.block
        let live = min(Self.block, rows - first)
        // In bounds: rows first ..< first + live.
        unsafe self.run(
          x + first * xStep, live, xStep, y + first * yStep, yStep,
          scratch + task * self.scratchOfTask)
      }
    }
  }

  /// Both fast transforms are symmetric: Q is Qᵀ.
  private func run(
    _ x: UnsafePointer<T>, _ rows: Int, _ xStep: Int, _ y: UnsafeMutablePointer<T>, _ yStep: Int,
    _ scratch: UnsafeMutablePointer<T>
  ) {
    if kind == .dct {
      unsafe transform(Int32(TTKK_AROUND_SIGNS), x, rows, xStep, y, yStep, scratch)
      return
    }
    let m = cosines.length
    let count = length / m
    let scale = T((1 / Double(count)).squareRoot())
    let signs = unsafe signs.storage.buffer.base
    for r in 0..<rows {
      let (source, target) = unsafe (x + r * xStep, y + r * yStep)
      // In bounds: one row on both sides; signs are as long.
      for i in 0..<length { unsafe target[i] = unsafe source[i] }
      unsafe hadamard(count, m, scale, target)
      if m > 1 { unsafe transform(Int32(TTKK_FORWARD), target, count, m, target, m, scratch) }
      for i in 0..<length { unsafe target[i] *= unsafe signs[i] }
      if m > 1 { unsafe transform(Int32(TTKK_INVERSE), target, count, m, target, m, scratch) }
      unsafe hadamard(count, m, scale, target)
    }
  }

  private func transform(
    _ mode: Int32, _ x: UnsafePointer<T>, _ rows: Int, _ xStep: Int, _ y: UnsafeMutablePointer<T>,
    _ yStep: Int, _ scratch: UnsafeMutablePointer<T>
  ) {
    let kernels = unsafe ttkk_active().pointee
    var plan = unsafe cosines.tables(signs: signs.storage.buffer.base)
    // Rebinding is right: T is the type its dtype names. In bounds: `rows` rows of the plan's length,
    // scratch as the kernel asks.
    let (x, y, scratch) = unsafe (
      UnsafeRawPointer(x), UnsafeMutableRawPointer(y), UnsafeMutableRawPointer(scratch)
    )
    if T.dtype == .float32 {
      unsafe kernels.cosines_f32(
        &plan, mode, rows, x.assumingMemoryBound(to: Float.self), xStep,
        y.assumingMemoryBound(to: Float.self), yStep, scratch.assumingMemoryBound(to: Float.self))
    } else {
      unsafe kernels.cosines_f64(
        &plan, mode, rows, x.assumingMemoryBound(to: Double.self), xStep,
        y.assumingMemoryBound(to: Double.self), yStep, scratch.assumingMemoryBound(to: Double.self))
    }
  }

  private func hadamard(_ count: Int, _ width: Int, _ scale: T, _ x: UnsafeMutablePointer<T>) {
    let kernels = unsafe ttkk_active().pointee
    let x = UnsafeMutableRawPointer(x)
    // Rebinding is right: T is the type its dtype names. In bounds: count · width elements.
    if T.dtype == .float32 {
      unsafe kernels.hadamard_f32(
        count, width, Float(scale), x.assumingMemoryBound(to: Float.self))
    } else {
      unsafe kernels.hadamard_f64(
        count, width, Double(scale), x.assumingMemoryBound(to: Double.self))
    }
  }
}

extension OrthogonalTransform {
  /// Q applied to every row of a matrix (rows, length), or Qᵀ.
  func applied(
    to x: Tensor<T>, adjoint: Bool = false, executor: Executor = .serial
  ) throws(TTKitError) -> Tensor<T> {
    let rows = x.count / max(length, 1)
    let y = try Buffer<T>(count: x.count)
    let scratch = try Buffer<T>(count: scratchCount(rows: rows))
    // In bounds: compact rows on both sides.
    unsafe apply(
      x.storage.buffer.base, rows: rows, xStep: length, to: y.base, yStep: length, adjoint: adjoint,
      scratch: scratch.base, executor: executor)
    return Tensor(shape: x.shape, buffer: y)
  }
}
