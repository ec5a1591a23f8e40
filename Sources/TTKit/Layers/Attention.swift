/// Block-term tensor attention: a third-order tensor of queries, keys and values instead of softmax(QKᵀ)V.
///
/// With q, k, v = X Wq, X Wk, X Wv of R columns each and diagonal cores g[h], token i sees
/// T[i, j, l] = mean over h of Σ_r g[h, r] q[i, r] k[j, r] v[l, r] for j, l <= i, and
/// y[i] = Σ W[·, j, l] T[i, j, l] + b. Later tokens never enter: the sum for token i is the sum for i − 1 plus
/// the pairs with j = i or l = i, so a sequence costs O(n² R outputs) and not O(n³ R).
/// Source: X. Ma et al., A Tensorized Transformer for Language Modeling, NeurIPS 2019; their code passes the
/// mask by, here it is part of the definition.

public final class BlockTermAttention: Sendable {
  public let features: Int
  public let rank: Int
  public let outputs: Int
  /// Most tokens of a sequence.
  public let length: Int
  public let dtype: DType
  /// Cores whose mean counts.
  public let blocks: Int
  public let hasBias: Bool
  let work: Work

  enum Work: Sendable {
    case single(AttentionParts<Float>)
    case double(AttentionParts<Double>)
  }

  /// - Parameters:
  ///   - query, key, value: (rank, features), all float32 or all float64, as are the others.
  ///   - cores: (blocks, rank), used as they are: a softmax over r belongs to the caller.
  ///   - output: (outputs, length, length); bias: (outputs) or nil.
  /// - Throws: `.invalidArgument` for shapes that do not fit; `.unsupportedDType`; `.nonFinite`;
  ///   `.sizeOverflow`, `.outOfMemory`.
  public init(
    query: StridedView, key: StridedView, value: StridedView, cores: StridedView,
    output: StridedView, bias: StridedView?
  ) throws(TTKitError) {
    guard query.shape.count == 2, !query.shape.contains(0) else {
      throw .invalidArgument(
        "query has shape \(describe(query.shape)), expected (rank, features) of at least 1")
    }
    guard output.shape.count == 3, output.shape[1] == output.shape[2], !output.shape.contains(0)
    else {
      throw .invalidArgument(
        "output has shape \(describe(output.shape)), expected (outputs, length, length) of at least "
          + "1")
    }
    let (rank, features) = (query.shape[0], query.shape[1])
    let (outputs, length) = (output.shape[0], output.shape[1])
    let dtype = query.dtype
    (self.rank, self.features, self.outputs, self.length) = (rank, features, outputs, length)
    self.dtype = dtype
    (blocks, hasBias) = (cores.shape.first ?? 0, bias != nil)
    guard dtype == .float32 || dtype == .float64 else {
      throw .unsupportedDType("query.dtype is \(dtype.name), expected float32 or float64")
    }
    guard cores.shape.count == 2, cores.shape[0] >= 1, cores.shape[1] == rank else {
      throw .invalidArgument(
        "cores has shape \(describe(cores.shape)), expected (blocks, \(rank))")
    }
    let wide = [rank, features]
    var others = [("key", key, wide), ("value", value, wide)]
    if let bias { others.append(("bias", bias, [outputs])) }
    for (name, view, shape) in others where view.shape != shape {
      throw .invalidArgument(
        "\(name) has shape \(describe(view.shape)), expected \(describe(shape))")
    }
    others += [("cores", cores, cores.shape), ("output", output, output.shape)]
    for (name, view, _) in others where view.dtype != dtype {
      throw .unsupportedDType("\(name).dtype is \(view.dtype.name), expected \(dtype.name)")
    }
    if dtype == .float64 {
      work = .double(try AttentionParts(query, key, value, cores, output, bias))
    } else {
      work = .single(try AttentionParts(query, key, value, cores, output, bias))
    }
  }

  public var byteCount: Int {
    switch work {
    case .single(let parts): return parts.byteCount
    case .double(let parts): return parts.byteCount
    }
  }

  /// y (sequences, n, outputs) for x (sequences, n, features), n <= length. The caller has checked shapes.
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  public func apply(
    _ x: StridedView, into y: StridedView, executor: Executor = Executor()
  ) throws(TTKitError) {
    switch work {
    case .single(let parts): try parts.apply(x, y, executor)
    case .double(let parts): try parts.apply(x, y, executor)
    }
  }
}

/// The parameters as the algorithm reads them.
struct AttentionParts<T: RealScalar>: Sendable {
  /// Wq, Wk, Wv below one another: (3 R, features).
  private let projections: Tensor<T>
  /// The mean of the cores (R).
  private let core: Tensor<T>
  /// For token i the matrix (outputs, 2i + 1): W[·, i, 0...i], then W[·, 0..<i, i].
  private let pairs: [Tensor<T>]
  private let bias: Tensor<T>?

  /// The parameters, while the layer lives; pairs by token.
  var views: (projections: StridedView, core: StridedView, pairs: (Int) -> StridedView) {
    (projections.wholeView, core.wholeView, { pairs[$0].wholeView })
  }

