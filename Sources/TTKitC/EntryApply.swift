/// ttk_apply of ttkit/cross.h: functions of trains.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_apply(
  _ train_count: Int32, _ trains: UnsafePointer<OpaquePointer?>?, _ function: ttk_train_function?,
  _ context: UnsafeMutableRawPointer?, _ options: UnsafePointer<ttk_cross_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ report: UnsafeMutablePointer<ttk_cross_report>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    guard train_count >= 1, train_count <= 1024 else {
      throw .invalidArgument("train_count is \(train_count), expected 1 to 1024")
    }
    let handles = try require(trains, "trains")
    var given: [any AnyTrain] = []
    for t in 0..<Int(train_count) { try given.append(train(handles[t], "trains[\(t)]")) }
    let lengths = given[0].shape.map(Int64.init)
    let wish = try lengths.withUnsafeBufferPointer { (lengths) throws(TTKitError) in
      try CrossWish(options, order: Int32(lengths.count), shape: lengths.baseAddress)
    }
    if let report { try fill(report, "ttk_cross_report", with: ttk_cross_report()) }
    let function = try require(function, "function")
    func run<A: AnyTrain>(_ first: A) throws(TTKitError) -> any AnyTrain {
      var trains: [TensorTrain<A.Element>] = []
      for other in given { try trains.append(sameDType(first, other)) }
      let result = try applied(
        to: trains, wish.options, condition: wish.condition, watch: wish.watch
      ) { (values, results) throws(TTKitError) in
        // The tensors, and so their memory, live until this closure ends.
        let places: [UnsafeRawPointer?] = values.map { value in
          value.withSpan { span in span.withUnsafeBufferPointer { UnsafeRawPointer($0.baseAddress) }
          }
        }
        return withExtendedLifetime(values) {
          results.withUnsafeMutableBufferPointer { results in
            function(context, results.count, places, UnsafeMutableRawPointer(results.baseAddress))
          }
        } == 0
      }
      return try wish.deliver(result, report)
    }
    TrainHandle.store(try run(given[0]), in: out)
  }
}
