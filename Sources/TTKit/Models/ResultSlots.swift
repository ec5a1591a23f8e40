/// Results of parallel pieces, each set once by its own piece.
internal import Synchronization

final class ResultSlots<Value: Sendable>: Sendable {
  private let values: Mutex<[Value?]>

  init(count: Int) { values = Mutex([Value?](repeating: nil, count: count)) }

  func set(_ i: Int, _ value: Value) { values.withLock { $0[i] = value } }

  subscript(i: Int) -> Value? { values.withLock { $0[i] } }
}
