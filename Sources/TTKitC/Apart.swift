/// Checks that results share no memory with operands, nor with one another.
internal import CTTKit
internal import TTKit

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

  /// Gradients of all cores of a layer, in order.
  mutating func addCores(
    _ arrays: UnsafePointer<ttk_array>, _ shapes: [[Int]], _ dtype: DType
  ) throws(TTKitError) -> [StridedView] {
    var views: [StridedView] = []
    for (k, shape) in shapes.enumerated() {
      views.append(try add(arrays + k, "grad_cores[\(k)]", shape, dtype))
    }
    return views
  }

  /// The gradient of a layer's bias; nil when none is asked for.
  mutating func addBias(
    _ array: UnsafePointer<ttk_array>?, _ bias: Bias?, _ dtype: DType
  ) throws(TTKitError) -> StridedView? {
    guard let array else { return nil }
    guard let bias else {
      throw .invalidArgument("this layer has no bias; pass NULL for grad_bias")
    }
    return try add(array, "grad_bias", [bias.count], dtype)
  }
}
