/// Flops and bytes of steps.

enum StepCosts {
  static func flops(_ step: ContractionStep, _ lengths: [Int]) throws(TTKitError) -> Int {
    let all = step.batch + step.rows + step.columns + step.inner
    return try checkedProduct([step.right == nil ? 1 : 2] + all.map { lengths[$0] })
  }

  static func bytes(
    _ step: ContractionStep, _ nodes: [ContractionNode], _ lengths: [Int], _ dtype: DType
  ) throws(TTKitError) -> Int {
    var sum = 0
    for node in [step.left, step.right ?? step.output, step.output] {
      let size = try checkedProduct(nodes[node].axes.map { lengths[$0] } + [dtype.size, 4])
      sum += size / 4  // three numbers below 2^61
    }
    return sum
  }

  static func total(
    _ steps: [ContractionStep], _ nodes: [ContractionNode], _ lengths: [Int], _ dtype: DType
  ) throws(TTKitError) -> (flops: Int, bytes: Int) {
    var total = (flops: 0, bytes: 0)
    for step in steps where !step.isConstant {
      let (flops, tooMany) = total.flops.addingReportingOverflow(try self.flops(step, lengths))
      let (bytes, tooLarge) = total.bytes.addingReportingOverflow(
        try self.bytes(step, nodes, lengths, dtype))
      guard !tooMany, !tooLarge else {
        throw .sizeOverflow("the contraction takes more than 2^63 - 1 flops; use smaller sizes")
      }
      total = (flops, bytes)
    }
    return total
  }
}
