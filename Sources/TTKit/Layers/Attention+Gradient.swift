/// The backward pass of block-term attention.
///
/// With S[i] = Σ over pairs up to token i, y[i] = S[i] · (g ∘ q[i]) + b. One sweep forward makes the gradients of
/// g and q; one sweep back carries D[i] = Σ over m >= i of the gradient of S[m], from which those of W, k and v
/// follow. All sequences go together, so each token takes three products whatever their number.

/// Where gradients go, in the shapes of what they are gradients of; nil for what is not wanted.
public struct AttentionGradients {
  public var x: StridedView?
  public var query: StridedView?
  public var key: StridedView?
  public var value: StridedView?
  public var cores: StridedView?
  public var output: StridedView?
  public var bias: StridedView?

  public init() {}
}

extension BlockTermAttention {
  /// Gradients of ⟨gradient, layer(x)⟩.
  ///
  /// As causal as the layer: the gradient of outputs up to t depends on no token after t, bit for bit.
  /// - Parameters: x (sequences, n, features) and gradient (sequences, n, outputs) in the layer's dtype, any
  ///   strides; targets overlap nothing. The caller has checked all this.
  /// - Complexity: O(n² R outputs) a sequence, three times that of the layer; O(n R sequences) memory.
  /// - Throws: `.outOfMemory`, `.sizeOverflow`.
  public func vjp(
    _ x: StridedView, _ gradient: StridedView, into targets: AttentionGradients
  ) throws(TTKitError) {
    switch work {
    case .single(let parts): try parts.vjp(x, gradient, targets)
    case .double(let parts): try parts.vjp(x, gradient, targets)
    }
  }
}

/// Numbers of one backward pass, tokens first: row i has all sequences of token i.
private struct AttentionTape<T: RealScalar> {
  let sequences: Int
  let count: Int
  /// (n · sequences, features), zero behind the last token of a sequence that has a gradient.
  let tokens: Tensor<T>
  /// (n, sequences, outputs).
  let above: Tensor<T>
  /// (n, sequences · R) each.
  let query: Tensor<T>
  let key: Tensor<T>
  let value: Tensor<T>

  init(
    _ parts: AttentionParts<T>, _ x: StridedView, _ gradient: StridedView
  ) throws(TTKitError) {
    let (sequences, n, outputs) = (x.shape[0], x.shape[1], gradient.shape[2])
    let features = x.shape[2]
    _ = try checkedProduct([sequences, n, max(3 * parts.rank, features), 8])
    let above = try gradient.tokensFirst.copied(as: T.self)
    let given = try x.tokensFirst.copied(as: T.self)
    // Tokens without any later gradient must not count, not even by 0 · NaN.
    var used = [Int](repeating: 0, count: sequences)
    above.withSpan { span in
      for i in 0..<(n * sequences) {
        for o in 0..<outputs where span[i * outputs + o] != 0 {
          used[i % sequences] = i / sequences + 1
          break
        }
      }
    }
    let tokens = try Tensor<T>(shape: [n * sequences, features], zeroed: true) { out in
      given.withSpan { span in
        for i in 0..<(n * sequences) where i / sequences < used[i % sequences] {
          for f in 0..<features { out[i * features + f] = span[i * features + f] }
        }
      }
    }
    func projected(_ p: Int) throws(TTKitError) -> Tensor<T> {
      try product(tokens, parts.projection(p), .plain, .transposed)
        .reshaped([n, sequences * parts.rank])
    }
    (self.sequences, count, self.tokens, self.above) = (sequences, n, tokens, above)
    (query, key, value) = (try projected(0), try projected(1), try projected(2))
  }
}

extension StridedView {
  /// (sequences, n, ...) as (n, sequences, ...).
  fileprivate var tokensFirst: StridedView { split(shape.map { [$0] }, order: [1, 0, 2]) }
}

extension AttentionParts {
  @specialized(where T == Float)
  @specialized(where T == Double)
  func vjp(
    _ x: StridedView, _ gradient: StridedView, _ targets: AttentionGradients
  ) throws(TTKitError) {
    let tape = try AttentionTape(self, x, gradient)
    let wide = [tape.count, tape.sequences * rank]
    let weights = try weightedSums(tape, wide)
    if let target = targets.cores { try writeCores(tape, weights, target) }
    let query = try Tensor<T>(shape: wide) { out in
      weights.withSpan { h in
        core.withSpan { g in for i in h.indices { out[i] = h[i] * g[i % rank] } }
      }
    }
    let (key, value) = try sweepBack(tape, wide, targets.output)
    try write(tape, [query, key, value], targets)
    guard let target = targets.bias else { return }
    target.write(
      try Tensor<T>(shape: target.shape, zeroed: true) { out in
        let outputs = target.shape[0]
        tape.above.withSpan { g in for i in g.indices { out[i % outputs] += g[i] } }
      })
  }

  /// h[i] = Gᵀ S[i] for every token, rank and sequence: the gradient of g ∘ q.
  private func weightedSums(
    _ tape: AttentionTape<T>, _ wide: [Int]
  ) throws(TTKitError) -> Tensor<T> {
    let (columns, outputs) = (wide[1], tape.above.shape[2])
    var sum = try Tensor<T>(shape: [outputs, columns], zeroed: true) { _ in }
    return try Tensor<T>(shape: wide, zeroed: true) { (h) throws(TTKitError) in
      for i in 0..<tape.count {
        sum = try added(sum, product(pairs[i], steps(tape, i, columns)))
        tape.above.withSpan { g in
          sum.withSpan { s in
            for b in 0..<tape.sequences {
              for o in 0..<outputs {
                let weight = g[(i * tape.sequences + b) * outputs + o]
                for c in (b * rank)..<((b + 1) * rank) {
                  h[i * columns + c] += weight * s[o * columns + c]
                }
              }
            }
          }
        }
      }
    }
  }

