/// The function to approximate, behind a cache and a budget.

/// Fills `values[j]` with f at `indices[j·d ..< (j+1)·d]`, 0-based; false asks to stop.
public typealias CrossFunction<T: Scalar> = (
  _ indices: Span<Int64>, _ values: inout MutableSpan<T>
) throws(TTKitError) -> Bool

/// Why sampling ended early; what has been built so far stays valid.
enum Interruption: Error {
  case budget
  case stopped
  case failed(TTKitError)
}

/// Asks for each index at most once, counts, and never exceeds its limit.
final class Sampler<T: Scalar> {
  let coder: IndexCoder
  /// Evaluations so far.
  private(set) var evaluations = 0
  /// Largest |f| seen.
  private(set) var largest = T.Real.zero
  /// Evaluations allowed in all.
  var limit: Int
  private let function: CrossFunction<T>
  private var cache: SampleCache<T>

  init(
    _ coder: IndexCoder, limit: Int, function: @escaping CrossFunction<T>
  ) throws(TTKitError) {
    self.coder = coder
    self.limit = limit
    self.function = function
    cache = try SampleCache(width: coder.width)
  }

  /// f at the given keys. Either all of them are known afterwards, or it throws and the cache is as before.
  func values(_ keys: KeyList) throws(Interruption) -> [T] {
    let known = cache.count
    let positions = try wrapped { () throws(TTKitError) in try cache.positions(of: keys) }
    if cache.count > known {
      do throws(Interruption) {
        guard cache.count - known <= limit - evaluations else { throw .budget }
        try evaluate(from: known)
      } catch {
        cache.truncate(to: known)
        throw error
      }
    }
    return cache.values(at: positions)
  }

  /// Lists of keys live in ordinary arrays, which must stay far below the memory of a machine.
  func requireRoom(_ rows: Int, _ columns: Int) throws(Interruption) {
    let most = (1 << 27) / coder.width
    guard rows <= most, columns <= most / max(rows, 1) else {
      throw .failed(
        .sizeOverflow(
          "a cross of \(rows) x \(columns) values is too large to list; split long modes into digits,"
            + " cap the rank, or search by rook"))
    }
  }

  /// Calls the function for the cache's entries from `first` on, in batches of bounded memory.
  private func evaluate(from first: Int) throws(Interruption) {
    let d = coder.order
    let batch = max(1, min(1 << 16, (1 << 22) / d))
    var start = first
    while start < cache.count {
      let count = min(batch, cache.count - start)
      let isGoingOn = try wrapped { () throws(TTKitError) in try ask(start, count, d) }
      if !isGoingOn { throw .stopped }
      start += count
    }
  }

  private func ask(_ start: Int, _ count: Int, _ d: Int) throws(TTKitError) -> Bool {
    var indices = try Buffer<Int64>(count: count * d)  // fits: the batch is bounded
    var values = try Buffer<T>(count: count, zeroed: true)
    indices.withMutableSpan { span in
      for j in 0..<count {
        let key = cache.key(start + j)
        for k in 0..<d { span[j * d + k] = Int64(coder.index(mode: k, in: key, at: 0)) }
      }
    }
    evaluations += count
    let isGoingOn = try indices.withSpan { (indices) throws(TTKitError) in
      try values.withMutableSpan { (values) throws(TTKitError) in
        try function(indices, &values)
      }
    }
    guard isGoingOn else { return false }
    for j in 0..<count {
      let value = values.withSpan { $0[j] }
      guard value.isFinite else {
        let index = coder.unpack(cache.key(start + j))
        throw .nonFinite(
          "the function is \(value) at index \(describe(index)), expected finite values; "
            + "return a finite number there")
      }
      largest = max(largest, value.magnitude)
      cache.setValue(value, at: start + j)
    }
    return true
  }
}

/// Errors of the core end a run; budget and stop do not.
func wrapped<R>(_ body: () throws(TTKitError) -> R) throws(Interruption) -> R {
  do throws(TTKitError) {
    return try body()
  } catch {
    throw .failed(error)
  }
}
