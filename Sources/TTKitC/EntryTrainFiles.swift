/// Entry points of ttkit/train.h and ttkit/train_matrix.h: files.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_train_save(
  _ train: OpaquePointer?, _ path: UnsafePointer<CChar>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let path = try requireString(path, "path")
    func save(_ value: some AnyTrain) throws(TTKitError) { try value.train.save(to: path) }
    try save(TTKitC.train(train, "train"))
  }
}

@c @implementation
public func ttk_train_load(
  _ path: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let file = try TrainFile(path: requireString(path, "path"), kind: .train)
    func load<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyTrain {
      try TensorTrain<T>(file)
    }
    TrainHandle.store(try load(scalarType(file.dtype, "the file")), in: out)
  }
}

@c @implementation
public func ttk_train_matrix_save(
  _ matrix: OpaquePointer?, _ path: UnsafePointer<CChar>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let path = try requireString(path, "path")
    func save(_ value: some AnyTrainMatrix) throws(TTKitError) { try value.matrix.save(to: path) }
    try save(trainMatrix(matrix, "matrix"))
  }
}

@c @implementation
public func ttk_train_matrix_load(
  _ path: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let file = try TrainFile(path: requireString(path, "path"), kind: .trainMatrix)
    func load<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyTrainMatrix {
      try TrainMatrix<T>(file)
    }
    TrainMatrixHandle.store(try load(scalarType(file.dtype, "the file")), in: out)
  }
}
