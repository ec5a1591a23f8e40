/// Executing a linear layer: no allocation, any number of threads at once.

public final class LinearPlan: Sendable {
  public let maxRows: Int
  public let dtype: DType
  public let inFeatures: Int
  public let outFeatures: Int
  /// Bytes of workspace that one execute needs.
  public let workspaceSize: Int
  /// Bytes of packed weights, shared with the layer's other plans.
  public let residentByteCount: Int
  private let work: Work
  private let executor: Executor
  private let choice: LayerChoice?

  private enum Work: Sendable {
    case single(PlanForms<Float>)
    case double(PlanForms<Double>)
  }

  /// True when both use some of the same packed memory.
  func sharesPack(with other: LinearPlan) -> Bool {
    switch (work, other.work) {
    case (.single(let a), .single(let b)): return a.shares(b)
    case (.double(let a), .double(let b)): return a.shares(b)
    default: return false
    }
  }

  /// - Parameter choice: why these forms, for ``explain()``.
  init<T: RealScalar>(
    _ forms: PlanForms<T>, maxRows: Int, choice: LayerChoice? = nil, executor: Executor
  ) throws(TTKitError) {
    guard maxRows >= 1 else {
      throw .invalidArgument("max_rows is \(maxRows), expected at least 1")
    }
    self.maxRows = maxRows
    self.executor = executor
    self.choice = choice
    dtype = T.dtype
    inFeatures = forms.last.inFeatures
    outFeatures = forms.last.outFeatures
    // x and y must fit, whatever the form: entry points multiply these without looking.
    _ = try checkedProduct([maxRows, inFeatures, MemoryLayout<T>.stride])
    _ = try checkedProduct([maxRows, outFeatures, MemoryLayout<T>.stride])
    let (size, overflow) = try forms.workspaceSize(maxRows: maxRows).addingReportingOverflow(64)
    guard !overflow else {
      throw .sizeOverflow("workspace of \(maxRows) rows exceeds the address space")
    }
    workspaceSize = size
    residentByteCount = forms.byteCount
    if let single = forms as? PlanForms<Float> {
      work = .single(single)
    } else if let double = forms as? PlanForms<Double> {
      work = .double(double)
    } else {
      throw .internal("a plan of \(T.dtype.name)")
    }
  }

  /// y (rows, outFeatures) = x (rows, inFeatures) Wᵀ + b.
  ///
  /// - Parameters: compact x and y of `dtype`; workspace of `workspaceSize` bytes; no overlap. The
  ///   caller has checked sizes and 0 <= rows <= maxRows.
  public func execute(
    _ x: UnsafeRawPointer, rows: Int, into y: UnsafeMutableRawPointer,
    workspace: UnsafeMutableRawPointer
  ) {
    precondition(rows <= maxRows)
    // In bounds: workspaceSize has room for this step of alignment.
    let aligned = unsafe workspace.alignedUp(toMultipleOf: 64)
    switch work {
    case .single(let forms):
      unsafe forms.form(rows).multiply(x, rows, y, forms.bias, aligned, executor)
    case .double(let forms):
      unsafe forms.form(rows).multiply(x, rows, y, forms.bias, aligned, executor)
    }
  }

  /// One line for each number of rows that runs alike: the form, predicted times, bytes.
  public func explain() -> String {
    guard let choice else { return "" }
    return choice.choices.map { choice in
      let times = [choice.time, choice.denseTime].map { microseconds($0) }
      return "up to \(choice.bucket.end) rows: \(choice.form.description); predicted for "
        + "\(choice.bucket.typical) rows: \(times[0]) us, dense \(times[1]) us\n"
    }.joined() + "\(residentByteCount) bytes resident, \(workspaceSize) bytes of workspace\n"
  }

  private func microseconds(_ seconds: Double) -> Double { (seconds * 1e7).rounded() / 10 }
}

/// What a plan runs on, by number of rows.
struct PlanForms<T: RealScalar>: Sendable {
  /// Ascending; the last serves all that are left.
  let forms: [(end: Int, factors: PreparedFactors<T>)]
  let bias: Tensor<T>?

  var last: PreparedFactors<T> { forms[forms.count - 1].factors }

  /// Bytes of all packs, each once.
  var byteCount: Int {
    var seen: [ObjectIdentifier: Int] = [:]
    for (_, factors) in forms { seen[ObjectIdentifier(factors)] = factors.byteCount }
    return seen.values.reduce(0, +)
  }

  func form(_ rows: Int) -> PreparedFactors<T> {
    for (end, factors) in forms where rows <= end { return factors }
    return last
  }

  func workspaceSize(maxRows: Int) throws(TTKitError) -> Int {
    var most = 0
    for (end, factors) in forms {
      most = max(most, try factors.workspaceSize(rows: min(end, maxRows)))
    }
    return max(most, try last.workspaceSize(rows: maxRows))
  }

  func shares(_ other: PlanForms<T>) -> Bool {
    forms.contains { (_, own) in other.forms.contains { $0.factors === own } }
  }
}
