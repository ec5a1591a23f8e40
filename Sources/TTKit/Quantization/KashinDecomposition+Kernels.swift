/// The steps of Kashin's decomposition, many vectors at a time.
internal import CTTKKernels

public struct KashinDecomposition<T: RealScalar>: Sendable {
  public let u: Tensor<T>
  public let v: Tensor<T>
  public let steps: Int
  /// Every vector was left with no more than the tolerance.
  public let isConverged: Bool
  /// The largest ‖x − u − Q v‖ / ‖x‖ of a vector, computed from u and v.
  public let error: Double
  /// The largest entry of u and of v, times √n / ‖x‖.
  public let maxNorm: Double

  /// - Parameters:
  ///   - x: (rows, columns), finite.
  ///   - isWhole: the matrix is one vector; else every row is.
  public init(
    _ x: Tensor<T>, transform kind: TransformKind, seed: UInt64, isWhole: Bool,
    _ options: KashinOptions, executor: Executor = Executor()
  ) throws(TTKitError) {
    let basis = try kashinBasis(
      T.self, kind, shape: x.shape, seed: seed, isWhole: isWhole, executor: executor)
    try self.init(x, basis: basis, options)
  }

  /// - Parameters:
  ///   - x: (vectors, length) of a row basis, or the whole matrix of the other; finite.
  ///   - keepsRest: what is left in the end is added to u.
  init(
    _ x: Tensor<T>, basis: any KashinBasis<T>, _ options: KashinOptions, keepsRest: Bool = false
  ) throws(TTKitError) {
    var run = try KashinRun(x, basis, options)
    var done = 0
    while done < options.mostSteps, !run.isDone {
      try run.step(done)
      done += 1
    }
    steps = done
    isConverged = run.isDone
    if keepsRest {
      unsafe add(run.residual.buffer.base, to: run.u.buffer.base, x.count)  // as many elements
      (error, maxNorm) = (0, .nan)
    } else {
      (error, maxNorm) = try run.measured(x)
    }
    (u, v) = try run.rescaled()
  }
}

/// Vectors under work, each divided by a power of two near its largest entry.
private struct KashinRun<T: RealScalar> {
  let basis: any KashinBasis<T>
  let options: KashinOptions
  let shape: [Int]
  let count: Int
  let length: Int
  let scales: [Double]
  let norms: [Double]
  let u: Vectors
  let v: Vectors
  var residual: Vectors
  /// Norms of what is left.
  var left: [Double]
  /// Alternating: vectors that begin with steps on u.
  var startsWithU: [Bool] = []

  /// Memory of all vectors that steps write.
  final class Vectors: Sendable {
    let buffer: Buffer<T>
    init(_ buffer: consuming Buffer<T>) { self.buffer = buffer }
  }

  init(
    _ x: Tensor<T>, _ basis: any KashinBasis<T>, _ options: KashinOptions
  ) throws(TTKitError) {
    self.basis = basis
    self.options = options
    shape = x.shape
    count = basis.vectorCount(x)
    length = x.count / max(count, 1)
    u = Vectors(try Buffer(count: x.count, zeroed: true))
    v = Vectors(try Buffer(count: x.count, zeroed: true))
    let start = Vectors(try Buffer(count: x.count))
    var (scales, norms): ([Double], [Double]) = ([], [])
    for i in 0..<count {
      // In bounds: vector i of both.
      let source = unsafe x.storage.buffer.base + i * length
      let most = unsafe largest(source, length)
      let scale = most == 0 ? 1 : Double(sign: .plus, exponent: most.exponent, significand: 1)
      let target = unsafe start.buffer.base + i * length
      norms.append(unsafe divide(source, by: scale, into: target, length).squareRoot())
      scales.append(scale)
    }
    (self.scales, self.norms, left) = (scales, norms, norms)
    residual = start
  }

  var isDone: Bool { zip(left, norms).allSatisfy { $0 <= options.tolerance * $1 } }

  /// Sums of magnitudes of each vector.
  private func sums(_ vectors: Vectors) -> [Double] {
    let kernels = unsafe ttkk_active().pointee
    return (0..<count).map { i in
      // In bounds: vector i. Rebinding is right: T is the type its dtype names.
      let at = unsafe UnsafeRawPointer(vectors.buffer.base + i * length)
      return T.dtype == .float32
        ? unsafe kernels.sum_abs_f32(length, at.assumingMemoryBound(to: Float.self))
        : unsafe kernels.sum_abs_f64(length, at.assumingMemoryBound(to: Double.self))
    }
  }

  private func tensor(_ vectors: Vectors) throws(TTKitError) -> Tensor<T> {
    let copy = try Buffer<T>(count: vectors.buffer.count)
    unsafe copy.base.update(from: vectors.buffer.base, count: copy.count)  // as many elements
    return Tensor(shape: shape, buffer: copy)
  }

  private func vectors(_ tensor: Tensor<T>) throws(TTKitError) -> Vectors {
    let copy = try Buffer<T>(count: tensor.count)
    unsafe copy.base.update(from: tensor.storage.buffer.base, count: copy.count)
    return Vectors(copy)
  }

