/// Compressing a whole model: fits in parallel, bounded memory, results in the order of the file.

public struct CompressionOptions {
  public var executor = Executor()
  /// Largest file, unless one weight alone is larger; nil for one file.
  public var maxShardByteCount: Int?
  /// Bytes of weights in work at one time.
  public var memoryLimit = 1 << 30
  /// With parts > 1: only weights i with i mod parts = part.
  public var part = 0
  public var parts = 1
  /// What the weights see: linear weights that are in it are fitted to their inputs, and their biases
  /// take up what the mean outputs lose.
  public var calibration: CalibrationFile?
  /// Called after each weight, in order, on the calling thread; false stops.
  public var weightDone: ((_ report: WeightReport, _ done: Int, _ total: Int) -> Bool)?

  public init() {}
}

/// Fits every weight a recipe names and copies the rest.
public struct CompressionPipeline {
  private let source: ModelSource
  private let options: CompressionOptions
  private let plan: CompressionPlan
  private let output: ModelOutput

  /// Compresses a model into a folder, which is made if missing; after a failure nothing of it is left.
  ///
  /// - Parameters:
  ///   - source: a safetensors file, a folder of them, or an index of shards.
  ///   - folder: gets `model.safetensors`, or shards and an index, and the source folder's other files.
  /// - Throws: `.cancelled` when `weightDone` says so; what reading, fitting and writing throw.
  public static func run(
    source path: String, recipe: Recipe, folder: String,
    options: CompressionOptions = CompressionOptions()
  ) throws(TTKitError) {
    guard options.parts >= 1, options.part >= 0, options.part < options.parts else {
      throw .invalidArgument(
        "part \(options.part) of \(options.parts) parts; expected 0 <= part < parts")
    }
    guard options.parts <= ShardIndex.shardLimit else {
      throw .invalidArgument(
        "parts is \(options.parts), expected at most \(ShardIndex.shardLimit)")
    }
    guard options.parts == 1 || options.maxShardByteCount == nil else {
      throw .invalidArgument("parts and max_shard_nbytes exclude each other; give one of them")
    }
    let source = try ModelSource(path: path)
    var plan = try CompressionPlan(source, recipe)
    if let calibration = options.calibration { plan.moveBiases(calibrated: calibration.knows) }
    plan.keep(part: options.part, of: options.parts)
    let output = try ModelOutput(folder: folder, source: source, path: path, options)
    let pipeline = CompressionPipeline(
      source: source, options: options, plan: plan, output: output)
    try pipeline.process()
    try output.commit()
  }

  private func process() throws(TTKitError) {
    var done = 0
    var changes: [String: Tensor<Double>] = [:]
    while done < plan.tasks.count {
      let batch = nextBatch(from: done)
      let fitted = try fit(batch)
      for i in batch {
        let report = try write(plan.tasks[i], fitted[i], &changes)
        done = i + 1
        if let weightDone = options.weightDone, !weightDone(report, done, plan.tasks.count) {
          throw .cancelled(
            "weight_done stopped the compression after \(report.name), \(done) of "
              + "\(plan.tasks.count)")
        }
      }
    }
  }

  /// Tasks from `start` on whose weights fit the memory limit; at least one. Few enough that the caller
  /// hears of progress.
  private func nextBatch(from start: Int) -> Range<Int> {
    var bytes = 0
    var fits = 0
    for i in start..<plan.tasks.count {
      guard case .fit(let place, _, _, _) = plan.tasks[i].work else { continue }
      // Halves are widened for fitting. No overflow: bytes of files.
      let mine = place.entry.byteCount * (place.entry.dtype.size == 2 ? 2 : 1)
      if fits > 0 && (mine > options.memoryLimit - bytes || fits >= 2 * options.executor.threads) {
        return start..<i
      }
      bytes += mine
      fits += 1
    }
    return start..<plan.tasks.count
  }

  private struct Fitted: Sendable {
    let matrix: CompressedMatrix
    let seconds: Double
  }

