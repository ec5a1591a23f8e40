/// Input operators in executes: in the caller's workspace, allocating nothing.

extension PreparedOperator {
  /// Elements of workspace for so many rows: the result and what making it needs.
  func workspaceCount(rows: Int) throws(TTKitError) -> Int {
    let (sum, overflow) = try checkedProduct([rows, shape.outputs + shape.inputs])
      .addingReportingOverflow(transform.scratchCount(rows: rows))
    guard !overflow else {
      throw .sizeOverflow("workspace of \(rows) rows exceeds the address space")
    }
    return (sum + 15) / 16 * 16
  }

  /// x Eᵀ at the start of a workspace of `workspaceCount` elements.
  func lift(
    _ x: UnsafePointer<T>, rows: Int, workspace: UnsafeMutablePointer<T>, executor: Executor
  ) {
    let (n, wide) = (shape.inputs, shape.outputs)
    // In bounds: see workspaceCount.
    let apart = unsafe workspace + rows * wide
    let scratch = unsafe apart + rows * n
    guard shape.keepsInput else {
      unsafe transform.apply(
        x, rows: rows, xStep: n, to: workspace, yStep: n, adjoint: true, scratch: scratch,
        executor: executor)
      return
    }
    unsafe transform.apply(
      x, rows: rows, xStep: n, to: apart, yStep: n, adjoint: true, scratch: scratch,
      executor: executor)
    for r in 0..<rows {
      let row = unsafe workspace + r * wide
      unsafe row.update(from: x + r * n, count: n)
      unsafe (row + n).update(from: apart + r * n, count: n)
    }
  }
}
