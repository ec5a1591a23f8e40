import CTTKit
import Glibc
import Testing
import TTKitC

/// A symmetric positive (n, n) array: 2 on the diagonal, 1 elsewhere.
private func moment(_ n: Int64) -> CArray {
  let array = CArray([n, n])
  for i in 0..<Int(n * n) { array.data[i] = i % Int(n + 1) == 0 ? 2 : 1 }
  return array
}

private func fit(
  _ weight: CArray, _ spec: String, _ bias: CArray?, _ moment: UnsafePointer<ttk_array>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  var options = ttk_fit_options()
  options.struct_size = MemoryLayout<ttk_fit_options>.size
  options.moment = moment
  if let bias {
    return ttk_linear_fit(&weight.array, spec, &bias.array, &options, out)
  }
  return ttk_linear_fit(&weight.array, spec, nil, &options, out)
}

@Suite struct MomentBoundaryTests {
  @Test func fit_withMoments_reportsTheOutputsError() throws {
    let (weight, bias) = (CArray([12, 8]), CArray([12]))
    for size: Int64 in [8, 9] {
      let given = moment(size)
      for bias in [bias, nil] {
        let layer = try COwned(ttk_linear_destroy) {
          fit(weight, "dense@int4(group=row)", bias, &given.array, $0)
        }
        let error = ttk_linear_output_error(layer.handle)
        #expect(error > 0 && error < 0.2)
      }
    }
    let plain = try makeLinear()
    #expect(ttk_linear_output_error(plain.handle).isNaN)
    #expect(ttk_linear_output_error(nil) == 0)
  }

  @Test func fit_badMoments_areRefused() throws {
    let weight = CArray([12, 8])
    func refused(_ text: String, _ size: Int64 = 8, _ change: (CArray) -> Void = { _ in }) {
      let given = moment(size)
      change(given)
      expectRefused(argument, containing: text) { fit(weight, "dense", nil, &given.array, $0) }
    }
    refused("expected (8, 8)", 7)
    refused("expected (8, 8)", 10)
    refused("NULL") { $0.array.data = nil }
    refused("ndim") { $0.array.ndim = 65 }
    refused("symmetric") { $0.data[1] = 5 }
    refused("sum of squares") { $0.data[0] = -1 }
    let bad = moment(8)
    bad.data[3] = .nan
    expectRefused(ttk_status(TTK_ERROR_NONFINITE)) {
      fit(weight, "dense", nil, &bad.array, $0)
    }
    let wrong = moment(8)
    wrong.array.dtype = ttk_dtype(TTK_INT64)
    expectRefused(wrongDType) { fit(weight, "dense", nil, &wrong.array, $0) }
    let short = CArray([11])
    let good = moment(8)
    expectRefused(argument, containing: "11 elements") {
      fit(weight, "dense", short, &good.array, $0)
    }
  }

  @Test func embeddings_takeNoMoment() throws {
    let table = CArray([12, 8])
    let given = moment(8)
    withUnsafePointer(to: given.array) { pointer in
      var options = ttk_fit_options()
      options.struct_size = MemoryLayout<ttk_fit_options>.size
      options.moment = pointer
      expectRefused(argument, containing: "NULL here") {
        ttk_embedding_fit(&table.array, "dense", &options, $0)
      }
    }
  }

  @Test func compress_badCalibrations_areRefused() throws {
    var recipe: OpaquePointer?
    try #require(ttk_recipe_builtin("default", &recipe) == ok)
    defer { ttk_recipe_destroy(recipe) }
    var options = ttk_compress_options()
    options.struct_size = MemoryLayout<ttk_compress_options>.size
    let missing = strdup("/nonexistent/seen.safetensors")
    defer { free(missing) }
    options.calibration = UnsafePointer(missing)
    #expect(ttk_model_compress("/nonexistent", recipe, "/nonexistent", &options) == TTK_ERROR_IO)
    #expect(String(cString: ttk_last_error()).contains("seen.safetensors"))
  }
}