  var byteCount: Int {
    projections.byteCount + core.byteCount + (bias?.byteCount ?? 0)
      + pairs.reduce(0) { $0 + $1.byteCount }
  }

  init(
    _ query: StridedView, _ key: StridedView, _ value: StridedView, _ cores: StridedView,
    _ output: StridedView, _ bias: StridedView?
  ) throws(TTKitError) {
    let (rank, features) = (query.shape[0], query.shape[1])
    _ = try checkedProduct([3, rank, features, 8])
    let parts = [
      try query.copied(as: T.self), try key.copied(as: T.self), try value.copied(as: T.self),
    ]
    projections = try .assembled(
      shape: [3 * rank, features],
      parts.enumerated().map { ([$0.offset * rank, 0], $0.element) })
    let all = try cores.copied(as: T.self)
    core = try Tensor<T>(shape: [rank], zeroed: true) { out in
      all.withSpan { span in
        for i in span.indices { out[i % rank] += span[i] }
        for r in 0..<rank { out[r] /= T(cores.shape[0]) }
      }
    }
    let w = try output.copied(as: T.self)
    let (outputs, n) = (output.shape[0], output.shape[1])
    var pairs: [Tensor<T>] = []
    for i in 0..<n {
      pairs.append(
        try Tensor<T>(shape: [outputs, 2 * i + 1]) { out in
          w.withSpan { span in
            for o in 0..<outputs {
              // Parts of a live array.
              let (from, to) = (o * n * n, o * (2 * i + 1))
              for l in 0...i { out[to + l] = span[from + i * n + l] }
              for j in 0..<i { out[to + i + 1 + j] = span[from + j * n + i] }
            }
          }
        })
    }
    self.pairs = pairs
    self.bias = try bias.map { (bias) throws(TTKitError) in try bias.copied(as: T.self) }
    guard projections.isFinite, core.isFinite, w.isFinite, self.bias?.isFinite ?? true else {
      throw .nonFinite("a parameter holds NaN or infinity; expected finite values")
    }
  }

  func apply(_ x: StridedView, _ y: StridedView, _ executor: Executor) throws(TTKitError) {
    let (sequences, n) = (x.shape[0], x.shape[1])
    guard sequences > 0, n > 0 else { return }
    let features = x.shape[2]
    let (rank, outputs) = (core.count, y.shape[2])
    let tokens = try x.copied(as: T.self).reshaped([sequences * n, features])
    // One token a product, so that its numbers do not depend on how many others there are.
    var result = try Buffer<T>(count: y.count)
    try result.withMutableSpan { (out) throws(TTKitError) in
      try executor.parallelFill(&out, pieceCount: n * outputs) { (first, part) throws(TTKitError) in
        let sequence = first / (n * outputs)
        try self.apply(tokens, sequence * n, n, rank, outputs, &part)
      }
    }
    y.write(Tensor(shape: y.shape, buffer: result))
  }

  /// One sequence of n tokens, which begin at row `start`.
  private func apply(
    _ tokens: Tensor<T>, _ start: Int, _ n: Int, _ rank: Int, _ outputs: Int,
    _ out: inout MutableSpan<T>
  ) throws(TTKitError) {
    let features = tokens.shape[1]
    var keys: [Tensor<T>] = []
    var values: [Tensor<T>] = []
    var sum = try Tensor<T>(shape: [outputs, rank], zeroed: true) { _ in }
    for i in 0..<n {
      let token = try tokens.block(at: [start + i, 0], shape: [1, features])
      let qkv = try product(token, projections, .plain, .transposed)
      let query = try qkv.block(at: [0, 0], shape: [1, rank]).reshaped([rank])
      keys.append(try qkv.block(at: [0, rank], shape: [1, rank]).reshaped([rank]))
      values.append(try qkv.block(at: [0, 2 * rank], shape: [1, rank]).reshaped([rank]))
      let steps = try Tensor<T>(shape: [2 * i + 1, rank]) { z in
        for l in 0...i { multiply(values[l], keys[i], into: &z, at: l * rank) }
        for j in 0..<i { multiply(keys[j], values[i], into: &z, at: (i + 1 + j) * rank) }
      }
      sum = try added(sum, product(pairs[i], steps))
      let weighted = try multipliedPair(core, query).reshaped([rank, 1])
      let line = try product(sum, weighted)
      line.withSpan { span in
        for o in 0..<outputs { out[i * outputs + o] = span[o] }
      }
      bias?.withSpan { span in
        for o in 0..<outputs { out[i * outputs + o] += span[o] }
      }
    }
  }

  /// z[at + r] = a[r] · b[r].
  private func multiply(_ a: Tensor<T>, _ b: Tensor<T>, into z: inout MutableSpan<T>, at: Int) {
    a.withSpan { x in
      b.withSpan { y in
        for r in x.indices { z[at + r] = x[r] * y[r] }
      }
    }
  }

  private func multipliedPair(_ a: Tensor<T>, _ b: Tensor<T>) throws(TTKitError) -> Tensor<T> {
    try Tensor<T>(shape: a.shape) { out in multiply(a, b, into: &out, at: 0) }
  }
}
