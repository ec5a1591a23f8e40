/// Packs that living plans hold, so that other plans of the same layer share them.
internal import Synchronization

final class PreparedCache: Sendable {
  private struct Weak: Sendable { weak let pack: (any AnyObject & Sendable)? }
  private let packs = Mutex<[Weak]>([])

  func factors<T: RealScalar>(
    _ matrix: CompressedMatrix, _ type: T.Type, _ form: LayerForm, _ executor: Executor
  ) throws(TTKitError) -> PreparedFactors<T> {
    let alive = packs.withLock { packs in packs.compactMap(\.pack) }
    for case let pack as PreparedFactors<T> in alive where pack.form == form { return pack }
    let made = try PreparedFactors<T>(matrix, form: form, executor: executor)
    packs.withLock { packs in
      packs.removeAll { $0.pack == nil }
      packs.append(Weak(pack: made))
    }
    return made
  }
}
