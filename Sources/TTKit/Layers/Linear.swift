/// A linear layer: y = x Wᵀ + b with a compressed weight.

public final class Linear: Sendable {
  public let matrix: CompressedMatrix
  public let bias: Bias?
  private let prepared = PreparedCache()

  public var inFeatures: Int { matrix.columns }
  public var outFeatures: Int { matrix.rows }
  /// dtype of x and y.
  public var dtype: DType { matrix.computeDType }
  /// Bytes of cores, scales and bias as stored.
  public var byteCount: Int { matrix.byteCount + (bias?.byteCount ?? 0) }

  /// - Throws: `.invalidArgument` when the bias does not have out_features elements.
  public init(matrix: CompressedMatrix, bias: Bias?) throws(TTKitError) {
    if let bias { try bias.require(count: matrix.rows) }
    self.matrix = matrix
    self.bias = bias
  }

  /// Flops of one execute on the path a plan takes.
  public func flops(rows: Int) -> Int {
    guard rows > 0 else { return 0 }
    let choice =
      dtype == .float64
      ? try? LayerChoice(matrix, Double.self, memoryLimit: nil, maxRows: rows)
      : try? LayerChoice(matrix, Float.self, memoryLimit: nil, maxRows: rows)
    let flops = (choice?.flopsPerRow ?? 0) * Double(rows)
    return flops < 9e18 ? Int(flops) : .max
  }

  /// Packs the weight, or takes over the pack of a living plan.
  ///
  /// - Parameters:
  ///   - maxRows: most rows of one execute, at least 1.
  ///   - memoryLimit: bytes the pack may take; nil for those of the dense matrix in whole panels.
  ///   - compute: precision of the activations that meet integer weights.
  public func prepare(
    maxRows: Int, memoryLimit: Int? = nil, compute: Compute = .full,
    executor: Executor = Executor()
  ) throws(TTKitError) -> LinearPlan {
    guard maxRows >= 1 else {
      throw .invalidArgument("max_rows is \(maxRows), expected at least 1")
    }
    if dtype == .float64 {
      return try plan(Double.self, maxRows, memoryLimit, compute, executor)
    }
    return try plan(Float.self, maxRows, memoryLimit, compute, executor)
  }

  private func plan<T: RealScalar>(
    _ type: T.Type, _ maxRows: Int, _ memoryLimit: Int?, _ compute: Compute, _ executor: Executor
  ) throws(TTKitError) -> LinearPlan {
    let choice = try LayerChoice(
      matrix, type, memoryLimit: memoryLimit, maxRows: maxRows, compute: compute)
    var forms: [(end: Int, factors: PreparedFactors<T>)] = []
    for choice in choice.choices {
      // Buckets of one form find the pack of the first.
      forms.append(
        (choice.bucket.end, try prepared.factors(matrix, type, choice.form, executor)))
    }
    return try LinearPlan(
      PlanForms(forms: forms, bias: bias?.converted(to: type)), maxRows: maxRows, choice: choice,
      executor: executor)
  }
}

/// The additive vector of a layer, in the precision it came in.
public struct Bias: Sendable {
  public let count: Int
  public let dtype: DType
  private let values: WeightValues

  /// - Parameter view: one axis, finite, float16, bfloat16, float32 or float64.
  public init(_ view: StridedView) throws(TTKitError) {
    guard view.shape.count == 1 else {
      throw .invalidArgument("bias has shape \(describe(view.shape)), expected one axis")
    }
    values = try WeightValues(view)
    count = view.shape[0]
    dtype = view.dtype
    guard try converted(to: Double.self).isFinite else {
      throw .nonFinite("bias holds NaN or infinity; expected finite values")
    }
  }

  private init(_ values: WeightValues, dtype: DType, count: Int) {
    self.values = values
    self.dtype = dtype
    self.count = count
  }

  /// - Throws: `.invalidArgument` unless there is one element for each of so many rows.
  public func require(count rows: Int) throws(TTKitError) {
    guard count == rows else {
      throw .invalidArgument("bias has \(count) elements, the weight has \(rows) rows")
    }
  }

  /// The bias plus a change, in its precision; halves stay in float32.
  public func shifted(by change: Tensor<Double>?) throws(TTKitError) -> Bias {
    guard let change else { return self }
    let sum = try added(converted(to: Double.self), change)
    if dtype == .float64 { return Bias(.double(sum), dtype: dtype, count: count) }
    return Bias(.single(try sum.converted(to: Float.self)), dtype: .float32, count: count)
  }

  public var byteCount: Int { count * dtype.size }

  public func converted<T: RealScalar>(to type: T.Type) throws(TTKitError) -> Tensor<T> {
    switch values {
    case .single(let tensor): return try tensor.converted(to: type)
    case .double(let tensor): return try tensor.converted(to: type)
    }
  }
}
