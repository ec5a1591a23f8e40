/// What was made lately, for callers that ask for the same again and again: plans for a number of rows.
internal import Synchronization

final class RecentValues<Key: Equatable & Sendable, Value: Sendable>: Sendable {
  private let known = Mutex<[(key: Key, value: Value)]>([])
  private var most: Int { 16 }

  /// The value of a key, made now if it is not among the latest sixteen.
  ///
  /// Threads that ask at once may each make it, as `make` runs without the lock; the first one made stays.
  func value(
    of key: Key, make: () throws(TTKitError) -> Value
  ) throws(TTKitError) -> Value {
    if let found = known.withLock({ $0.first { $0.key == key }?.value }) { return found }
    let value = try make()
    return known.withLock { known in
      if let found = known.first(where: { $0.key == key }) { return found.value }
      if known.count >= most { known.removeFirst() }
      known.append((key, value))
      return value
    }
  }
}
