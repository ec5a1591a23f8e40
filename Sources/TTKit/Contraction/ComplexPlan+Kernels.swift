/// A plan of complex numbers: the real plan it is, and its tables.

final class ComplexPlan: Sendable {
  let real: ContractionPlan
  /// Of the operands, without the tables.
  let path: ContractionPath
  /// Some operands are conjugated: a gradient.
  let isConjugated: Bool
  private let operandCount: Int
  private let tables: [ComplexEmbedding.Table]
  private let single: Tensor<Float>
  private let double: Tensor<Double>

  /// - Throws: what planning throws.
  init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    spread: ResultSpread?, conjugated: [Bool], known: [Int], effort: PathEffort, executor: Executor
  ) throws(TTKitError) {
    let lengths = try equation.lengths(shapes, known: known)
    let search = ContractionNetwork(
      lengths: lengths, operands: StepBuilder.openAxes(equation),
      result: AxisSet(equation.result), cost: CostModel(dtype: dtype, scheme: effort.scheme))
    path = try PathSearch.path(search, effort: effort)
    let embedding = try ComplexEmbedding(
      equation, shapes, lengths, path, conjugated: conjugated)
    tables = embedding.tables
    operandCount = equation.operands.count
    isConjugated = conjugated.contains(true)
    real = try ContractionPlan(
      embedding.equation, shapes: embedding.shapes,
      dtype: dtype == .complex128 ? .float64 : .float32, memoryLimit: memoryLimit, constants: nil,
      spread: spread?.adding(embedding.part, length: 2), path: embedding.path, known: known,
      executor: executor)
    let units = ComplexEmbedding.Table.allCases.flatMap(\.unit)
    double = try Tensor<Double>(shape: [3, 2, 2, 2]) { out in
      for i in out.indices { out[i] = units[i] }
    }
    single = try double.converted(to: Float.self)
  }

  func execute(
    _ arrays: [StridedView], into result: StridedView, workspace: UnsafeMutableRawPointer
  ) throws(TTKitError) {
    try unsafe real.execute(operands(arrays), into: parts(result), workspace: workspace)
  }

  /// The gradients of real and imaginary parts are those of complex numbers, see
  /// ``ContractionPlan/gradients(_:above:into:)``.
  func gradients(
    _ arrays: [StridedView], above: StridedView, into results: [StridedView]
  ) throws(TTKitError) {
    try real.realGradients(
      operands(arrays), above: parts(above),
      into: results.map(parts) + tables.map { _ in nil })
  }

  /// Operands as real arrays, tables, index vectors.
  private func operands(_ arrays: [StridedView]) -> [StridedView] {
    let units = real.dtype == .float64 ? double.wholeView : single.wholeView
    let given = arrays[..<operandCount].map(parts)
    let cubes = tables.map { table in
      let unit = units.rows(table.rawValue, 1)
      // In bounds: one row of the units.
      return unsafe StridedView(
        data: unit.data, shape: [2, 2, 2], strides: [4, 2, 1], real.dtype)
    }
    return given + cubes + arrays[operandCount...]
  }

  /// Real and imaginary parts as one more axis.
  private func parts(_ view: StridedView) -> StridedView {
    // In bounds: a complex number is its real part followed by its imaginary one. Steps of elements that
    // exist, in bytes, fit.
    unsafe StridedView(
      data: view.data, shape: view.shape + [2], strides: view.strides.map { 2 &* $0 } + [1],
      real.dtype)
  }
}

extension ResultSpread {
  /// The same with one more plain axis at the end.
  fileprivate func adding(_ axis: Int, length: Int) -> ResultSpread {
    var lengths = lengths
    while lengths.count <= axis { lengths.append(length) }
    return ResultSpread(
      readings: readings + [.plain(axis)], shape: shape + [length], lengths: lengths)
  }
}
