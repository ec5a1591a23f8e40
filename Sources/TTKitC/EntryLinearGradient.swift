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
      var views: [StridedView] = []
      for (k, core) in layer.matrix.cores.enumerated() {
        views.append(try apart.add(gradCores + k, "grad_cores[\(k)]", core.shape, dtype))
      }
      wantedCores = views
    }
    var wantedBias: StridedView?
    if gradBias != nil {
      guard let bias = layer.bias else {
        throw .invalidArgument("this layer has no bias; pass NULL for grad_bias")
      }
      wantedBias = try apart.add(gradBias, "grad_bias", [bias.count], dtype)
    }
    try layer.vjp(
      input, output, gradX: wantedX, gradCores: wantedCores, gradBias: wantedBias,
      executor: executor)
  }
}

/// Outputs that overlap neither inputs nor one another.
struct Apart {
  private(set) var regions: [Region]

  init(inputs: [(name: String, view: StridedView)]) {
    regions = inputs.compactMap { Region($0.view, $0.name) }
  }

  mutating func add(
    _ array: UnsafePointer<ttk_array>?, _ name: String, _ shape: [Int], _ dtype: DType
  ) throws(TTKitError) -> StridedView {
    let view = try target(array, name, shape: shape, dtype: dtype)
    if let region = Region(view, name) {
      try region.requireApart(from: regions)
      regions.append(region)
    }
    return view
  }
}
