/// Entry points of ttkit/train.h and ttkit/train_matrix.h: products truncated on the way.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_multiply(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ method: ttk_product_method,
  _ options: UnsafePointer<ttk_svd_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let (a, b) = try (train(a, "a"), train(b, "b"))
    let method = try productMethod(method)
    let options = try SVDOptions(options, order: a.order)
    func multiply(_ a: some AnyTrain) throws(TTKitError) -> any AnyTrain {
      try a.train.multiplied(
        by: sameDType(a, b), method, options.truncation, executor: options.executor,
        progress: options.progress)
    }
    TrainHandle.store(try multiply(a), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_apply(
  _ matrix: OpaquePointer?, _ train: OpaquePointer?, _ method: ttk_product_method,
  _ options: UnsafePointer<ttk_svd_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try trainMatrix(matrix, "matrix")
    let train = try TTKitC.train(train, "train")
    let method = try productMethod(method)
    let options = try SVDOptions(options, order: value.order)
    func multiply<A: AnyTrainMatrix>(_ value: A) throws(TTKitError) -> any AnyTrain {
      guard let train = train as? TensorTrain<A.Element> else {
        throw unlike(value.dtype, train.dtype)
      }
      return try value.matrix.multiplied(
        by: train, method, options.truncation, executor: options.executor,
        progress: options.progress)
    }
    TrainHandle.store(try multiply(value), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_multiply(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ method: ttk_product_method,
  _ options: UnsafePointer<ttk_svd_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let (a, b) = try (trainMatrix(a, "a"), trainMatrix(b, "b"))
    let method = try productMethod(method)
    let options = try SVDOptions(options, order: a.order)
    func multiply<A: AnyTrainMatrix>(_ a: A) throws(TTKitError) -> any AnyTrainMatrix {
      guard let b = b as? TrainMatrix<A.Element> else { throw unlike(a.dtype, b.dtype) }
      return try a.matrix.multiplied(
        by: b, method, options.truncation, executor: options.executor, progress: options.progress)
    }
    TrainMatrixHandle.store(try multiply(a), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_product(
  _ a: OpaquePointer?, _ b: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let (a, b) = try (trainMatrix(a, "a"), trainMatrix(b, "b"))
    func multiply<A: AnyTrainMatrix>(_ a: A) throws(TTKitError) -> any AnyTrainMatrix {
      guard let b = b as? TrainMatrix<A.Element> else { throw unlike(a.dtype, b.dtype) }
      return try a.matrix.multiplied(by: b)
    }
    TrainMatrixHandle.store(try multiply(a), in: out)
  }
}

private func unlike(_ a: DType, _ b: DType) -> TTKitError {
  .unsupportedDType("dtypes \(a.name) and \(b.name) differ; convert one operand")
}

private func productMethod(_ method: ttk_product_method) throws(TTKitError) -> ProductMethod {
  switch Int(method) {
  case Int(TTK_PRODUCT_EXACT): return .exact
  case 0, Int(TTK_PRODUCT_SKETCHED): return .sketched
  case Int(TTK_PRODUCT_ZIP_UP): return .zipUp
  case Int(TTK_PRODUCT_VARIATIONAL): return .variational
  default:
    throw .invalidArgument("method is \(method), expected 0 or a TTK_PRODUCT_ value")
  }
}
