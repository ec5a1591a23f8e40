/// What the entry points of linear and embedding layers share.
internal import CTTKKernels
internal import CTTKit
internal import TTKit

/// A weight: two axes.
func weightView(
  _ pointer: UnsafePointer<ttk_array>?, _ name: String
) throws(TTKitError) -> StridedView {
  let view = try view(pointer, name)
  guard view.shape.count == 2, !view.shape.contains(0) else {
    throw .invalidArgument(
      "\(name) has shape \(describe(view.shape)), expected two axes of at least 1")
  }
  return view
}

/// `count` views of an array of arrays.
func views(
  _ pointer: UnsafePointer<ttk_array>?, _ count: Int32, _ name: String
) throws(TTKitError) -> [StridedView] {
  guard count >= 1, count <= Int32(TTK_MAX_ORDER) else {
    throw .invalidArgument("number of \(name) is \(count), expected 1 to \(TTK_MAX_ORDER)")
  }
  let arrays = try require(pointer, name)
  var result: [StridedView] = []
  for k in 0..<Int(count) { result.append(try view(arrays[k], "\(name)[\(k)]")) }
  return result
}

func optionalBias(_ pointer: UnsafePointer<ttk_array>?) throws(TTKitError) -> Bias? {
  guard pointer != nil else { return nil }
  return try Bias(view(pointer, "bias"))
}

/// The dtype of a caller, float32 or float64.
func realDType(_ dtype: ttk_dtype) throws(TTKitError) -> DType {
  guard let known = DType(rawValue: dtype), known == .float32 || known == .float64 else {
    throw .unsupportedDType("dtype is \(dtype), expected TTK_FLOAT32 or TTK_FLOAT64")
  }
  return known
}

/// The threads of a call that takes no moment.
func fitExecutor(_ pointer: UnsafePointer<ttk_fit_options>?) throws(TTKitError) -> Executor {
  let wish = try FitWish(pointer)
  guard wish.moment == nil else {
    throw .invalidArgument(
      "ttk_fit_options->moment is for fitting linear layers; expected NULL here")
  }
  return wish.executor
}

/// ttk_fit_options, checked.
struct FitWish {
  let executor: Executor
  let moment: StridedView?

  init(_ pointer: UnsafePointer<ttk_fit_options>?) throws(TTKitError) {
    let given = try options(pointer, "ttk_fit_options", zero: ttk_fit_options())
    try requireZero(given.reserved, "ttk_fit_options->reserved")
    executor = try TTKitC.executor(given.executor, threads: given.threads)
    moment = given.moment == nil ? nil : try view(given.moment, "moment")
  }

  /// The moment for a weight of so many columns.
  func inputMoment(columns: Int, hasBias: Bool) throws(TTKitError) -> InputMoment? {
    guard let moment else { return nil }
    return try InputMoment(sums: moment, width: columns, usesMean: hasBias)
  }
}

/// ttk_prepare_options, checked, with defaults filled in.
struct PrepareWish {
  let maxRows: Int
  let memoryLimit: Int?
  let compute: Compute
  let executor: Executor

  init(_ pointer: UnsafePointer<ttk_prepare_options>?) throws(TTKitError) {
    let given = try options(pointer, "ttk_prepare_options", zero: ttk_prepare_options())
    switch Int(given.compute) {
    case TTK_COMPUTE_LAYER: compute = .full
    case TTK_COMPUTE_INT8: compute = .int8
    default:
      throw .invalidArgument(
        "ttk_prepare_options->compute is \(given.compute), expected TTK_COMPUTE_LAYER or "
          + "TTK_COMPUTE_INT8")
    }
    guard given.max_rows >= 0 else {
      throw .invalidArgument("max_rows is \(given.max_rows), expected at least 0")
    }
    guard given.memory_limit >= 0 else {
      throw .invalidArgument("memory_limit is \(given.memory_limit), expected at least 0")
    }
    maxRows = given.max_rows == 0 ? 1 : Int(given.max_rows)
    memoryLimit = given.memory_limit == 0 ? nil : Int(given.memory_limit)
    executor = try TTKitC.executor(given.executor, threads: given.threads)
  }
}

