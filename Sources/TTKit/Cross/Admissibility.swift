/// Where pivots may be.

/// Sets `allowed[j]` to whether a pivot may be at `indices[j·d ..< (j+1)·d]`; false asks to stop.
public typealias PivotCondition = (
  _ indices: Span<Int64>, _ allowed: inout MutableSpan<Bool>
) throws(TTKitError) -> Bool

/// The caller's condition on pivots, or none.
struct Admissibility {
  private let condition: PivotCondition?

  init(_ condition: PivotCondition?) { self.condition = condition }

  /// Every point may be a pivot.
  var isFree: Bool { condition == nil }

  /// Which of the points may be pivots; nil if all may.
  func check(_ points: KeyList, _ coder: IndexCoder) throws(Interruption) -> [Bool]? {
    guard let condition else { return nil }
    let d = coder.order
    var allowed = [Bool](repeating: false, count: points.count)
    guard !allowed.isEmpty else { return allowed }
    let isGoingOn = try wrapped { () throws(TTKitError) in
      var indices = try Buffer<Int64>(count: checkedProduct([points.count, d]))
      indices.withMutableSpan { span in
        for j in 0..<points.count {
          for k in 0..<d {
            span[j * d + k] = Int64(
              coder.index(mode: k, in: points.words, at: j * coder.width))
          }
        }
      }
      return try indices.withSpan { (span) throws(TTKitError) in
        var out = allowed.mutableSpan
        return try condition(span, &out)
      }
    }
    guard isGoingOn else { throw .stopped }
    return allowed
  }
}