  /// Row l <= i: k[i] ∘ v[l]; then row j < i: k[j] ∘ v[i], as the columns of `pairs`.
  private func steps(
    _ tape: AttentionTape<T>, _ i: Int, _ columns: Int
  ) throws(TTKitError) -> Tensor<T> {
    try Tensor<T>(shape: [2 * i + 1, columns]) { z in
      tape.key.withSpan { k in
        tape.value.withSpan { v in
          for row in 0..<(2 * i + 1) {
            let (a, b) = row <= i ? (i, row) : (row - i - 1, i)
            for c in 0..<columns { z[row * columns + c] = k[a * columns + c] * v[b * columns + c] }
          }
        }
      }
    }
  }

  /// Gradients of k and v; that of the pairs' weights goes to `output`.
  private func sweepBack(
    _ tape: AttentionTape<T>, _ wide: [Int], _ output: StridedView?
  ) throws(TTKitError) -> (key: Tensor<T>, value: Tensor<T>) {
    let (n, columns, outputs) = (tape.count, wide[1], tape.above.shape[2])
    let length = pairs.count
    // Of as many elements as the layer has; none when it is not wanted.
    let kept = output == nil ? [0] : [outputs, length, length]
    var below = try Tensor<T>(shape: [outputs, columns], zeroed: true) { _ in }
    var both = try Buffer<T>(count: checkedProduct([2, n, columns]), zeroed: true)
    let weights = try Tensor<T>(shape: kept, zeroed: true) { (w) throws(TTKitError) in
      try both.withMutableSpan { (kv) throws(TTKitError) in
        for i in (0..<n).reversed() {
          below = try added(below, outer(tape, i, columns))
          if output != nil {
            let made = try product(below, steps(tape, i, columns), .plain, .transposed)
            made.withSpan { m in
              for o in 0..<outputs {
                let (to, from) = (o * length * length, o * (2 * i + 1))
                for l in 0...i { w[to + i * length + l] = m[from + l] }
                for j in 0..<i { w[to + j * length + i] = m[from + i + 1 + j] }
              }
            }
          }
          addBack(tape, i, columns, try product(pairs[i], below, .transposed), &kv)
        }
      }
    }
    output?.write(weights)
    let made = Tensor(shape: [2 * n, columns], buffer: both)
    return (
      try made.block(at: [0, 0], shape: wide), try made.block(at: [n, 0], shape: wide)
    )
  }

  /// The gradient of S[i] from y[i] alone: (outputs, sequences · R).
  private func outer(
    _ tape: AttentionTape<T>, _ i: Int, _ columns: Int
  ) throws(TTKitError) -> Tensor<T> {
    let outputs = tape.above.shape[2]
    return try Tensor<T>(shape: [outputs, columns]) { out in
      tape.above.withSpan { g in
        tape.query.withSpan { q in
          core.withSpan { weight in
            for o in 0..<outputs {
              for c in 0..<columns {
                out[o * columns + c] =
                  g[(i * tape.sequences + c / rank) * outputs + o] * weight[c % rank]
                  * q[i * columns + c]
              }
            }
          }
        }
      }
    }
  }

  /// Adds what the products k ∘ v of token i say: keys first, then values.
  private func addBack(
    _ tape: AttentionTape<T>, _ i: Int, _ columns: Int, _ made: Tensor<T>,
    _ out: inout MutableSpan<T>
  ) {
    let values = tape.count * columns
    made.withSpan { z in
      tape.key.withSpan { k in
        tape.value.withSpan { v in
          for row in 0..<(2 * i + 1) {
            let (a, b) = row <= i ? (i, row) : (row - i - 1, i)
            for c in 0..<columns {
              let change = z[row * columns + c]
              out[a * columns + c] += change * v[b * columns + c]
              out[values + b * columns + c] += change * k[a * columns + c]
            }
          }
        }
      }
    }
  }

  /// Each core has an equal part of their mean's gradient.
  private func writeCores(
    _ tape: AttentionTape<T>, _ weights: Tensor<T>, _ target: StridedView
  ) throws(TTKitError) {
    let sums = try Tensor<T>(shape: [rank], zeroed: true) { out in
      weights.withSpan { h in
        tape.query.withSpan { q in for i in h.indices { out[i % rank] += h[i] * q[i] } }
      }
    }
    let blocks = target.shape[0]
    target.write(
      try Tensor<T>(shape: target.shape) { out in
        sums.withSpan { g in for i in out.indices { out[i] = g[i % rank] / T(blocks) } }
      })
  }

  /// Gradients of the projections and of x from those of q, k and v.
  private func write(
    _ tape: AttentionTape<T>, _ gradients: [Tensor<T>], _ targets: AttentionGradients
  ) throws(TTKitError) {
    var sum: Tensor<T>?
    for (p, target) in [targets.query, targets.key, targets.value].enumerated() {
      let rows = gradients[p].reshaped([tape.count * tape.sequences, rank])
      if let target { target.write(try product(rows, tape.tokens, .transposed)) }
      if targets.x != nil {
        let part = try product(rows, projection(p))
        sum = try sum.map { (sum) throws(TTKitError) in try added(sum, part) } ?? part
      }
    }
    guard let x = targets.x?.tokensFirst, let sum else { return }
    x.write(sum.reshaped(x.shape))
  }
}
