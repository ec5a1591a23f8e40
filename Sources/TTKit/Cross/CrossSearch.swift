/// What a run needs from a method of cross approximation.
protocol CrossSearch<T> {
  associatedtype T: Scalar
  var coder: IndexCoder { get }
  /// Local errors below this are left alone.
  var threshold: Double { get set }
  /// r[0], …, r[d] of `cores()`.
  var ranks: [Int] { get }
  /// Visits every bond once; an interruption leaves the latest train in place.
  ///
  /// - Returns: whether nothing was left to improve at the threshold, and whether the rank cap binds.
  mutating func pass() throws(Interruption) -> (isStalled: Bool, isCapped: Bool)
  /// Uses points where the error is large; returns how much was added.
  mutating func insert(_ points: KeyList) throws(Interruption) -> Int
  /// Row-major cores, made without asking the function.
  func cores() -> [[T]]
  func pivots() -> [[Int]]
}
