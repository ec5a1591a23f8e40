/// Telling the caller how far a long call is, and letting the caller stop it.

/// Reports steps of a long call, at most ten times a second, on the calling thread.
///
/// Not Sendable on purpose: it stays on the thread that made it.
public final class ProgressReporter {
  private let callback: ((String, Int, Int) -> Bool)?
  private var last: ContinuousClock.Instant?

  /// - Parameter callback: gets the stage, steps done and in all (0: unknown); false stops the call.
  public init(_ callback: ((_ stage: String, _ done: Int, _ total: Int) -> Bool)?) {
    self.callback = callback
  }

  /// Nobody listens.
  public static var silent: ProgressReporter { ProgressReporter(nil) }

  /// - Throws: `.cancelled` when the callback said stop.
  public func report(_ stage: String, _ done: Int, of total: Int) throws(TTKitError) {
    guard let callback else { return }
    let now = ContinuousClock.now
    if let last, now - last < .milliseconds(100) { return }
    last = now
    guard callback(stage, done, total) else {
      throw .cancelled("the progress callback stopped \(stage) after \(done) of \(total) steps")
    }
  }
}
