/// Memory and workspaces of LAPACK calls.

typealias Pointer<T> = UnsafeMutablePointer<T>

/// A pointer whose memory holds `Target`, as T.dtype says.
func raw<T, Target>(_ pointer: UnsafeMutablePointer<T>, _ type: Target.Type)
  -> UnsafeMutablePointer<Target>
{
  unsafe UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Target.self)
}

/// Memory for matrices of columns this long (LAPACK's leading dimension).
///
/// OpenBLAS 0.3.21 multiplies the last two of 4 k + 2 complex rows by reading one column too many. What it
/// reads there is not used, but it must be memory of this process.
func lapackBuffer<T: Scalar>(
  _ type: T.Type, count: Int, column: Int
) throws(TTKitError) -> Buffer<T> {
  try Buffer(count: count, tail: T.dtype == T.Real.dtype ? 0 : column)
}

/// A copy of the matrix `a` (m, n), which LAPACK sees as (n, m).
func lapackCopy<T: Scalar>(_ a: Tensor<T>) throws(TTKitError) -> Buffer<T> {
  let work = try lapackBuffer(T.self, count: a.count, column: a.shape[1])
  // In bounds: both hold a.count elements.
  unsafe work.base.update(from: a.storage.buffer.base, count: a.count)
  return work
}

/// The number of elements a workspace query asked for, which float32 may have rounded down.
func workspaceLength<T: Scalar>(_ best: T) -> Int {
  let asked = Double(best.realPart)
  return max(Int((asked * (1 + T.eps)).rounded(.up)), 1)
}

/// Asks a routine for its best workspace, then runs it.
/// - Parameter column: the longest column of a matrix that the routine keeps in the workspace.
func withWorkspace<T: Scalar>(
  _ type: T.Type, column: Int = 0, _ call: (Pointer<T>, Int, Pointer<Int32>) -> Void
) throws(TTKitError) {
  var info: Int32 = 0
  var best = T.zero
  unsafe call(&best, -1, &info)
  let length = workspaceLength(best)
  let work = try lapackBuffer(T.self, count: length, column: column)
  unsafe call(work.base, length, &info)
  // A negative info names a wrong argument: ours to get right.
  precondition(info == 0, "LAPACK refused argument \(-info)")
}
