/// The backward pass of ttkit/linear.h.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_linear_vjp(
  _ layer: OpaquePointer?, _ x: UnsafePointer<ttk_array>?, _ gradient: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ gradX: UnsafeMutablePointer<ttk_array>?,
  _ gradCores: UnsafeMutablePointer<ttk_array>?, _ gradBias: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try LinearHandle.require(layer, "layer").value
    let executor = try fitExecutor(options)
    let input = try view(x, "x")
    guard input.shape.count == 2, input.shape[1] == layer.inFeatures else {
      throw .invalidArgument(
        "x has shape \(describe(input.shape)), expected (rows, \(layer.inFeatures))")
    }
    let dtype = layer.dtype
    guard input.dtype == dtype else {
      throw .unsupportedDType("x.dtype is \(input.dtype.name), expected \(dtype.name)")
    }
    let rows = input.shape[0]
    let output = try operand(
      gradient, "gradient", shape: [rows, layer.outFeatures], dtype: dtype)
    var apart = Apart(inputs: [("x", input), ("gradient", output)])
    var wantedX: StridedView?
    if gradX != nil { wantedX = try apart.add(gradX, "grad_x", input.shape, dtype) }
    var wantedCores: [StridedView]?
    if let gradCores {
      wantedCores = try apart.addCores(gradCores, layer.matrix.cores.map(\.shape), dtype)
    }
    let wantedBias = try apart.addBias(gradBias, layer.bias, dtype)
    try layer.vjp(
      input, output, gradX: wantedX, gradCores: wantedCores, gradBias: wantedBias,
      executor: executor)
  }
}
