/// Predicted times of products: what the path search minimises.
internal import CTTKKernels

/// Time = max(arithmetic at the kernels' rate, traffic at the bandwidth of where the data live) plus
/// overheads. Constants were measured on a Zen 3 core; only their ratios matter.
struct CostModel: Sendable {
  let elementSize: Double
  /// Flops a second of full tiles.
  let rate: Double
  /// Rows of a tile's panel: shorter sides are padded to it.
  let width: Double

  init(dtype: DType) {
    let level = unsafe String(cString: ttkk_active().pointee.name)
    let single: Double = level == "base" ? 18e9 : level == "v3" ? 72e9 : 110e9
    elementSize = Double(dtype.size)
    rate = single * 4 / max(elementSize, 4)
    width = unsafe Double(
      dtype == .float64 ? ttkk_active().pointee.width_f64 : ttkk_active().pointee.width_f32)
  }

  /// Bytes of a matrix in whole panels.
  func panelBytes(_ outputs: Int, _ inputs: Int) -> Double {
    (Double(outputs) / width).rounded(.up) * width * Double(inputs) * elementSize
  }

  /// Bytes a second from the smallest cache that holds `bytes`.
  func bandwidth(_ bytes: Double) -> Double {
    bytes <= 32e3 ? 150e9 : bytes <= 512e3 ? 80e9 : bytes <= 16e6 ? 40e9 : 16e9
  }

  /// Seconds of `batch` products (m, k) · (k, n).
  ///
  /// - Parameter isPacked: the second operand was packed beforehand.
  func time(batch: Double, m: Double, n: Double, k: Double, isPacked: Bool = false) -> Double {
    let padded = (n / width).rounded(.up) * width
    let arithmetic = 2 * batch * m * padded * k / rate
    // Each operand is read and packed once, the result written once.
    let packing = isPacked ? 0.5 : 2
    let bytes = batch * (2 * m * k + packing * k * padded + m * n) * elementSize
    return max(arithmetic, bytes / bandwidth(bytes)) + batch * 3e-8 + 3e-7
  }
}
