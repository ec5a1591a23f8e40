/// Truncated SVDs of many small float32 matrices, faster than one LAPACK call each.
internal import CTTKKernels

/// The best approximations u[b] · v[b] of rank r of the matrices of a stack (count, m, n), as `blockSVD`.
///
/// - Error: each error² is within 2e-5 of the optimum, relative.
/// - Returns: nil when a block needs more care than this gives: ranks near full, vanishing or huge values.
func leadingBlocks(
  _ stack: Tensor<Float>, rank r: Int, balanced: Bool, executor: Executor
) throws(TTKitError) -> (u: Tensor<Float>, v: Tensor<Float>)? {
  let (count, m, n) = (stack.shape[0], stack.shape[1], stack.shape[2])
  let (short, long) = (min(m, n), max(m, n))
  guard count >= 8, short >= 8, 4 * r <= short, r <= 32, long <= 1024 else { return nil }
  let u = try Buffer<Float>(count: checkedProduct([count, m, r]))
  let v = try Buffer<Float>(count: checkedProduct([count, r, n]))
  // Lengths are at most 1024, so products fit.
  let workSize = long * short + 2 * short * short + 3 * (r + 4) * (short + long) + long
  let chunk = 16
  let tasks = (count - 1) / chunk + 1
  let work = try Buffer<Float>(count: checkedProduct([tasks, workSize + 2 * long * short]))
  let flags = try Buffer<Bool>(count: tasks)
  // Tasks write disjoint blocks and use disjoint scratch.
  nonisolated(unsafe) let (toU, toV) = unsafe (u.base, v.base)
  nonisolated(unsafe) let (scratch, source, good) = unsafe (
    work.base, stack.storage.buffer.base, flags.base
  )
  executor.run(tasks) { task in
    let own = unsafe scratch + task * (workSize + 2 * long * short)
    let turned = unsafe own + workSize
    let sides = unsafe turned + long * short
    unsafe good[task] = true
    for b in (task * chunk)..<min(task * chunk + chunk, count) {
      let block = unsafe source + b * m * n
      if m > n {
        // In bounds: a block on either side.
        for i in 0..<m { for j in 0..<n { unsafe turned[j * m + i] = unsafe block[i * n + j] } }
      }
      // Rows of `near` belong to the short side, those of `far` to the long one; r of each and r values.
      let near = unsafe sides
      let far = unsafe near + r * short
      let values = unsafe far + r * long
      let found = unsafe ttkk_active().pointee.leading(
        short, long, r, m > n ? UnsafePointer(turned) : UnsafePointer(block), near, far, values,
        own)
      guard found == 1, unsafe values[r - 1] > 1e-4 * values[0] else {
        unsafe good[task] = false
        return
      }
      for a in 0..<r {
        let value = unsafe values[a]
        // `far` carries the singular value, `near` has norm 1.
        let (left, right) = balanced ? (value.squareRoot(), value.squareRoot()) : (1, value)
        let (nearScale, farScale) = m > n ? (right, left / value) : (left, right / value)
        let rows = unsafe m > n ? far + a * m : near + a * m
        let columns = unsafe m > n ? near + a * n : far + a * n
        let (rowScale, columnScale) = m > n ? (farScale, nearScale) : (nearScale, farScale)
        for i in 0..<m { unsafe toU[(b * m + i) * r + a] = unsafe rows[i] * rowScale }
        for j in 0..<n { unsafe toV[(b * r + a) * n + j] = unsafe columns[j] * columnScale }
      }
    }
  }
  let isGood = flags.withSpan { span in span.indices.allSatisfy { span[$0] } }
  guard isGood else { return nil }
  return (Tensor(shape: [count, m, r], buffer: u), Tensor(shape: [count, r, n], buffer: v))
}
