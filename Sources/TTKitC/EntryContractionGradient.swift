/// All gradients of a contraction: ttkit/contraction.h.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_contraction_gradients(
  _ plan: OpaquePointer?, _ count: Int, _ operands: UnsafePointer<ttk_array>?,
  _ gradient: UnsafePointer<ttk_array>?, _ results: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let plan = try ContractionHandle.require(plan, "plan").value
    let views = try operandViews(plan, count, operands)
    let results = try require(results, "results")
    let above = try operand(
      gradient, "gradient", shape: plan.resultShape, dtype: plan.dtype)
    var apart = Apart(
      inputs: views.enumerated().map { ("operands[\($0.offset)]", $0.element) }
        + [("gradient", above)])
    var targets: [StridedView] = []
    for (k, shape) in plan.shapes[..<plan.equation.operands.count].enumerated() {
      targets.append(try apart.add(results + k, "results[\(k)]", shape, plan.dtype))
    }
    try plan.gradients(views, above: above, into: targets)
  }
}
