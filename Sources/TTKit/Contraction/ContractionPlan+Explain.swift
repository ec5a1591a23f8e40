/// What a plan will do, for people.

extension ContractionPlan {
  /// One line for the whole and one for each step: axes, sizes, flops, bytes, kernel, tile.
  public func explain() -> String {
    if let complex { return "\(dtype.name) as pairs of real numbers\n" + complex.real.explain() }
    let tile = TileSize(dtype)
    var text =
      "\(equation.description) \(dtype.name): \(flops) flops, \(bytes) bytes, "
      + "workspace \(workspaceSize) bytes\n"
    for (i, step) in steps.enumerated() {
      let left = equation.spell(nodes[step.left].axes)
      let output = equation.spell(nodes[step.output].axes)
      // These sizes fit: the plan was made with them.
      let flops = (try? StepCosts.flops(step, lengths)) ?? 0
      let bytes = (try? StepCosts.bytes(step, nodes, lengths, dtype)) ?? 0
      text += "  \(i): \(left)"
      if let right = step.right { text += "," + equation.spell(nodes[right].axes) }
      text += "->\(output)  \(flops) flops, \(bytes) bytes"
      if step.right == nil {
        text += ", sum over \(size(step.inner))"
      } else {
        text += ", \(size(step.batch)) x (\(size(step.rows)), \(size(step.inner))) times "
        text += "(\(size(step.inner)), \(size(step.columns))), tile \(tile.height) x \(tile.width)"
      }
      text += step.isConstant ? ", once\n" : "\n"
    }
    return text
  }

  private func size(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * lengths[$1] } }  // planned sizes
}