  /// Fits the batch's weights: a single one with all threads, several with one each.
  private func fit(_ batch: Range<Int>) throws(TTKitError) -> [Int: Fitted] {
    typealias Job = (
      index: Int, place: ModelSource.Place, spec: Spec, kind: WeightKind, transpose: Bool,
      hasBias: Bool
    )
    let calibration = options.calibration
    var jobs: [Job] = []
    for i in batch {
      if case .fit(let place, let spec, let kind, let transpose) = plan.tasks[i].work {
        let rows = place.entry.shape[transpose ? 1 : 0]
        let hasBias = bias(place.entry.name, rows: rows) != nil
        jobs.append((i, place, spec, kind, transpose, hasBias))
      }
    }
    let results = ResultSlots<Fitted>(count: jobs.count)
    let list = jobs
    let inner = jobs.count == 1 ? options.executor : .serial
    try options.executor.parallelFor(jobs.count) { (j) throws(TTKitError) in
      let job = list[j]
      let start = monotonicSeconds()
      let matrix = try CompressionPipeline.fit(
        job.place, job.spec, job.kind, transpose: job.transpose, inner, calibration,
        hasBias: job.hasBias)
      results.set(j, Fitted(matrix: matrix, seconds: monotonicSeconds() - start))
    }
    var fitted: [Int: Fitted] = [:]
    for (j, job) in jobs.enumerated() { fitted[job.index] = results[j] }
    return fitted
  }

  private static func fit(
    _ place: ModelSource.Place, _ spec: Spec, _ kind: WeightKind, transpose: Bool,
    _ executor: Executor, _ calibration: CalibrationFile?, hasBias: Bool
  ) throws(TTKitError) -> CompressedMatrix {
    let entry = place.entry
    do throws(TTKitError) {
      guard let dtype = entry.dtype.dtype, entry.shape.count == 2 else {
        throw .internal("planned for compression, but no matrix of floats")
      }
      let (rows, columns) = (entry.shape[0], entry.shape[1])
      let moment =
        kind == .linear
        ? try calibration?.moment(
          entry.name, width: transpose ? rows : columns, usesMean: hasBias) : nil
      let bytes = try place.file.bytes(of: entry)
      return try withView(
        of: bytes, dtype: dtype, shape: transpose ? [columns, rows] : [rows, columns],
        strides: transpose ? [1, columns] : nil
      ) { (view) throws(TTKitError) in
        try CompressedMatrix.fit(
          view, spec: spec, moment: moment, padsRows: kind == .embedding, executor: executor)
      }
    } catch {
      throw error.inside("weight \(entry.name)")
    }
  }

  /// - Parameter changes: what to add to biases still to come, by name.
  private func write(
    _ task: CompressionPlan.Task, _ fitted: Fitted?, _ changes: inout [String: Tensor<Double>]
  ) throws(TTKitError) -> WeightReport {
    switch task.work {
    case .keep(let place):
      if let change = changes.removeValue(forKey: task.name) {
        try output.add(place, plus: change)
      } else {
        try output.copy(place)
      }
      return WeightReport(
        name: task.name, spec: nil, shape: place.entry.shape,
        byteCountBefore: place.entry.byteCount, byteCount: place.entry.byteCount, error: 0,
        seconds: 0, kind: nil)
    case .tie(let place, let target, let spec, let kind):
      try output.tie(task.name, to: target, kind)
      let shape = place?.entry.shape ?? source[target]?.entry.shape ?? []
      return WeightReport(
        name: task.name, spec: spec?.description, shape: shape,
        byteCountBefore: place?.entry.byteCount ?? 0,
        byteCount: 0, error: 0, seconds: 0, kind: kind)
    case .fit(let place, _, let kind, let transpose):
      guard let fitted, let dtype = place.entry.dtype.dtype else {
        throw .internal("weight \(task.name) was not fitted")
      }
      if let bias = biasName(of: task.name) { changes[bias] = fitted.matrix.biasChange }
      let weight = StoredWeight(
        name: task.name, kind: kind, matrix: fitted.matrix, dtype: dtype,
        bias: bias(task.name, rows: fitted.matrix.rows), transpose: transpose)
      try output.add(weight, fitted.matrix)
      return WeightReport(
        name: task.name, spec: weight.spec.description, shape: [weight.rows, weight.columns],
        byteCountBefore: place.entry.byteCount, byteCount: fitted.matrix.byteCount,
        error: fitted.matrix.error, seconds: fitted.seconds, kind: kind)
    }
  }

  /// The bias beside a weight, when it has one element for each row.
  private func bias(_ weight: String, rows: Int) -> String? {
    guard let name = biasName(of: weight), source[name]?.entry.shape == [rows] else { return nil }
    return name
  }
}
