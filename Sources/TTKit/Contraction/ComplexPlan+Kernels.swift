/// A plan of complex numbers: the real plan it is, and its tables.

final class ComplexPlan: Sendable {
  let real: ContractionPlan
  /// Of the operands, without the tables.
  let path: ContractionPath
  private let tables: Int
  private let single: Tensor<Float>
  private let double: Tensor<Double>

  /// - Throws: what planning throws.
  init(
    _ equation: ContractionEquation, shapes: [[Int]], dtype: DType, memoryLimit: Int?,
    effort: PathEffort, executor: Executor
  ) throws(TTKitError) {
    let lengths = try equation.lengths(shapes)
    let search = ContractionNetwork(
      lengths: lengths, operands: StepBuilder.openAxes(equation),
      result: AxisSet(equation.result), cost: CostModel(dtype: dtype))
    path = try PathSearch.path(search, effort: effort)
    let embedding = try ComplexEmbedding(equation, shapes, lengths, path)
    tables = embedding.tables
    real = try ContractionPlan(
      embedding.equation, shapes: embedding.shapes,
      dtype: dtype == .complex128 ? .float64 : .float32, memoryLimit: memoryLimit, constants: nil,
      path: embedding.path, executor: executor)
    double = try Tensor<Double>(shape: [2, 2, 2]) { out in
      for i in out.indices { out[i] = ComplexEmbedding.unit[i] }
    }
    single = try double.converted(to: Float.self)
  }

  func execute(
    _ operands: [StridedView], into result: StridedView, workspace: UnsafeMutableRawPointer
  ) {
    let unit = real.dtype == .float64 ? double.wholeView : single.wholeView
    unsafe real.execute(
      operands.map(parts) + [StridedView](repeating: unit, count: tables), into: parts(result),
      workspace: workspace)
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
