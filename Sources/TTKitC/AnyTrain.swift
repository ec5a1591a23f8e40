/// Trains of any dtype behind one handle type; the dtype is chosen once per call, here.
internal import CTTKit
internal import TTKit

/// What an entry point can do without knowing the dtype; opening the existential gives the rest.
protocol AnyTrain: Sendable {
  associatedtype Element: Scalar
  var train: TensorTrain<Element> { get }
  var plain: PlainTrain { get }
}

extension TensorTrain: AnyTrain {
  var train: TensorTrain<T> { self }
}

/// What does not depend on the dtype.
extension AnyTrain {
  var dtype: DType { Element.dtype }
  var order: Int { train.order }
  var shape: [Int] { train.shape }
  var ranks: [Int] { train.ranks }
  var byteCount: Int { train.byteCount }
  var error: Double { train.error }
}

protocol AnyTrainMatrix: Sendable {
  associatedtype Element: Scalar
  var matrix: TrainMatrix<Element> { get }
}

extension TrainMatrix: AnyTrainMatrix {
  var matrix: TrainMatrix<T> { self }
}

extension AnyTrainMatrix {
  var dtype: DType { Element.dtype }
  var order: Int { matrix.order }
  var rows: [Int] { matrix.rows }
  var columns: [Int] { matrix.columns }
  var ranks: [Int] { matrix.ranks }
  var byteCount: Int { matrix.byteCount }
  var error: Double { matrix.error }
}

typealias TrainHandle = Handle<any AnyTrain>
typealias TrainMatrixHandle = Handle<any AnyTrainMatrix>

func train(_ pointer: OpaquePointer?, _ name: String) throws(TTKitError) -> any AnyTrain {
  try TrainHandle.require(pointer, name).value
}

func trainMatrix(
  _ pointer: OpaquePointer?, _ name: String
) throws(TTKitError) -> any AnyTrainMatrix {
  try TrainMatrixHandle.require(pointer, name).value
}

/// The type that algorithms use for a dtype.
func scalarType(_ dtype: DType, _ name: String) throws(TTKitError) -> any Scalar.Type {
  switch dtype {
  case .float32: return Float.self
  case .float64: return Double.self
  case .complex64: return Complex<Float>.self
  case .complex128: return Complex<Double>.self
  default:
    throw .unsupportedDType(
      "\(name).dtype is \(dtype.name), expected float32, float64, complex64 or complex128")
  }
}

/// `b` as a train of `a`'s dtype.
func sameDType<A: AnyTrain>(
  _ a: A, _ b: any AnyTrain
) throws(TTKitError) -> TensorTrain<A.Element> {
  guard let b = b as? TensorTrain<A.Element> else {
    throw .unsupportedDType(
      "dtypes \(A.Element.dtype.name) and \(b.dtype.name) differ; convert one train")
  }
  return b
}

/// - Throws: `.unsupportedDType` unless the array holds `T`.
func requireDType<T: Scalar>(
  _ view: StridedView, _ type: T.Type, _ name: String
) throws(TTKitError) {
  guard view.dtype == T.dtype else {
    throw .unsupportedDType(
      "\(name).dtype is \(view.dtype.name), expected \(T.dtype.name), the train's")
  }
}

/// An array that the library writes: no two elements may share memory.
func requireWritable(_ view: StridedView, _ name: String) throws(TTKitError) {
  guard view.isInjective else {
    throw .invalidArgument(
      "\(name).strides \(describe(view.strides)) let elements overlap; writing needs distinct places"
    )
  }
}

/// Copies of arrays as tensors of `T`.
func cores<T: Scalar>(
  _ arrays: [StridedView], _ type: T.Type, axes: Int
) throws(TTKitError) -> [Tensor<T>] {
  var result: [Tensor<T>] = []
  for (k, array) in arrays.enumerated() {
    guard array.dtype == T.dtype else {
      throw .unsupportedDType(
        "cores[\(k)].dtype is \(array.dtype.name), expected \(T.dtype.name) as in cores[0]")
    }
    guard array.shape.count == axes, array.shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "cores[\(k)] has shape \(describe(array.shape)), expected \(axes) lengths of at least 1")
    }
    try result.append(array.copied(as: type))
  }
  return result
}

/// Checked views of `order` arrays.
func views(
  _ order: Int32, _ arrays: UnsafePointer<ttk_array>?, _ name: String
) throws(TTKitError) -> [StridedView] {
  guard order >= 1, order <= TTK_MAX_ORDER else {
    throw .invalidArgument("order is \(order), expected 1 to \(TTK_MAX_ORDER)")
  }
  let arrays = try require(arrays, name)
  var result: [StridedView] = []
  for k in 0..<Int(order) { try result.append(view(arrays[k], "\(name)[\(k)]")) }
  return result
}

/// A compact core as a borrowed view.
func borrow<T: Scalar>(
  _ core: Tensor<T>, _ arena: Arena, in out: UnsafeMutablePointer<ttk_array>
) {
  out.pointee = ttk_array(
    data: core.withSpan { span in
      // The view lives as long as the handle, which holds the core.
      span.withUnsafeBufferPointer { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
    }, shape: arena.lengths(core.shape), strides: arena.lengths(rowMajorStrides(core.shape)),
    ndim: Int32(core.shape.count), dtype: T.dtype.rawValue)
}

// MARK: - Options

/// ttk_svd_options converted.
struct SVDOptions {
  let truncation: Truncation
  let executor: Executor
  let progress: ProgressReporter
  let method: DecompositionMethod
  let seed: UInt64
  let memoryLimit: Int?
  let report: UnsafeMutablePointer<ttk_svd_report>?

  /// - Parameter order: how many modes the result will have, which says how many caps there are.
  init(_ pointer: UnsafePointer<ttk_svd_options>?, order: Int) throws(TTKitError) {
    let given = try options(pointer, "ttk_svd_options", zero: ttk_svd_options())
    try requireZero(given.reserved, "ttk_svd_options->reserved")
    guard given.max_rank >= 0 else {
      throw .invalidArgument("max_rank is \(given.max_rank), expected at least 1, or 0 for no cap")
    }
    let caps = given.max_ranks.map { caps in (0..<max(order - 1, 0)).map { Int(caps[$0]) } }
    truncation = Truncation(
      relative: given.rtol, absolute: given.atol,
      maxRank: given.max_rank == 0 ? nil : Int(given.max_rank), maxRanks: caps)
    executor = try TTKitC.executor(given.executor, threads: given.threads)
    guard let method = DecompositionMethod(rawValue: given.method) else {
      throw .invalidArgument("method is \(given.method), expected a ttk_svd_method, 0 to 2")
    }
    self.method = method
    seed = given.seed
    guard given.memory_limit >= 0 else {
      throw .invalidArgument(
        "memory_limit is \(given.memory_limit), expected bytes, or 0 for no limit")
    }
    memoryLimit = given.memory_limit == 0 ? nil : Int(given.memory_limit)
    report = given.report
    if let report { try fill(report, "ttk_svd_report", with: ttk_svd_report()) }
    progress = reporter(given.progress, given.progress_context)
  }
}
