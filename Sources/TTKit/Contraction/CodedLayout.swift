/// Which core of a step can stay packed as codes, and how: from shapes and storage alone.

struct CodedLayout: Sendable {
  /// What scales the codes of a panel.
  enum Scales: Sendable, Equatable {
    /// One scale or codebook for the whole core.
    case shared
    /// A scale for each output and group of inputs.
    case inner
    /// A scale for each input and so many neighbouring outputs: activations are multiplied by it.
    case outer(span: Int)
  }

  /// The operand, and the step's sizes: entries of the stack, outputs and inputs of each.
  let operand: Int
  let batch: Int
  let columns: Int
  let inner: Int
  let scales: Scales
  /// Bits of a code as packed: 2, 3, 4 or 8.
  let bits: Int
  /// Inputs of a group and of all groups, padded.
  let group: Int
  let padded: Int
  /// Outputs of a panel.
  let width: Int
  /// Zero point, where it is one for all.
  let zero: Int
  let hasZeros: Bool
  /// True where each code has a value in a table of its own: of a codebook, or an integer of at most 4 bits.
  let hasTable: Bool
  /// True where scales are stored as float16.
  let hasHalves: Bool

  var panels: Int { (columns + width - 1) / width }
  var wordsOfPanel: Int { padded * bits / 32 * width }
  var groups: Int { (inner + group - 1) / group }
  /// Runs of outputs that share scales.
  var spans: Int {
    if case .outer(let span) = scales { return (columns + span - 1) / span }
    return 0
  }

  var byteCount: Double {
    let grids = scales == .inner ? Double(batch * panels * groups * width) : Double(width)
    let size: Double = (hasHalves ? 2 : 4) + (hasZeros ? 1 : 0)
    return Double(batch) * Double(panels) * Double(wordsOfPanel) * 4 + (grids + 16) * size
      + Double(batch * spans * inner) * 4
  }

  /// nil when the right operand of this step is no core, or its groups do not suit the kernels.
  ///
  /// - Parameter cores: operands 1, 2, ... of the plan.
  init?(_ step: ContractionStep, of plan: ContractionPlan, cores: [EncodedCore]) {
    guard !step.isConstant, let right = step.right, let operand = plan.operand(right), operand > 0,
      plan.dtype == .float32
    else { return nil }
    let core = cores[operand - 1]
    let all = plan.equation.operands[operand]
    guard Set(all).count == all.count, !core.shape.contains(0),
      let sharing = (core.storage as? IntegerStorage)?.sharing
        ?? (core.storage as? KMeansStorage)?.sharing,
      let grid = try? GroupGrid(shape: core.shape, sharing),
      let shape = try? StepShape(step, plan.lengths, TileSize(.float32))
    else { return nil }
    let (wanted, isSymmetric): (Int, Bool)
    switch core.storage {
    case let storage as IntegerStorage:
      (wanted, isSymmetric) = (storage.bits, storage.isSymmetric)
      (hasZeros, zero) = (!isSymmetric && grid.count > 1, 1 << (wanted - 1))
    case let storage as KMeansStorage where storage.bits <= 4 && grid.count == 1:
      (wanted, isSymmetric) = (storage.bits, true)
      (hasZeros, zero) = (false, 0)
    default: return nil
    }
    self.operand = operand
    (batch, columns, inner, width) = (shape.batch, shape.columns, shape.inner, shape.width)
    // Tables of offsets along the axes are arrays: for matrices that are all one axis floats serve as well.
    guard max(batch, columns, inner) <= 1 << 20 else { return nil }
    let axes = all.filter { plan.lengths[$0] != 1 }
    /// Elements of the core that neighbour each other along the last of these axes.
    func run(_ side: [Int]) -> Int {
      zip(axes.reversed(), side.filter { plan.lengths[$0] != 1 }.reversed())
        .prefix { $0 == $1 }.reduce(1) { $0 * plan.lengths[$1.0] }  // part of a live core
    }
    let found: (scales: Scales, group: Int)
    if grid.count == 1 {
      found = (.shared, inner)
    } else if let length = grid.block(run: run(step.inner)), run(step.inner) > 1 {
      found = (.inner, length >= inner ? inner : length)
    } else if isSymmetric, let span = grid.block(run: run(step.columns)),
      span % width == 0 || span >= columns, shape.rows <= width
    {
      found = (.outer(span: min(span, columns)), inner)
    } else {
      return nil
    }
    scales = found.scales
    guard let cut = CodeCut(bits: wanted, run: found.group, inputs: inner) else { return nil }
    (bits, padded, group) = (cut.bits, cut.padded, cut.group)
    hasTable = wanted <= 4 && scales != .inner
    // Where activations are multiplied by the scales, what is left is 1.
    if case .outer = scales { hasHalves = true } else { hasHalves = core.hasPlainHalves }
  }
}

extension GroupGrid {
  /// Elements that surely share a scale, counted from the start of any run of `run` neighbours that the core
  /// is cut into; nil when groups begin elsewhere.
  fileprivate func block(run: Int) -> Int? {
    let isRow = rows > 1 && gridRows == rows
    if isRow, run == width { return Swift.min(group, run) }
    if isRow, width % group != 0 { return nil }
    if run % group == 0 { return group }
    return group % run == 0 ? run : nil
  }
}

extension ContractionPlan {
  /// The operand that a node is, axes of length 1 apart; nil for what is made of several, or summed.
  fileprivate func operand(_ node: Int) -> Int? {
    if case .operand(let k) = nodes[node].place { return k }
    guard let step = steps.first(where: { $0.output == node }), step.right == nil,
      step.inner.allSatisfy({ lengths[$0] == 1 })
    else { return nil }
    return operand(step.left)
  }
}
