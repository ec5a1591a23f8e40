/// Functions of trains, element by element.

/// Fills `results[j]` with f of the trains' values, `values[t]` holding those of train t at the same
/// places; false asks to stop.
public typealias TrainFunction<T: Scalar> = (
  _ values: [Tensor<T>], _ results: inout MutableSpan<T>
) throws(TTKitError) -> Bool

/// The train of a function of trains, by cross approximation.
///
/// - Parameters:
///   - trains: at least one, of equal shapes.
///   - function: called on this thread, one call at a time.
/// - Error, complexity, throws: as ``crossApproximation(shape:_:condition:watch:function:)``, beside the
///   evaluation of the trains, O(d r²) for each place.
public func applied<T: Scalar>(
  to trains: [TensorTrain<T>], _ options: CrossOptions = CrossOptions(),
  condition: PivotCondition? = nil, watch: SweepWatch? = nil, function: @escaping TrainFunction<T>
) throws(TTKitError) -> CrossResult<T> {
  guard let first = trains.first else {
    throw .invalidArgument("no trains, expected at least one")
  }
  for train in trains { try first.requireShape(of: train) }
  return try crossApproximation(
    shape: first.shape, options, condition: condition, watch: watch
  ) { (indices, results) throws(TTKitError) in
    var values: [Tensor<T>] = []
    for train in trains {
      values.append(
        try Tensor(shape: [results.count]) { (out) throws(TTKitError) in
          try train.evaluate(indices, into: &out)
        })
    }
    return try function(values, &results)
  }
}
