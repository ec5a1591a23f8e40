/// Entry points of ttkit/train.h: TT-SVD of arrays in memory and in files.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_svd(
  _ tensor: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_svd_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let array = try view(tensor, "tensor")
    let options = try SVDOptions(options, order: array.shape.count)
    func decompose<T: Scalar>(_ type: T.Type) throws(TTKitError) {
      let (train, report) = try TensorTrain<T>.decomposing(
        array, options.decomposition, executor: options.executor, progress: options.progress)
      try options.write(report)
      TrainHandle.store(train, in: out)
    }
    try decompose(scalarType(array.dtype, "tensor"))
  }
}

@c @implementation
public func ttk_svd_file(
  _ path: UnsafePointer<CChar>?, _ offset: Int64, _ dtype: ttk_dtype, _ ndim: Int32,
  _ shape: UnsafePointer<Int64>?, _ options: UnsafePointer<ttk_svd_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let path = try requireString(path, "path")
    guard let dtype = DType(rawValue: dtype) else {
      throw .unsupportedDType("dtype is \(dtype), expected a ttk_dtype such as TTK_FLOAT32")
    }
    guard ndim >= 0, ndim <= TTK_MAX_NDIM else {
      throw .invalidArgument("ndim is \(ndim), expected 1 to \(TTK_MAX_NDIM)")
    }
    let lengths = ndim > 0 ? try require(shape, "shape") : nil
    let shape = (0..<Int(ndim)).map { Int(lengths![$0]) }
    let options = try SVDOptions(options, order: shape.count)
    func decompose<T: Scalar>(_ type: T.Type) throws(TTKitError) {
      let (train, report) = try TensorTrain<T>.decomposing(
        file: path, offset: Int(offset), shape: shape, options.decomposition,
        executor: options.executor, progress: options.progress)
      try options.write(report)
      TrainHandle.store(train, in: out)
    }
    try decompose(scalarType(dtype, "the file"))
  }
}

extension SVDOptions {
  var decomposition: DecompositionOptions {
    DecompositionOptions(truncation, method: method, seed: seed, memoryLimit: memoryLimit)
  }

  /// Fills the caller's report, if there is one.
  func write(_ report: DecompositionReport) throws(TTKitError) {
    guard let target = self.report else { return }
    var result = ttk_svd_report()
    result.error = report.error
    result.memory = Int64(report.memory)
    result.passes = Int64(report.passes)
    result.method = ttk_svd_method(report.method.rawValue)
    try fill(target, "ttk_svd_report", with: result)
  }
}
