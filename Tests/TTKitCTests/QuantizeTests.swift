import CTTKit
import Testing

@testable import TTKitC

/// A compact array of floats for the length of a call.
private func withArray<R>(
  _ values: inout [Float], _ shape: [Int64], _ body: (UnsafeMutablePointer<ttk_array>) -> R
) -> R {
  values.withUnsafeMutableBytes { bytes in
    shape.withUnsafeBufferPointer { lengths in
      var array = ttk_array(
        data: bytes.baseAddress, shape: lengths.baseAddress, strides: nil,
        ndim: Int32(shape.count), dtype: ttk_dtype(TTK_FLOAT32))
      return body(&array)
    }
  }
}

@Suite struct QuantizeTests {
  @Test func quantize_andBack() throws {
    var values = (0..<24).map { Float($0 - 12) / 3 }
    var quantized: OpaquePointer?
    #expect(
      withArray(&values, [2, 12]) { ttk_quantize($0, "int4(group=row)", &quantized) } == TTK_OK)
    defer { ttk_quantized_destroy(quantized) }
    #expect(ttk_quantized_ndim(quantized) == 2)
    var shape: [Int64] = [0, 0]
    ttk_quantized_shape(quantized, &shape)
    #expect(shape == [2, 12])
    #expect(ttk_quantized_dtype(quantized) == TTK_FLOAT32)
    #expect(ttk_quantized_nbytes(quantized) == 2 * 6 + 2 * 2)
    #expect(String(cString: ttk_quantized_storage(quantized)) == "int4(group=row)")
    var back = [Float](repeating: 0, count: 24)
    #expect(withArray(&back, [2, 12]) { ttk_quantized_to_array(quantized, $0) } == TTK_OK)
    let rest = zip(values, back).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let whole = values.reduce(Float(0)) { $0 + $1 * $1 }
    let error = Double((rest / whole).squareRoot())
    #expect(abs(ttk_quantized_error(quantized) - error) < 1e-6 && error < 0.1)
  }

  @Test func quantize_badInput_isRefused() {
    var quantized = OpaquePointer(bitPattern: 8)
    var values: [Float] = [1, .nan]
    #expect(withArray(&values, [2]) { ttk_quantize($0, "int4", &quantized) } == TTK_ERROR_NONFINITE)
    #expect(quantized == nil)
    values = [1, 2]
    let bits = ["int", "kmeans", "lloyd", "pairs", "quads"].flatMap { family in
      ["", "0", "9", "-1", "64", "99999999999999999999"].map { family + $0 }
    }
    let groups = ["0", "-1", "none", "99999999999999999999"].map { "int4(group=\($0))" }
    for storage in bits + groups + ["", "int1", "int4 + dense", "float16)", "@int4"] {
      let status = withArray(&values, [2]) { ttk_quantize($0, storage, &quantized) }
      #expect(status == TTK_ERROR_ARGUMENT, "\(storage)")
    }
    #expect(withArray(&values, [2]) { ttk_quantize($0, nil, &quantized) } == TTK_ERROR_ARGUMENT)
    #expect(withArray(&values, [2]) { ttk_quantize($0, "int4", nil) } == TTK_ERROR_ARGUMENT)
    #expect(ttk_quantize(nil, "int4", &quantized) == TTK_ERROR_ARGUMENT)
    #expect(
      withArray(&values, [0, 2]) { ttk_quantize($0, "int4", &quantized) } == TTK_ERROR_ARGUMENT)
    #expect(ttk_quantized_nbytes(nil) == 0 && ttk_quantized_storage(nil) == nil)
    ttk_quantized_destroy(nil)
  }

  @Test func fakeQuantize_andItsGradients() {
    var x: [Float] = [0.24, -0.9, 0.05, 0.1]
    var (scale, grad): ([Float], [Float]) = ([0.1], [1, 1, 1, 2])
    var (y, gradX, gradScale): ([Float], [Float], [Float]) = ([0, 0, 0, 0], [0, 0, 0, 0], [0])
    var options = ttk_fake_quantize_options()
    options.struct_size = MemoryLayout<ttk_fake_quantize_options>.size
    options.bits = 4
    options.rule = ttk_gradient_rule(TTK_GRADIENT_PLAIN)
    let (forward, backward) = withArray(&x, [4]) { x in
      withArray(&scale, [1]) { scale in
        (
          withArray(&y, [4]) { ttk_fake_quantize(x, scale, &options, $0) },
          withArray(&grad, [4]) { grad in
            withArray(&gradX, [4]) { gradX in
              withArray(&gradScale, [1]) {
                ttk_fake_quantize_vjp(x, scale, &options, grad, gradX, $0)
              }
            }
          }
        )
      }
    }
    #expect(forward == TTK_OK && backward == TTK_OK)
    #expect(zip(y, [0.2, -0.8, 0, 0.1]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(gradX == [1, 0, 1, 2])
    #expect(abs(gradScale[0] - (-0.4 - 8 - 0.5 + 0)) < 1e-5)
    options.bits = 9
    let refused = withArray(&x, [4]) { x in
      withArray(&scale, [1]) { scale in
        withArray(&y, [4]) { ttk_fake_quantize(x, scale, &options, $0) }
      }
    }
    #expect(refused == TTK_ERROR_ARGUMENT)
  }

  @Test func parts_areBorrowedViews() throws {
    var values = (0..<24).map { Float($0 - 12) / 3 }
    var quantized: OpaquePointer?
    #expect(
      withArray(&values, [2, 12]) { ttk_quantize($0, "int4(group=row)", &quantized) } == TTK_OK)
    defer { ttk_quantized_destroy(quantized) }
    #expect(ttk_quantized_part_count(quantized) == 2)
    #expect(String(cString: ttk_quantized_part_name(quantized, 0)) == "codes")
    #expect(ttk_quantized_part_name(quantized, 2) == nil)
    #expect(ttk_quantized_part_name(quantized, -1) == nil)
    var part = ttk_array()
    #expect(ttk_quantized_part(quantized, 0, &part) == TTK_OK)
    #expect(part.dtype == TTK_UINT8 && part.ndim == 2)
    #expect(part.shape[0] == 2 && part.shape[1] == 6)
    #expect(ttk_quantized_part(quantized, 2, &part) == TTK_ERROR_ARGUMENT)
    #expect(ttk_quantized_part(quantized, 0, nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_quantized_part(nil, 0, &part) == TTK_ERROR_ARGUMENT)
    #expect(ttk_quantized_part_count(nil) == 0 && ttk_quantized_part_name(nil, 0) == nil)
  }

  @Test func trainedScales_becomeALayer() throws {
    var values = (0..<24).map { Float($0 - 12) / 3 }
    var scale: [Float] = [0.5]
    var made: OpaquePointer?
    func encode(_ storage: UnsafePointer<CChar>?) -> ttk_status {
      withArray(&values, [2, 12]) { values in
        withArray(&scale, [1]) { ttk_quantize_with_scales(values, storage, $0, &made) }
      }
    }
    #expect(encode("int4(group=tensor)") == TTK_OK)
    let core = made
    defer { ttk_quantized_destroy(core) }
    for storage in ["int4(group=3)", "int4(group=row)", "kmeans4", "int9", ""] {
      #expect(encode(storage) == TTK_ERROR_ARGUMENT, "\(storage)")
      #expect(made == nil)
    }
    #expect(encode(nil) == TTK_ERROR_ARGUMENT)
    for bad: Float in [0, -1, .nan, .infinity] {
      scale = [bad]
      #expect(encode("int4(group=tensor)") == TTK_ERROR_ARGUMENT, "\(bad)")
    }
    var layer: OpaquePointer?
    func layerOf(
      _ spec: UnsafePointer<CChar>?, _ cores: [OpaquePointer?], _ columns: Int64 = 12
    ) -> ttk_status {
      ttk_linear_from_quantized(spec, 2, columns, Int32(cores.count), cores, nil, &layer)
    }
    #expect(layerOf("dense@int4(group=tensor)", [core]) == TTK_OK)
    #expect(ttk_linear_in_features(layer) == 12)
    ttk_linear_destroy(layer)
    #expect(layerOf("dense@int4(group=row)", [core]) == TTK_ERROR_ARGUMENT)
    #expect(layerOf("dense", [core]) == TTK_ERROR_ARGUMENT)
    #expect(layerOf("dense@int4(group=tensor)", [core, core]) == TTK_ERROR_ARGUMENT)
    #expect(layerOf("dense@int4(group=tensor)", [nil]) == TTK_ERROR_ARGUMENT)
    #expect(layerOf("dense@int4(group=tensor)", []) == TTK_ERROR_ARGUMENT)
    #expect(layerOf("dense@int4(group=tensor)", [core], 11) == TTK_ERROR_ARGUMENT)
    #expect(layerOf(nil, [core]) == TTK_ERROR_ARGUMENT && layer == nil)
    #expect(
      ttk_linear_from_quantized("dense@int4", 2, 12, 1, nil, nil, &layer) == TTK_ERROR_ARGUMENT)
  }
}