  /// Which vectors step on u now, given both sums where they are needed to decide.
  private mutating func sides(
    _ step: Int, _ own: [Double], _ other: [Double]?
  ) -> [Bool] {
    if options.method == .alternating, step > 0 {
      return startsWithU.map { (step % 4 < 2) == $0 }
    }
    guard let other else { return own.map { _ in true } }
    var sides = zip(own, other).map { $0 >= $1 }
    if options.sharesSides {
      // Relative to the norms, so that every vector has the same say.
      var vote = 0.0
      for i in 0..<count where norms[i] > 0 { vote += (own[i] - other[i]) / max(left[i], 1e-300) }
      sides = sides.map { _ in vote >= 0 }
    }
    startsWithU = sides
    return sides
  }

  mutating func step(_ index: Int) throws(TTKitError) {
    let own = sums(residual)
    let isFixed = options.method == .alternating && index > 0
    let needsOther = !isFixed || startsWithU.contains { (index % 4 < 2) != $0 }
    let turned = needsOther ? try vectors(basis.analysis(tensor(residual))) : nil
    let other = turned.map { sums($0) }
    let sides = sides(index, own, other)
    for i in 0..<count where sides[i] {
      left[i] = step(on: residual, i, own[i], into: u)
    }
    guard let turned, let other, sides.contains(false) else { return }
    for i in 0..<count where !sides[i] { left[i] = step(on: turned, i, other[i], into: v) }
    let back = try basis.synthesis(tensor(turned))
    for i in 0..<count where !sides[i] {
      // In bounds: vector i of both.
      unsafe (residual.buffer.base + i * length).update(
        from: back.storage.buffer.base + i * length, count: length)
    }
  }

  /// One sign step of vector i; returns the norm of what is left.
  private func step(on r: Vectors, _ i: Int, _ sum: Double, into target: Vectors) -> Double {
    let kernels = unsafe ttkk_active().pointee
    let c = sum / Double(length)
    // In bounds: vector i of both. Rebinding is right: T is the type its dtype names.
    let from = unsafe UnsafeMutableRawPointer(r.buffer.base + i * length)
    let to = unsafe UnsafeMutableRawPointer(target.buffer.base + i * length)
    let squares =
      T.dtype == .float32
      ? unsafe kernels.sign_step_f32(
        length, Float(c), from.assumingMemoryBound(to: Float.self),
        to.assumingMemoryBound(to: Float.self))
      : unsafe kernels.sign_step_f64(
        length, c, from.assumingMemoryBound(to: Double.self),
        to.assumingMemoryBound(to: Double.self))
    return squares.squareRoot()
  }

  /// The largest relative error of a vector and the largest entry times √n / ‖x‖.
  func measured(_ x: Tensor<T>) throws(TTKitError) -> (Double, Double) {
    let synthesis = try basis.synthesis(tensor(v))
    var (worst, most) = (0.0, 0.0)
    for i in 0..<count where norms[i] > 0 {
      let at = i * length
      // In bounds: vector i of all.
      let (sum, entry) = unsafe compare(
        x.storage.buffer.base + at, scales[i], u.buffer.base + at, v.buffer.base + at,
        synthesis.storage.buffer.base + at, length)
      worst = max(worst, sum.squareRoot() / norms[i])
      most = max(most, entry * Double(length).squareRoot() / norms[i])
    }
    return (worst, most)
  }

  /// u and v in the scale of x.
  func rescaled() throws(TTKitError) -> (Tensor<T>, Tensor<T>) {
    for i in 0..<count where scales[i] != 1 {
      // In bounds: vector i of both. Exact, but for the ends of the range.
      for part in [u, v] {
        let at = unsafe part.buffer.base + i * length
        _ = unsafe divide(at, by: 1 / scales[i], into: at, length)
      }
    }
    return (try tensor(u), try tensor(v))
  }
}

// MARK: - Loops over elements; callers give n of each

@specialized(where T == Float)
@specialized(where T == Double)
private func add<T: RealScalar>(_ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>, _ n: Int) {
  for i in 0..<n { unsafe y[i] += unsafe x[i] }
}

/// The largest magnitude.
@specialized(where T == Float)
@specialized(where T == Double)
private func largest<T: RealScalar>(_ x: UnsafePointer<T>, _ n: Int) -> Double {
  var most = T.zero
  for i in 0..<n { most = max(most, unsafe abs(x[i])) }
  return Double(most)
}

/// y = x / scale, a power of two; returns the sum of squares.
@specialized(where T == Float)
@specialized(where T == Double)
private func divide<T: RealScalar>(
  _ x: UnsafePointer<T>, by scale: Double, into y: UnsafeMutablePointer<T>, _ n: Int
) -> Double {
  var sum = 0.0
  for i in 0..<n {
    let value = Double(unsafe x[i]) / scale
    unsafe y[i] = T(value)
    sum += value * value
  }
  return sum
}

/// The sum of squares of x / scale − u − synthesis, and the largest magnitude in u and v.
@specialized(where T == Float)
@specialized(where T == Double)
private func compare<T: RealScalar>(
  _ x: UnsafePointer<T>, _ scale: Double, _ u: UnsafePointer<T>, _ v: UnsafePointer<T>,
  _ synthesis: UnsafePointer<T>, _ n: Int
) -> (squares: Double, entry: Double) {
  var (sum, entry) = (0.0, 0.0)
  for i in 0..<n {
    let (a, b) = unsafe (Double(u[i]), Double(v[i]))
    entry = max(entry, abs(a), abs(b))
    let rest = unsafe Double(x[i]) / scale - a - Double(synthesis[i])
    sum += rest * rest
  }
  return (sum, entry)
}
