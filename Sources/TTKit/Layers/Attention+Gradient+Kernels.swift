/// The backward pass of block-term attention, as contractions.
///
/// With S[i] = Σ over pairs up to token i, y[i] = S[i] · (g ∘ q[i]) + b. One sweep forward makes the gradients of
/// g and q; one sweep back carries D[i] = Σ over m >= i of the gradient of S[m], from which those of W, k and v
/// follow. All sequences go together, and plans for the longest sum serve every token.
internal import CTTKKernels

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
    _ x: StridedView, _ gradient: StridedView, into targets: AttentionGradients,
    executor: Executor = Executor()
  ) throws(TTKitError) {
    try AttentionTape(self, x, gradient, executor).run(targets)
  }
}

/// Zeros of a shape, with a view of them.
@safe
private final class Numbers {
  let view: StridedView
  private let owner: Tensor<UInt8>

  init(_ shape: [Int], _ dtype: DType) throws(TTKitError) {
    owner = try Tensor<UInt8>(shape: [checkedProduct(shape + [dtype.size])], zeroed: true) { _ in }
    // In bounds: as many bytes as the shape has.
    unsafe view = StridedView(
      data: UnsafeMutableRawPointer(owner.storage.buffer.base), shape: shape,
      strides: rowMajorStrides(shape), dtype)
  }
}

extension StridedView {
  /// Entry i of the first axis.
  fileprivate func entry(_ i: Int) -> StridedView {
    let row = rows(i, 1)
    return unsafe StridedView(
      data: row.data, shape: Array(shape.dropFirst()), strides: Array(strides.dropFirst()), dtype)
  }

  /// Axes in another order.
  fileprivate func turned(_ order: [Int]) -> StridedView { split(shape.map { [$0] }, order: order) }
}

/// The numbers of one backward pass; arrays of tokens are (n, sequences, ...).
private struct AttentionTape {
  private let layer: BlockTermAttention
  private let executor: Executor
  private let sequences: Int
  private let n: Int
  /// Zero behind the last token of a sequence that has a gradient.
  private let tokens: Numbers
  private let above: StridedView
  /// Queries, keys, values: (n, sequences, R).
  private let made: [Numbers]

  init(
    _ layer: BlockTermAttention, _ x: StridedView, _ gradient: StridedView, _ executor: Executor
  ) throws(TTKitError) {
    self.layer = layer
    self.executor = executor
    (sequences, n) = (x.shape[0], x.shape[1])
    above = gradient.turned([1, 0, 2])
    tokens = try Numbers([n, sequences, layer.features], layer.dtype)
    // Tokens without any later gradient must not count, not even by 0 · NaN.
    for b in 0..<sequences {
      let used = gradient.entry(b).usedRows
      let (from, to) = (x.entry(b), tokens.view.turned([1, 0, 2]).entry(b))
      guard used > 0, let source = unsafe from.data, let target = unsafe to.data else { continue }
      // In bounds: rows that both have.
      unsafe ttkk_copy_strided(
        target, to.strides, source, from.strides, [used, layer.features], 2, layer.dtype.size)
    }
    var made: [Numbers] = []
    for p in 0..<3 {
      made.append(try Numbers([n, sequences, layer.rank], layer.dtype))
      try Self.contract(
        "nbf,rf->nbr", [tokens.view, layer.projection(p)], made[p].view, executor)
    }
    self.made = made
  }

  private static func contract(
    _ equation: String, _ operands: [StridedView], _ result: StridedView, _ executor: Executor,
    adding: Bool = false
  ) throws(TTKitError) {
    let plan = try ContractionPlan(
      ContractionEquation(parsing: equation), shapes: operands.map(\.shape), dtype: result.dtype,
      executor: executor)
    try plan.execute(operands, into: result, adding: adding)
  }

  private func contract(
    _ equation: String, _ operands: [StridedView], _ result: StridedView, adding: Bool = false
  ) throws(TTKitError) {
    try Self.contract(equation, operands, result, executor, adding: adding)
  }

  func run(_ targets: AttentionGradients) throws(TTKitError) {
    let dtype = layer.dtype
    let weights = try Numbers([n, sequences, layer.rank], dtype)
    let gradients = [
      try Numbers(weights.view.shape, dtype), try Numbers(weights.view.shape, dtype),
      try Numbers(weights.view.shape, dtype),
    ]
    if n > 0, sequences > 0 {
      try sweepForward(weights.view)
      try contract("nbr,r->nbr", [weights.view, layer.core], gradients[0].view)
    }
    try sweepBack(gradients[1].view, gradients[2].view, targets.output)
    if let target = targets.cores {
      // Each core has an equal part of their mean's gradient.
      let parts = try Numbers([layer.blocks], dtype)
      parts.view.fill(1 / Double(layer.blocks))
      try contract("nbr,nbr,c->cr", [weights.view, made[0].view, parts.view], target)
    }
    for (p, target) in [targets.query, targets.key, targets.value].enumerated() {
      if let target { try contract("nbr,nbf->rf", [gradients[p].view, tokens.view], target) }
      guard let x = targets.x?.turned([1, 0, 2]) else { continue }
      try contract("nbr,rf->nbf", [gradients[p].view, layer.projection(p)], x, adding: p > 0)
    }
    if let bias = targets.bias { try contract("nbo->o", [above], bias) }
  }

  /// Pairs (i, l) with l <= i, and (j, i) with j < i; axis 1 is as long as token i says.
  private static let pairs = ["ol,br,lbr->obr", "oj,jbr,br->obr"]

  private var pairShapes: [[[Int]]] {
    let (one, all) = ([sequences, layer.rank], [n, sequences, layer.rank])
    return [[[layer.outputs, n], one, all], [[layer.outputs, n], all, one]]
  }

