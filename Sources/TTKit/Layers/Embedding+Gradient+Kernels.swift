/// The backward pass of an embedding: gradients of the cores for the rows that were looked up.
///
/// Only slices that some id reads are touched: cores are gathered to one slice an id, the contraction
/// runs over a batch of ids, and what comes back is added to the slices it came from, in order.

extension Embedding {
  /// Ids whose gathered slices are contracted at once.
  private static let batch = 256

  /// Gradients of ⟨gradient, table[ids]⟩ with respect to every core as decoded.
  ///
  /// - Parameters:
  ///   - ids: `count` of them, checked here; repeated ones add up, in the order in which they stand.
  ///   - gradient: (count, features) in the embedding's dtype, any strides.
  ///   - gradCores: where results go; shapes are those of the cores, nothing overlaps.
  /// - Throws: `.invalidArgument`, naming the position, for an id out of range; `.outOfMemory`,
  ///   `.sizeOverflow`.
  public func vjp(
    _ ids: UnsafeRawPointer, _ type: IdType, count: Int, _ gradient: StridedView,
    gradCores: [StridedView], executor: Executor = Executor()
  ) throws(TTKitError) {
    try unsafe type.check(ids, count: count, rows: rows)
    var order: [(id: Int, position: Int)] = []
    for i in 0..<count { order.append((unsafe type.load(ids, i), i)) }
    // Equal ids become neighbours, in the order in which they stood.
    order.sort { ($0.id, $0.position) < ($1.id, $1.position) }
    if dtype == .float64 {
      try backward(Double.self, order, gradient, gradCores, executor)
    } else {
      try backward(Float.self, order, gradient, gradCores, executor)
    }
  }

  private func backward<T: RealScalar>(
    _ type: T.Type, _ order: [(id: Int, position: Int)], _ gradient: StridedView,
    _ gradCores: [StridedView], _ executor: Executor
  ) throws(TTKitError) {
    let unique = order.indices.filter { $0 == 0 || order[$0].id != order[$0 - 1].id }
    let ids = unique.map { order[$0].id }
    let features = features
    let sums = try gradient.withTensor(as: T.self) { (all) throws(TTKitError) in
      try Tensor<T>(shape: [ids.count, features], zeroed: true) { out in
        all.withSpan { span in
          var line = -1
          for n in order.indices {
            if line + 1 < unique.count, unique[line + 1] == n { line += 1 }
            let from = order[n].position * features
            for j in 0..<features { out[line * features + j] += span[from + j] }
          }
        }
      }
    }
    var first = 0
    for term in matrix.terms {
      let mine = Array(gradCores[first..<(first + term.cores.count)])
      // Behind an operator the cores see what the operator makes of the gradient.
      let seen = try term.input.map { (shape) throws(TTKitError) in
        try PreparedOperator<T>(shape, executor: executor).lifted(sums, executor: executor)
      }
      try GatheredGradient<T>(term).run(
        ids, seen ?? sums, batch: Self.batch, into: mine, executor: executor)
      try term.maskGradients(mine, type)
      first += term.cores.count
    }
  }
}

/// The gradient of one term for a list of rows.
private struct GatheredGradient<T: RealScalar> {
  private let equation: Equation
  /// Core k with its row axes first, as (row digits, rest).
  private let cores: [Tensor<T>]
  private let rowAxes: [[Axis]]
  private let restAxes: [[Axis]]

  init(_ term: Term) throws(TTKitError) {
    equation = term.equation
    var (cores, rowAxes, restAxes) = ([Tensor<T>](), [[Axis]](), [[Axis]]())
    for operand in try term.operands(T.self) {
      let rows = operand.axes.filter { term.equation.rows.contains($0) }
      let rest = operand.axes.filter { !term.equation.rows.contains($0) }
      let turned = try permuted(operand.tensor, operand.axes, to: rows + rest)
      cores.append(turned.reshaped([Self.size(rows), Self.size(rest)]))
      rowAxes.append(rows)
      restAxes.append(rest)
    }
    (self.cores, self.rowAxes, self.restAxes) = (cores, rowAxes, restAxes)
  }

