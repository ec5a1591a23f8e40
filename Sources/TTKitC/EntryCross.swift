/// Entry points of ttkit/cross.h: cross approximation.
public import CTTKit
internal import TTKit

/// Points in C memory of their own.
final class PivotList: Sendable {
  let count: Int
  let order: Int
  nonisolated(unsafe) let indices: UnsafeMutablePointer<Int64>

  init(_ pivots: [[Int]], order: Int) {
    count = pivots.count
    self.order = order
    // In bounds: allocated for count * order elements, at least one.
    indices = .allocate(capacity: max(pivots.count * order, 1))
    for (p, pivot) in pivots.enumerated() {
      for (k, i) in pivot.enumerated() { indices[p * order + k] = Int64(i) }
    }
  }

  deinit { indices.deallocate() }
}

typealias PivotsHandle = Handle<PivotList>

@c @implementation
public func ttk_cross(
  _ order: Int32, _ shape: UnsafePointer<Int64>?, _ dtype: ttk_dtype, _ evaluate: ttk_evaluate?,
  _ context: UnsafeMutableRawPointer?, _ options: UnsafePointer<ttk_cross_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ report: UnsafeMutablePointer<ttk_cross_report>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let wish = try CrossWish(options, order: order, shape: shape)
    if let report { try fill(report, "ttk_cross_report", with: ttk_cross_report()) }
    let evaluate = try require(evaluate, "evaluate")
    guard let dtype = DType(rawValue: dtype) else {
      throw .unsupportedDType("dtype is \(dtype), expected a ttk_dtype such as TTK_FLOAT64")
    }
    func run<T: Scalar>(_ type: T.Type) throws(TTKitError) -> any AnyTrain {
      let result: CrossResult<T> = try crossApproximation(
        shape: wish.shape, wish.options, condition: wish.condition, watch: wish.watch
      ) { (indices, values) throws(TTKitError) in
        indices.withUnsafeBufferPointer { indices in
          values.withUnsafeMutableBufferPointer { values in
            evaluate(
              context, values.count, indices.baseAddress,
              UnsafeMutableRawPointer(values.baseAddress)
            )
          }
        } == 0
      }
      return try wish.deliver(result, report)
    }
    TrainHandle.store(try run(scalarType(dtype, "cross")), in: out)
  }
}

@c @implementation
public func ttk_pivots_count(_ pivots: OpaquePointer?) -> Int64 {
  Int64(PivotsHandle.from(pivots)?.value.count ?? 0)
}

@c @implementation
public func ttk_pivots_order(_ pivots: OpaquePointer?) -> Int32 {
  Int32(PivotsHandle.from(pivots)?.value.order ?? 0)  // at most TTK_MAX_ORDER
}

@c @implementation
public func ttk_pivots_indices(_ pivots: OpaquePointer?) -> UnsafePointer<Int64>? {
  PivotsHandle.from(pivots).map { UnsafePointer($0.value.indices) }
}

@c @implementation
public func ttk_pivots_destroy(_ pivots: OpaquePointer?) { PivotsHandle.destroy(pivots) }
