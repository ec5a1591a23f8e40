/// Entry points of ttkit/quantize.h: orthogonal transforms and Kashin's decomposition.
internal import CTTKKernels
public import CTTKit
internal import TTKit

private func kind(_ value: ttk_transform) throws(TTKitError) -> TransformKind {
  switch Int(value) {
  case TTK_TRANSFORM_DCT: return .dct
  case TTK_TRANSFORM_HADAMARD: return .hadamard
  case TTK_TRANSFORM_ORTHOGONAL: return .orthogonal
  default: throw .invalidArgument("transform is \(value), expected a TTK_TRANSFORM_ value")
  }
}

private func isWhole(_ value: ttk_vectors) throws(TTKitError) -> Bool {
  guard Int(value) == TTK_VECTORS_ROWS || Int(value) == TTK_VECTORS_WHOLE else {
    throw .invalidArgument(
      "vectors is \(value), expected TTK_VECTORS_ROWS or TTK_VECTORS_WHOLE")
  }
  return Int(value) == TTK_VECTORS_WHOLE
}

/// One or two axes of at least 1, float32 or float64.
private func vectors(
  _ pointer: UnsafePointer<ttk_array>?
) throws(TTKitError) -> (view: StridedView, matrix: [Int]) {
  let x = try view(pointer, "x")
  guard x.dtype == .float32 || x.dtype == .float64 else {
    throw .unsupportedDType("x is \(x.dtype.name), expected float32 or float64")
  }
  guard (1...2).contains(x.shape.count), !x.shape.contains(0) else {
    throw .invalidArgument(
      "x has shape \(describe(x.shape)), expected one or two axes of at least 1")
  }
  return (x, x.shape.count == 1 ? [1] + x.shape : x.shape)
}

@c @implementation
public func ttk_transform_apply(
  _ x: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_transform_options>?,
  _ y: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let given = try TTKitC.options(
      options, "ttk_transform_options", zero: ttk_transform_options())
    let (kind, isWhole) = (try kind(given.transform), try isWhole(given.vectors))
    guard given.is_adjoint == 0 || given.is_adjoint == 1 else {
      throw .invalidArgument("is_adjoint is \(given.is_adjoint), expected 0 or 1")
    }
    let executor = try executor(nil, threads: given.threads)
    let (x, matrix) = try vectors(x)
    let y = try target(y, "y", shape: x.shape, dtype: x.dtype)
    func run<T: RealScalar>(_ type: T.Type) throws(TTKitError) {
      y.write(
        try orthogonalTransform(
          of: x.copied(as: T.self).reshaped(matrix), kind, seed: given.seed, isWhole: isWhole,
          adjoint: given.is_adjoint == 1, executor: executor
        ).reshaped(x.shape))
    }
    if x.dtype == .float64 { try run(Double.self) } else { try run(Float.self) }
  }
}

@c @implementation
public func ttk_kashin(
  _ x: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_kashin_options>?,
  _ u: UnsafeMutablePointer<ttk_array>?, _ v: UnsafeMutablePointer<ttk_array>?,
  _ report: UnsafeMutablePointer<ttk_kashin_report>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let given = try TTKitC.options(options, "ttk_kashin_options", zero: ttk_kashin_options())
    let (kind, isWhole) = (try kind(given.transform), try isWhole(given.vectors))
    let wish = try kashinOptions(given)
    let executor = try executor(nil, threads: given.threads)
    let (x, matrix) = try vectors(x)
    let u = try target(u, "u", shape: x.shape, dtype: x.dtype)
    let v = try target(v, "v", shape: x.shape, dtype: x.dtype)
    if let first = Region(u, "u"), let second = Region(v, "v") {
      try first.requireApart(from: second)
    }
    var found = ttk_kashin_report()
    found.struct_size = MemoryLayout<ttk_kashin_report>.size
    if report != nil { try fill(report, "ttk_kashin_report", with: found) }
    func run<T: RealScalar>(_ type: T.Type) throws(TTKitError) {
      let values = try x.copied(as: T.self)
      guard values.isFinite else {
        throw .nonFinite("x holds NaN or infinity; expected finite values")
      }
      let made = try KashinDecomposition(
        values.reshaped(matrix), transform: kind, seed: given.seed, isWhole: isWhole, wish,
        executor: executor)
      u.write(made.u.reshaped(x.shape))
      v.write(made.v.reshaped(x.shape))
      (found.steps, found.error) = (Int64(made.steps), made.error)
      (found.max_norm, found.converged) = (made.maxNorm, made.isConverged ? 1 : 0)
    }
    if x.dtype == .float64 { try run(Double.self) } else { try run(Float.self) }
    if report != nil { try fill(report, "ttk_kashin_report", with: found) }
  }
}

private func kashinOptions(_ given: ttk_kashin_options) throws(TTKitError) -> KashinOptions {
  let method: KashinMethod
  switch Int(given.method) {
  case TTK_KASHIN_GREEDY: method = .greedy
  case TTK_KASHIN_ALTERNATING: method = .alternating
  default:
    throw .invalidArgument(
      "method is \(given.method), expected TTK_KASHIN_GREEDY or TTK_KASHIN_ALTERNATING")
  }
  guard given.tolerance >= 0, given.tolerance < 1 else {  // false of NaN
    throw .invalidArgument("tolerance is \(given.tolerance), expected a number from 0 to below 1")
  }
  guard given.max_steps >= 0 else {
    throw .invalidArgument("max_steps is \(given.max_steps), expected at least 0")
  }
  return KashinOptions(
    method: method, tolerance: given.tolerance == 0 ? 1e-6 : given.tolerance,
    mostSteps: given.max_steps == 0 ? 200 : Int(given.max_steps))
}