  /// The operands of token i: weights, keys, values.
  private func operands(_ second: Bool, _ i: Int) -> ReadOperands {
    let (keys, values) = (made[1].view, made[2].view)
    let views = second ? [keys, values.entry(i)] : [keys.entry(i), values]
    return unsafe ReadOperands(
      views: [layer.pairs(i, second: second)] + views, shortened: (1, second ? i : i + 1))
  }

  /// h[i] = Gᵀ S[i]: the gradient of g ∘ q.
  private func sweepForward(_ weights: StridedView) throws(TTKitError) {
    let sum = try Numbers([layer.outputs, sequences, layer.rank], layer.dtype)
    let shapes = pairShapes
    let sums = [try plan(Self.pairs[0], shapes[0]), try plan(Self.pairs[1], shapes[1])]
    let last = try plan("bo,obr->br", [[sequences, layer.outputs], sum.view.shape])
    let size = max(sums[0].workspaceSize, sums[1].workspaceSize, last.workspaceSize)
    let workspace = try Buffer<UInt8>(count: size)
    // In bounds: the workspace has room for each plan.
    for i in 0..<n {
      for (k, plan) in sums.enumerated() {
        unsafe plan.execute(
          operands(k == 1, i), into: sum.view, adding: true, workspace: workspace.base)
      }
      unsafe last.execute(
        ReadOperands(views: [above.entry(i), sum.view]), into: weights.entry(i), adding: false,
        workspace: workspace.base)
    }
    _ = consume workspace
  }

  private func plan(_ equation: String, _ shapes: [[Int]]) throws(TTKitError) -> ContractionPlan {
    try ContractionPlan(
      ContractionEquation(parsing: equation), shapes: shapes, dtype: layer.dtype,
      executor: executor)
  }

  /// Gradients of k and v, which are 0 before, and of the pairs' weights.
  private func sweepBack(
    _ keys: StridedView, _ values: StridedView, _ output: StridedView?
  ) throws(TTKitError) {
    output?.fill(0)
    guard n > 0, sequences > 0 else { return }
    let below = try Numbers([layer.outputs, sequences, layer.rank], layer.dtype)
    let (one, shapes) = ([sequences, layer.rank], pairShapes)
    let add = try plan("bo,r,br->obr", [[sequences, layer.outputs], [layer.rank], one])
    var plans: [GradientPlan] = []
    for (equation, shapes) in zip(Self.pairs, shapes) {
      plans.append(
        try GradientPlan(
          ContractionEquation(parsing: equation), shapes: shapes, dtype: layer.dtype,
          wanted: [output != nil, true, true]))
    }
    let size = max(plans[0].workspaceSize, plans[1].workspaceSize, add.workspaceSize)
    let workspace = try Buffer<UInt8>(count: size)
    // In bounds: the workspace has room for each plan.
    for i in (0..<n).reversed() {
      unsafe add.execute(
        ReadOperands(views: [above.entry(i), layer.core, made[0].view.entry(i)]),
        into: below.view, adding: true, workspace: workspace.base)
      for (k, plan) in plans.enumerated() {
        // W[·, i, ...], W[·, ..., i].
        let weights = output.map { $0.turned(k == 0 ? [1, 0, 2] : [2, 0, 1]).entry(i) }
        let others = k == 0 ? [keys.entry(i), values] : [keys, values.entry(i)]
        unsafe plan.execute(
          operands(k == 1, i), above: below.view, into: [weights] + others,
          adding: [false, true, true], executor: executor, workspace: workspace.base)
      }
    }
    _ = consume workspace
  }
}

extension StridedView {
  /// Every element.
  fileprivate func fill(_ value: Double) {
    guard let data = unsafe data else { return }
    var (wide, narrow) = (value, Float(value))
    let still = shape.map { _ in 0 }
    // In bounds: the view's own shape and steps; a step of 0 repeats the value.
    if dtype == .float64 {
      unsafe ttkk_copy_strided(data, strides, &wide, still, shape, Int32(shape.count), 8)
    } else {
      unsafe ttkk_copy_strided(data, strides, &narrow, still, shape, Int32(shape.count), 4)
    }
  }

  /// Rows up to the last that is not all zero, of a matrix.
  fileprivate var usedRows: Int {
    guard let data = unsafe data else { return 0 }
    for i in (0..<shape[0]).reversed() {
      for j in 0..<shape[1] {
        // In bounds: an element that exists.
        let at = unsafe data + (i * strides[0] + j * strides[1]) * dtype.size
        let isZero =
          unsafe dtype == .float64 ? at.load(as: Double.self) == 0 : at.load(as: Float.self) == 0
        if !isZero { return i + 1 }
      }
    }
    return 0
  }
}

extension BlockTermAttention {
  /// Wq, Wk or Wv: (R, features).
  fileprivate func projection(_ p: Int) -> StridedView { parts.projections.rows(p * rank, rank) }

  fileprivate var core: StridedView { parts.core }

  /// W[·, i, l] for l <= i, or W[·, j, i] for j < i, with the tokens last.
  fileprivate func pairs(_ i: Int, second: Bool) -> StridedView {
    let both = parts.pairs(i)
    // In bounds: the second kind begins behind the i + 1 of the first.
    return unsafe StridedView(
      data: both.data.map { unsafe $0 + (second ? (i + 1) * dtype.size : 0) },
      shape: [outputs, second ? i : i + 1], strides: both.strides, dtype)
  }

  private var parts: (projections: StridedView, core: StridedView, pairs: (Int) -> StridedView) {
    switch work {
    case .single(let parts): return parts.views
    case .double(let parts): return parts.views
    }
  }
}