  /// Elements of a live part.
  private static func size(_ axes: [Axis]) -> Int { axes.reduce(1) { $0 * $1.length } }

  func run(
    _ ids: [Int], _ gradient: Tensor<T>, batch: Int, into targets: [StridedView],
    executor: Executor
  ) throws(TTKitError) {
    for k in cores.indices {
      let sum = try Buffer<T>(count: cores[k].count, zeroed: true)
      for start in stride(from: 0, to: ids.count, by: batch) {
        let part = Array(ids[start..<min(start + batch, ids.count)])
        // In bounds: a sum of the core's own size.
        try unsafe add(k, part, gradient, start, to: sum.base, executor)
      }
      let tensor = Tensor(shape: (rowAxes[k] + restAxes[k]).map(\.length), buffer: sum)
      targets[k].write(try permuted(tensor, rowAxes[k] + restAxes[k], to: equation.operands[k]))
    }
  }

  /// Adds what the rows `ids`, whose gradients begin at `start`, give core k.
  private func add(
    _ k: Int, _ ids: [Int], _ gradient: Tensor<T>, _ start: Int,
    to sum: UnsafeMutablePointer<T>, _ executor: Executor
  ) throws(TTKitError) {
    let z = Axis("z", ids.count)
    let width = equation.columnCount
    let lines = try gradient.reshaped([gradient.count]).block(
      at: [start * width], shape: [ids.count * width])
    var operands = [
      NamedTensor(
        axes: [z] + equation.columns,
        tensor: lines.reshaped([ids.count] + equation.columns.map(\.length)))
    ]
    for other in cores.indices where other != k {
      operands.append(try gathered(other, ids, z))
    }
    let isGathered = !rowAxes[k].isEmpty
    let result = (isGathered ? [z] : []) + restAxes[k]
    // An axis of length 1 may stand in core k alone: the ends of trains. It is put back by the shape.
    let known = Set(operands.flatMap(\.axes))
    let plan = try ContractionPlan(
      ContractionEquation(
        operands: operands.map(\.axes), result: result.filter { known.contains($0) }),
      shapes: operands.map(\.tensor.shape), dtype: T.dtype, executor: executor)
    let made = try Tensor<T>(shape: result.filter { known.contains($0) }.map(\.length)) {
      (out) throws(TTKitError) in
      for i in out.indices { out[i] = 0 }
    }
    try plan.execute(operands.map { $0.tensor.wholeView }, into: made.wholeView)
    withExtendedLifetime(operands) {}
    let rest = Self.size(restAxes[k])
    made.withSpan { span in
      for (line, id) in ids.enumerated() {
        if !isGathered && line > 0 { break }
        // In bounds: digits of a row of the padded table; `made` holds a slice an id, or one.
        let target = unsafe sum + self.slice(of: k, id) * rest
        for i in 0..<rest { unsafe target[i] += span[line * rest + i] }
      }
    }
  }

  /// Core k as one slice an id, or as it is when it carries no row axis.
  private func gathered(_ k: Int, _ ids: [Int], _ z: Axis) throws(TTKitError) -> NamedTensor<T> {
    let lengths = restAxes[k].map(\.length)
    if rowAxes[k].isEmpty {
      return NamedTensor(axes: restAxes[k], tensor: cores[k].reshaped(lengths))
    }
    let rest = Self.size(restAxes[k])
    let tensor = try Tensor<T>(shape: [ids.count] + lengths) { out in
      cores[k].withSpan { span in
        for (line, id) in ids.enumerated() {
          let from = self.slice(of: k, id) * rest
          for i in 0..<rest { out[line * rest + i] = span[from + i] }
        }
      }
    }
    return NamedTensor(axes: [z] + restAxes[k], tensor: tensor)
  }

  /// The slice of core k that row `id` reads: its digits along the core's row axes.
  private func slice(of k: Int, _ id: Int) -> Int {
    var (rest, place) = (id, equation.rowCount)
    var index = 0
    for axis in equation.rows {
      place /= axis.length
      let digit = rest / place
      rest -= digit * place
      if rowAxes[k].contains(axis) { index = index * axis.length + digit }
    }
    return index
  }
}
