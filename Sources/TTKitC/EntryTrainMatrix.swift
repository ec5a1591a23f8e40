/// Entry points of ttkit/train_matrix.h.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_matrix_from_array(
  _ matrix: UnsafePointer<ttk_array>?, _ order: Int32, _ rows: UnsafePointer<Int64>?,
  _ columns: UnsafePointer<Int64>?, _ options: UnsafePointer<ttk_svd_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let array = try view(matrix, "matrix")
    guard order >= 1, order <= TTK_MAX_ORDER else {
      throw .invalidArgument("order is \(order), expected 1 to \(TTK_MAX_ORDER)")
    }
    let (rows, columns) = try (require(rows, "rows"), require(columns, "columns"))
    let digits = (0..<Int(order)).map { (Int(rows[$0]), Int(columns[$0])) }
    let options = try SVDOptions(options, order: Int(order))
    func decompose<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyTrainMatrix {
      try TrainMatrix(
        decomposing: array, as: type, rows: digits.map(\.0), columns: digits.map(\.1),
        options.truncation, executor: options.executor, progress: options.progress)
    }
    TrainMatrixHandle.store(try decompose(scalarType(array.dtype, "matrix")), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_from_cores(
  _ order: Int32, _ cores: UnsafePointer<ttk_array>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let arrays = try views(order, cores, "cores")
    func make<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyTrainMatrix {
      try TrainMatrix(cores: TTKitC.cores(arrays, type, axes: 4))
    }
    TrainMatrixHandle.store(try make(scalarType(arrays[0].dtype, "cores[0]")), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_destroy(_ matrix: OpaquePointer?) { TrainMatrixHandle.destroy(matrix) }

// MARK: - Properties

@c @implementation
public func ttk_train_matrix_order(_ matrix: OpaquePointer?) -> Int32 {
  Int32(TrainMatrixHandle.from(matrix)?.value.order ?? 0)  // at most TTK_MAX_ORDER
}

@c @implementation
public func ttk_train_matrix_dtype(_ matrix: OpaquePointer?) -> ttk_dtype {
  TrainMatrixHandle.from(matrix)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_train_matrix_nbytes(_ matrix: OpaquePointer?) -> Int64 {
  Int64(TrainMatrixHandle.from(matrix)?.value.byteCount ?? 0)
}

@c @implementation
public func ttk_train_matrix_error(_ matrix: OpaquePointer?) -> Double {
  TrainMatrixHandle.from(matrix)?.value.error ?? 0
}

@c @implementation
public func ttk_train_matrix_rows(_ matrix: OpaquePointer?, _ rows: UnsafeMutablePointer<Int64>?) {
  store(TrainMatrixHandle.from(matrix)?.value.rows, in: rows)
}

@c @implementation
public func ttk_train_matrix_columns(
  _ matrix: OpaquePointer?, _ columns: UnsafeMutablePointer<Int64>?
) {
  store(TrainMatrixHandle.from(matrix)?.value.columns, in: columns)
}

@c @implementation
public func ttk_train_matrix_ranks(
  _ matrix: OpaquePointer?, _ ranks: UnsafeMutablePointer<Int64>?
) {
  store(TrainMatrixHandle.from(matrix)?.value.ranks, in: ranks)
}

@c @implementation
public func ttk_train_matrix_core(
  _ matrix: OpaquePointer?, _ k: Int32, _ core: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let core = try require(core, "core")
    let handle = try TrainMatrixHandle.require(matrix, "matrix")
    func borrowCore(_ value: some AnyTrainMatrix) throws(TTKitError) {
      guard (0..<value.order).contains(Int(k)) else {
        throw .invalidArgument("k is \(k), expected 0 to \(value.order - 1)")
      }
      borrow(value.matrix.cores[Int(k)], handle.arena, in: core)
    }
    try borrowCore(handle.value)
  }
}

// MARK: - Algebra

@c @implementation
public func ttk_train_matrix_transpose(
  _ matrix: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    func transpose(_ value: some AnyTrainMatrix) throws(TTKitError) -> any AnyTrainMatrix {
      try value.matrix.transposed()
    }
    TrainMatrixHandle.store(try transpose(trainMatrix(matrix, "matrix")), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_conjugate(
  _ matrix: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    func conjugate(_ value: some AnyTrainMatrix) throws(TTKitError) -> any AnyTrainMatrix {
      try value.matrix.conjugated()
    }
    TrainMatrixHandle.store(try conjugate(trainMatrix(matrix, "matrix")), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_trace(
  _ matrix: OpaquePointer?, _ count: Int32, _ axes: UnsafePointer<Int32>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try trainMatrix(matrix, "matrix")
    let list = try TTKitC.axes(axes, count, order: value.order)
    func trace(_ value: some AnyTrainMatrix) throws(TTKitError) -> any AnyTrainMatrix {
      try value.matrix.traced(over: list)
    }
    TrainMatrixHandle.store(try trace(value), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_round(
  _ matrix: OpaquePointer?, _ options: UnsafePointer<ttk_svd_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try trainMatrix(matrix, "matrix")
    let options = try SVDOptions(options, order: value.order)
    func round(_ value: some AnyTrainMatrix) throws(TTKitError) -> any AnyTrainMatrix {
      try value.matrix.rounded(
        options.truncation, executor: options.executor, progress: options.progress)
    }
    TrainMatrixHandle.store(try round(value), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_multiply_array(
  _ matrix: OpaquePointer?, _ x: UnsafePointer<ttk_array>?,
  _ result: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let value = try trainMatrix(matrix, "matrix")
    let (x, result) = try (view(x, "x"), view(UnsafePointer(result), "result"))
    func multiply<A: AnyTrainMatrix>(_ value: A) throws(TTKitError) {
      try requireDType(x, A.Element.self, "x")
      try requireDType(result, A.Element.self, "result")
      let height = try checkedProduct(value.rows)
      guard x.shape.count == 2, result.shape == [height, x.shape[1]] else {
        throw .invalidArgument(
          "x has shape \(describe(x.shape)) and result \(describe(result.shape)), expected"
            + " (columns, n) and (\(height), n)")
      }
      guard x.isCompact, result.isCompact else {
        throw .invalidArgument("x and result must be compact, row by row; copy them first")
      }
      try Region(result, "result")?.requireApart(from: Region(x, "x"))
      result.write(
        try x.withTensor(as: A.Element.self) { (x) throws(TTKitError) in
          try value.matrix.multiplied(by: x)
        })
    }
    try multiply(value)
  }
}

@c @implementation
public func ttk_train_matrix_multiply_train(
  _ matrix: OpaquePointer?, _ train: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let value = try trainMatrix(matrix, "matrix")
    let train = try TTKitC.train(train, "train")
    func multiply<A: AnyTrainMatrix>(_ value: A) throws(TTKitError) -> any AnyTrain {
      guard let train = train as? TensorTrain<A.Element> else {
        throw .unsupportedDType(
          "dtypes \(value.dtype.name) of the matrix and \(train.dtype.name) of the train differ")
      }
      return try value.matrix.multiplied(by: train)
    }
    TrainHandle.store(try multiply(value), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_to_array(
  _ matrix: OpaquePointer?, _ dense: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let value = try trainMatrix(matrix, "matrix")
    let array = try view(UnsafePointer(dense), "dense")
    func write<A: AnyTrainMatrix>(_ value: A) throws(TTKitError) {
      try requireDType(array, A.Element.self, "dense")
      try requireWritable(array, "dense")
      try value.matrix.write(to: array)
    }
    try write(value)
  }
}
