/// Entry points of ttkit/solve.h: linear systems and eigenproblems.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_solve(
  _ matrix: OpaquePointer?, _ b: OpaquePointer?, _ options: UnsafePointer<ttk_solve_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ report: UnsafeMutablePointer<ttk_solve_report>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let matrix = try trainMatrix(matrix, "matrix")
    let side = try train(b, "b")
    let wish = try SolveWish(options, order: side.order)
    if let report { try fill(report, "ttk_solve_report", with: ttk_solve_report()) }
    func solve<A: AnyTrainMatrix>(_ value: A) throws(TTKitError) -> any AnyTrain {
      let (x, found) = try solveTrain(
        value.matrix, sameDType(value, side, "b"), wish.options(like: value), watch: wish.watch)
      if let report { try fill(report, "ttk_solve_report", with: cReport(found)) }
      return x
    }
    TrainHandle.store(try solve(matrix), in: out)
  }
}

@c @implementation
public func ttk_eigenpairs(
  _ matrix: OpaquePointer?, _ count: Int64, _ largest: Int32,
  _ options: UnsafePointer<ttk_solve_options>?, _ values: UnsafeMutablePointer<Double>?,
  _ vectors: UnsafeMutablePointer<OpaquePointer?>?, _ residuals: UnsafeMutablePointer<Double>?,
  _ report: UnsafeMutablePointer<ttk_solve_report>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    guard count >= 1, count <= 1 << 16 else {
      throw .invalidArgument("count is \(count), expected 1 to 2^16")
    }
    let vectors = try require(vectors, "vectors")
    // In bounds: the caller promises count places.
    for i in 0..<Int(count) { vectors[i] = nil }
    let values = try require(values, "values")
    let matrix = try trainMatrix(matrix, "matrix")
    let wish = try SolveWish(options, order: matrix.order)
    if let report { try fill(report, "ttk_solve_report", with: ttk_solve_report()) }
    func solve<A: AnyTrainMatrix>(_ value: A) throws(TTKitError) {
      let found = try eigenpairs(
        value.matrix, count: Int(count), wish.eigenOptions(largest: largest != 0),
        watch: wish.watch)
      for i in 0..<Int(count) {
        values[i] = found.values[i]
        residuals?[i] = found.residuals[i]
        TrainHandle.store(found.vectors[i], in: vectors + i)
      }
      if let report { try fill(report, "ttk_solve_report", with: cReport(found.report)) }
    }
    try solve(matrix)
  }
}

/// `train` in the dtype of a matrix.
func sameDType<A: AnyTrainMatrix>(
  _ matrix: A, _ train: any AnyTrain, _ name: String
) throws(TTKitError) -> TensorTrain<A.Element> {
  guard let train = train as? TensorTrain<A.Element> else {
    throw .unsupportedDType(
      "dtypes \(A.Element.dtype.name) of the matrix and \(train.dtype.name) of \(name) differ")
  }
  return train
}
