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
}
