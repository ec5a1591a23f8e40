/// Scales and zero points of packed codes, as kernels read them.
internal import CTTKKernels

/// Numbers for the groups and outputs of all panels; float16 or float32.
///
/// Tasks that pack different panels write to different memory.
@safe
final class PanelScales: Sendable {
  private let isHalf: Bool
  private let hasZeros: Bool
  private let scales: Buffer<UInt8>
  private let zeros: Buffer<UInt8>

  var byteCount: Int { scales.byteCount + zeros.byteCount }

  /// - Throws: `.outOfMemory`.
  init(count: Int, isHalf: Bool, hasZeros: Bool) throws(TTKitError) {
    (self.isHalf, self.hasZeros) = (isHalf, hasZeros)
    scales = try Buffer<UInt8>(count: count * (isHalf ? 2 : 4), zeroed: true)
    zeros = try Buffer<UInt8>(count: hasZeros ? count : 0, zeroed: true)
  }

  /// Takes scale `index` of a core of integers; `zero` is left where there are none.
  func take(_ core: EncodedCore, _ index: Int, zero: Int, at place: Int) {
    if isHalf {
      store(half: core.halfScale(index), at: place)
    } else {
      store(core.scale(index), at: place)
    }
    // In bounds: callers give places below the count; zero points have at most 8 bits.
    if hasZeros { unsafe zeros.base[place] = UInt8(zero) }
  }

  /// Stores a number in the precision that scales have here.
  func store(_ scale: Float, at place: Int) {
    guard !isHalf else { return store(half: halfBits(scale), at: place) }
    // In bounds, as above.
    unsafe UnsafeMutableRawPointer(scales.base)
      .storeBytes(of: scale, toByteOffset: 4 * place, as: Float.self)
  }

  private func store(half bits: UInt16, at place: Int) {
    // In bounds, as above.
    unsafe UnsafeMutableRawPointer(scales.base)
      .storeBytes(of: bits, toByteOffset: 2 * place, as: UInt16.self)
  }

  /// Points codes at the numbers from `place` on.
  func attach(to codes: inout ttkk_codes, at place: Int) {
    let raw = unsafe UnsafeRawPointer(scales.base)
    // In bounds, as above.
    if isHalf {
      unsafe codes.halves = (raw + 2 * place).assumingMemoryBound(to: UInt16.self)
    } else {
      unsafe codes.scales = (raw + 4 * place).assumingMemoryBound(to: Float.self)
    }
    if hasZeros { unsafe codes.zeros = UnsafePointer(zeros.base + place) }
  }
}

extension EncodedCore {
  /// Scale `index` of integers.
  func scale(_ index: Int) -> Float { loadScale(parts[1].bytes, parts[1].dtype, index) }

  /// Its bits, where scales are float16.
  func halfScale(_ index: Int) -> UInt16 {
    parts[1].bytes.withSpan { UInt16($0[2 * index]) | UInt16($0[2 * index + 1]) << 8 }
  }
}
