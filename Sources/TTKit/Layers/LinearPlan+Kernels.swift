/// Executing a linear layer: no allocation, any number of threads at once.

public final class LinearPlan: Sendable {
  public let maxRows: Int
  public let dtype: DType
  public let inFeatures: Int
  public let outFeatures: Int
  /// Bytes of workspace that one execute needs.
  public let workspaceSize: Int
  private let work: Work
  private let executor: Executor

  private enum Work: Sendable {
    case single(PreparedFactors<Float>, bias: Tensor<Float>?)
    case double(PreparedFactors<Double>, bias: Tensor<Double>?)
  }

  /// Bytes of packed weights, shared with the layer's other plans.
  public var residentByteCount: Int {
    switch work {
    case .single(let factors, _): return factors.byteCount
    case .double(let factors, _): return factors.byteCount
    }
  }

  /// True when both use the same packed memory.
  func sharesPack(with other: LinearPlan) -> Bool {
    switch (work, other.work) {
    case (.single(let a, _), .single(let b, _)): return a === b
    case (.double(let a, _), .double(let b, _)): return a === b
    default: return false
    }
  }

  init<T: RealScalar>(
    _ factors: PreparedFactors<T>, bias: Tensor<T>?, maxRows: Int, executor: Executor
  ) throws(TTKitError) {
    guard maxRows >= 1 else {
      throw .invalidArgument("max_rows is \(maxRows), expected at least 1")
    }
    self.maxRows = maxRows
    self.executor = executor
    dtype = T.dtype
    inFeatures = factors.inFeatures
    outFeatures = factors.outFeatures
    // x and y must fit, whatever the form: entry points multiply these without looking.
    _ = try checkedProduct([maxRows, inFeatures, MemoryLayout<T>.stride])
    _ = try checkedProduct([maxRows, outFeatures, MemoryLayout<T>.stride])
    let (size, overflow) = try factors.workspaceSize(rows: maxRows).addingReportingOverflow(64)
    guard !overflow else {
      throw .sizeOverflow("workspace of \(maxRows) rows exceeds the address space")
    }
    workspaceSize = size
    if let single = factors as? PreparedFactors<Float> {
      work = .single(single, bias: bias as? Tensor<Float>)
    } else if let double = factors as? PreparedFactors<Double> {
      work = .double(double, bias: bias as? Tensor<Double>)
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
    case .single(let factors, let bias):
      unsafe factors.multiply(x, rows, y, bias, aligned, executor)
    case .double(let factors, let bias):
      unsafe factors.multiply(x, rows, y, bias, aligned, executor)
    }
  }
}

extension PreparedFactors {
  /// Bytes of scratch: one packed operand and one intermediate, or the largest network's.
  func workspaceSize(rows: Int) throws(TTKitError) -> Int {
    let scratch = try checkedProduct([rows, scratchOfRow])
    var between = try liftCount(rows: rows)
    for chain in chains {
      for factor in chain.factors.dropFirst() {
        // Chains of two factors lift nothing, so one area serves both.
        between = max(between, try checkedProduct([rows, factor.outputs]))
      }
    }
    let (sum, overflow) = scratch.addingReportingOverflow(between)
    guard !overflow else {
      throw .sizeOverflow("workspace of \(rows) rows exceeds the address space")
    }
    var bytes = try checkedProduct([sum, MemoryLayout<T>.stride, 2]) / 2
    for network in networks { bytes = max(bytes, try network.workspaceSize(rows: rows)) }
    return bytes
  }

  /// Elements that lifted activations take.
  private func liftCount(rows: Int) throws(TTKitError) -> Int {
    var most = 0
    for chain in chains { most = max(most, try chain.lift?.workspaceCount(rows: rows) ?? 0) }
    return most
  }

  /// y = x times all networks, plus the bias: y starts as the bias, networks add to it.
  private func runNetworks(
    _ x: UnsafePointer<T>, _ rows: Int, _ y: UnsafeMutablePointer<T>, _ bias: Tensor<T>?,
    _ workspace: UnsafeMutableRawPointer, _ executor: Executor
  ) {
    // In bounds: y has rows x outFeatures elements, the bias outFeatures.
    for r in 0..<rows {
      let line = unsafe y + r * outFeatures
      if let bias {
        unsafe line.update(from: bias.storage.buffer.base, count: outFeatures)
      } else {
        unsafe line.update(repeating: 0, count: outFeatures)
      }
    }
    for network in networks {
      unsafe network.addProduct(x, rows: rows, to: y, workspace: workspace, executor: executor)
    }
  }

  /// Runs all chains; the first writes y, the others add to it.
  fileprivate func multiply(
    _ x: UnsafeRawPointer, _ rows: Int, _ y: UnsafeMutableRawPointer, _ bias: Tensor<T>?,
    _ workspace: UnsafeMutableRawPointer, _ executor: Executor
  ) {
    // Rebinding is right: the plan's dtype is T's. In bounds: see workspaceSize.
    let x = unsafe x.assumingMemoryBound(to: T.self)
    let y = unsafe y.assumingMemoryBound(to: T.self)
    guard networks.isEmpty else {
      unsafe runNetworks(x, rows, y, bias, workspace, executor)
      return
    }
    let scratch = unsafe workspace.assumingMemoryBound(to: T.self)
    let between = unsafe scratch + rows * scratchOfRow
    for (index, chain) in chains.enumerated() {
      let offset =
        unsafe index == 0 ? bias.map { unsafe UnsafePointer($0.storage.buffer.base) } : nil
      let accumulate = index > 0
      if chain.factors.count == 1 {
        var input = unsafe x
        if let lift = chain.lift {
          unsafe lift.lift(x, rows: rows, workspace: between, executor: executor)
          unsafe input = UnsafePointer(between)
        }
        unsafe chain.factors[0].multiply(
          input, rows: rows, into: y, bias: offset, accumulate: accumulate, scratch: scratch,
          executor: executor)
      } else {
        unsafe chain.factors[1].multiply(
          x, rows: rows, into: between, bias: nil, accumulate: false, scratch: scratch,
          executor: executor)
        unsafe chain.factors[0].multiply(
          between, rows: rows, into: y, bias: offset, accumulate: accumulate, scratch: scratch,
          executor: executor)
      }
    }
  }
}