// MARK: - Results

/// A caller's array to be read, which must have this shape and dtype.
func operand(
  _ pointer: UnsafePointer<ttk_array>?, _ name: String, shape: [Int], dtype: DType
) throws(TTKitError) -> StridedView {
  let view = try view(pointer, name)
  guard view.dtype == dtype else {
    throw .unsupportedDType("\(name).dtype is \(view.dtype.name), expected \(dtype.name)")
  }
  guard view.shape == shape else {
    throw .invalidArgument(
      "\(name) has shape \(describe(view.shape)), expected \(describe(shape))")
  }
  return view
}

/// A caller's array to be written: no two elements may share memory.
func target(
  _ pointer: UnsafePointer<ttk_array>?, _ name: String, shape: [Int], dtype: DType
) throws(TTKitError) -> StridedView {
  let view = try operand(pointer, name, shape: shape, dtype: dtype)
  try requireWritable(view, name)
  return view
}

private func core(_ cores: [EncodedCore], _ k: Int32) throws(TTKitError) -> EncodedCore {
  guard cores.indices.contains(Int(k)) else {
    throw .invalidArgument("core \(k) was asked for, expected 0 to \(cores.count - 1)")
  }
  return cores[Int(k)]
}

func writeCoreShape(
  _ matrix: CompressedMatrix, _ k: Int32, _ ndim: UnsafeMutablePointer<Int32>?,
  _ shape: UnsafeMutablePointer<Int64>?
) throws(TTKitError) {
  try writeCoreShape(matrix.cores, k, ndim, shape)
}

func writeCoreShape(
  _ cores: [EncodedCore], _ k: Int32, _ ndim: UnsafeMutablePointer<Int32>?,
  _ shape: UnsafeMutablePointer<Int64>?
) throws(TTKitError) {
  let core = try core(cores, k)
  let ndim = try require(ndim, "ndim")
  let shape = try require(shape, "shape")
  ndim.pointee = Int32(core.shape.count)
  for (axis, length) in core.shape.enumerated() { shape[axis] = Int64(length) }
}

func writeCore(
  _ matrix: CompressedMatrix, _ k: Int32, _ array: UnsafePointer<ttk_array>?
) throws(TTKitError) {
  try writeCore(matrix.cores, matrix.computeDType, k, array)
}

func writeCore(
  _ cores: [EncodedCore], _ dtype: DType, _ k: Int32, _ array: UnsafePointer<ttk_array>?
) throws(TTKitError) {
  let core = try core(cores, k)
  let target = try target(array, "core", shape: core.shape, dtype: dtype)
  if dtype == .float64 {
    target.write(try core.decoded(Double.self))
  } else {
    target.write(try core.decoded(Float.self))
  }
}

func writeDense(
  _ matrix: CompressedMatrix, _ array: UnsafePointer<ttk_array>?, _ name: String
) throws(TTKitError) {
  let dtype = matrix.computeDType
  let target = try target(array, name, shape: [matrix.rows, matrix.columns], dtype: dtype)
  if dtype == .float64 {
    target.write(try matrix.dense(Double.self))
  } else {
    target.write(try matrix.dense(Float.self))
  }
}

// MARK: - Raw memory of hot calls

/// Rows of one execute within what the plan was prepared for.
func checkedRows(_ rows: Int64, _ most: Int, _ name: String) throws(TTKitError) -> Int {
  guard rows >= 0, rows <= Int64(most) else {
    throw .invalidArgument(
      "\(name) is \(rows), this plan was prepared for 0 to \(most); prepare one for more")
  }
  return Int(rows)
}

func requireWorkspace(
  _ pointer: UnsafeMutableRawPointer, _ size: Int, _ needed: Int, apartFrom others: [Region]
) throws(TTKitError) {
  guard size >= needed else {
    throw .invalidArgument(
      "workspace_size is \(size), this plan needs \(needed); ask the plan for its size")
  }
  try Region(pointer, needed, "workspace").requireApart(from: others)
}
