/// Predicted times of products: what the path search minimises.
internal import CTTKKernels

/// Time = arithmetic at the kernels' rate and traffic at the bandwidth of where the data live, one after the
/// other where operands are packed, else at once, plus overheads. Constants were measured on a Zen 5 core;
/// only their ratios matter.
struct CostModel: Sendable {
  /// Floats of this many bytes stay in a second-level cache, where they may be faster than codes. Measured
  /// hot, 4 bits, one thread: 590 kB of floats and their codes take the same time at 1, 8 and 32 rows, 2.4 MB
  /// of floats twice that of their codes.
  static let cachedBytes = Double(1 << 19)

  let elementSize: Double
  /// Flops a second of full tiles.
  let rate: Double
  /// Rows of a tile's panel: shorter sides are padded to it.
  let width: Double
  let height: Double
  let scheme: Scheme

  /// How activations meet constants.
  enum Scheme: Sendable {
    /// Activations as packed rows, constants as panels.
    case panels
    /// Rows side by side in lines as wide as a panel, constants as packed rows.
    case lanes
    /// Flops alone, as if one took a second.
    case flops
  }

  init(dtype: DType, scheme: Scheme = .panels) {
    self.scheme = scheme
    let level = unsafe String(cString: ttkk_active().pointee.name)
    let single: Double = level == "base" ? 25e9 : level == "v3" ? 100e9 : 150e9
    elementSize = Double(dtype.size)
    rate = single * 4 / max(elementSize, 4)
    width = unsafe Double(
      dtype == .float64 ? ttkk_active().pointee.width_f64 : ttkk_active().pointee.width_f32)
    height = unsafe Double(
      dtype == .float64 ? ttkk_active().pointee.height_f64 : ttkk_active().pointee.height_f32)
  }

  /// Bytes of a matrix in whole panels.
  func panelBytes(_ outputs: Int, _ inputs: Int) -> Double {
    (Double(outputs) / width).rounded(.up) * width * Double(inputs) * elementSize
  }

  /// Bytes a second from the smallest cache that holds `bytes`.
  func bandwidth(_ bytes: Double) -> Double {
    bytes <= 32e3 ? 200e9 : bytes <= 512e3 ? 90e9 : bytes <= 16e6 ? 30e9 : 24e9
  }

  /// Seconds of `batch` products (m, k) · (k, n).
  ///
  /// - Parameter isPacked: the second operand was packed beforehand.
  func time(batch: Double, m: Double, n: Double, k: Double, isPacked: Bool = false) -> Double {
    if scheme == .flops { return 2 * batch * m * n * k }
    if scheme == .lanes, isPacked { return laneTime(batch: batch, lines: m / width, rows: n, k: k) }
    let padded = (n / width).rounded(.up) * width
    let arithmetic = 2 * batch * m * padded * k / rate
    // Each operand is read and packed once, the result written once.
    let packing = isPacked ? 0.5 : 2
    let bytes = batch * (2 * m * k + packing * k * padded + m * n) * elementSize
    // Packing comes before the product; what was packed beforehand is read while it runs.
    let (work, traffic) = (arithmetic, bytes / bandwidth(bytes))
    return (isPacked ? max(work, traffic) : work + traffic) + batch * 3e-8 + 3e-7
  }

  /// Seconds of a step in lanes: `lines` lines of rows for each entry, times constants (rows, k).
  private func laneTime(batch: Double, lines: Double, rows: Double, k: Double) -> Double {
    let line = width * elementSize
    let arithmetic = 2 * rows * k * width / rate + (rows / height).rounded(.up) * 1.2e-8
    // Operands are gathered into the first-level cache, results leave it.
    let bytes = batch * lines * (rows + k) * line
    return batch * lines * (arithmetic + k * line / 150e9 + rows * line / bandwidth(bytes)) + 2e-7
  }

  /// Seconds of transposing rows of so many elements in and out of lanes.
  func laneTransfer(_ elements: Double) -> Double { elements * width * elementSize / 20e9 }
}
