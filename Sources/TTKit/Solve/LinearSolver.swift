/// Linear systems whose matrix, right side and solution are trains.

/// x with ‖A x − b‖ <= rtol ‖b‖, as a train.
///
/// - Parameters:
///   - matrix: square in every core: rows[k] = columns[k].
///   - watch: called after every pass but the last, with the report so far; false stops.
/// - Returns: the solution, and the residual it has, computed.
/// - Error: see the report; a result is given even when the residual missed the tolerance.
/// - Complexity: per pass O(d (n r³ R + n² r² R²)) for ranks r of x and R of A, beside the local solutions.
/// - Throws: `.invalidArgument` for shapes that differ and options out of range; `.nonFinite`; `.outOfMemory`.
/// - Source: see LinearSweeps.
public func solveTrain<T: Scalar>(
  _ matrix: TrainMatrix<T>, _ b: TensorTrain<T>, _ options: SolveOptions<T> = SolveOptions(),
  watch: SolveWatch? = nil
) throws(TTKitError) -> (x: TensorTrain<T>, report: SolveReport) {
  try options.check(order: b.order)
  guard matrix.rows == matrix.columns else {
    throw .invalidArgument(
      "the matrix has rows \(describe(matrix.rows)) and columns \(describe(matrix.columns)), expected"
        + " the same")
  }
  guard b.shape == matrix.rows else {
    throw .invalidArgument(
      "b has shape \(describe(b.shape)), expected \(describe(matrix.rows)), the rows of the matrix")
  }
  if let start = options.start, start.shape != b.shape {
    throw .invalidArgument(
      "x0 has shape \(describe(start.shape)), expected \(describe(b.shape))")
  }
  let (cores, exponent) = try b.rightOrthogonalized()
  let norm = cores[0].norm
  guard norm > 0 else { return (try .zero(shape: b.shape), SolveReport()) }
  var unit = cores
  unit[0] = try cores[0].scaled(by: T(real: T.Real(1 / norm)))
  var run = try LinearRun(
    matrix, TensorTrain(checking: unit), options, scale: (norm: norm, exponent: exponent))
  try run.refine(watch)
  return try run.result()
}
