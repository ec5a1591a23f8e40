/// Where the tensors of a TT-SVD come from: the caller's arrays of any strides, and files.

extension TensorTrain {
  /// The train of a caller's array; see ``decomposing(_:_:executor:progress:)-(RowSource,_,_,_)``.
  ///
  /// A compact array is read where it lies, one that is compact with its axes reversed (Fortran order) too;
  /// of others one block of rows at a time is copied.
  /// - Precondition: `T` is the view's dtype.
  public static func decomposing(
    _ view: StridedView, _ options: DecompositionOptions, executor: Executor,
    progress: ProgressReporter
  ) throws(TTKitError) -> (train: TensorTrain, report: DecompositionReport) {
    if view.isCompact {
      return try view.withTensor(as: T.self) { (tensor) throws(TTKitError) in
        try decomposing(RowSource(tensor), options, executor: executor, progress: progress)
      }
    }
    let reversed = view.reversed
    guard view.shape.allSatisfy({ $0 > 0 }), reversed.isCompact else {
      return try decomposing(RowSource(view), options, executor: executor, progress: progress)
    }
    var mirrored = options
    if let caps = options.truncation.maxRanks { mirrored.truncation.maxRanks = caps.reversed() }
    let (train, report) = try decomposing(
      reversed, mirrored, executor: executor, progress: progress)
    let last = train.order - 1
    return (try train.reversed().orthogonalized(first: 0, center: last, last: last), report)
  }

  /// The train of a compact row-major array in a file, read in passes over blocks.
  ///
  /// - Throws: as above; `.io` when the system refuses, `.format` when the file is shorter than the shape.
  public static func decomposing(
    file path: String, offset: Int, shape: [Int], _ options: DecompositionOptions,
    executor: Executor, progress: ProgressReporter
  ) throws(TTKitError) -> (train: TensorTrain, report: DecompositionReport) {
    // Before anything is multiplied: lengths of 0 and below are no overflow.
    guard (1...maxOrder).contains(shape.count), shape.allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        "shape is \(describe(shape)), expected 1 to \(maxOrder) lengths of at least 1")
    }
    let source = try RowSource<T>(ReadableFile(path: path), offset: offset, shape: shape)
    return try decomposing(source, options, executor: executor, progress: progress)
  }
}
