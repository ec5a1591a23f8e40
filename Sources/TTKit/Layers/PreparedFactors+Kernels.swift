/// Prepared weights at work: chains of matrices, networks by tiles, networks in lanes.

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
    for network in lanes { bytes = max(bytes, try network.workspaceSize(rows: rows)) }
    for few in sparse { bytes = max(bytes, try few.workspaceSize(rows: rows)) }
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

  /// y = x times all terms, plus the bias.
  func multiply(
    _ x: UnsafeRawPointer, _ rows: Int, _ y: UnsafeMutableRawPointer, _ bias: Tensor<T>?,
    _ workspace: UnsafeMutableRawPointer, _ executor: Executor
  ) {
    // Rebinding is right: the plan's dtype is T's. In bounds: see workspaceSize.
    let x = unsafe x.assumingMemoryBound(to: T.self)
    let y = unsafe y.assumingMemoryBound(to: T.self)
    if chains.isEmpty && lanes.isEmpty {
      unsafe runNetworks(x, rows, y, bias, workspace, executor)
    } else {
      unsafe runChains(x, rows, y, bias, workspace, executor)
    }
    for few in sparse {
      unsafe few.addProduct(x, rows: rows, to: y, workspace: workspace, executor: executor)
    }
  }

  /// Runs all chains; the first writes y, the others add to it.
  private func runChains(
    _ x: UnsafePointer<T>, _ rows: Int, _ y: UnsafeMutablePointer<T>, _ bias: Tensor<T>?,
    _ workspace: UnsafeMutableRawPointer, _ executor: Executor
  ) {
    for (index, network) in lanes.enumerated() {
      let offset =
        unsafe index == 0 ? bias.map { unsafe UnsafePointer($0.storage.buffer.base) } : nil
      unsafe network.multiply(
        x, rows: rows, into: y, bias: offset, accumulate: index > 0, workspace: workspace,
        executor: executor)
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
