import CTTKit
import Testing
import TTKitC

@Suite struct ConvolutionBoundaryTests {
  private func make(_ spec: String = "dense") throws -> COwned {
    let kernel = CArray([2, 3, 3, 3])
    var steps = noSteps()
    return try COwned(ttk_convolution_destroy) {
      ttk_convolution_fit(&kernel.array, spec, nil, &steps, nil, $0)
    }
  }

  private func noSteps() -> ttk_convolution_steps {
    var steps = ttk_convolution_steps()
    steps.struct_size = MemoryLayout<ttk_convolution_steps>.size
    return steps
  }

  @Test func fit_ofBadInput_isRefused() throws {
    let kernel = CArray([2, 3, 3, 3])
    expectRefused(argument, containing: "kernel is NULL") {
      ttk_convolution_fit(nil, "dense", nil, nil, nil, $0)
    }
    expectRefused(argument, containing: "spec is NULL") {
      ttk_convolution_fit(&kernel.array, nil, nil, nil, nil, $0)
    }
    for (spec, hint) in [("", "character 1"), ("conv", "character 1"), ("dense@int9", "int")] {
      expectRefused(argument, containing: hint) {
        ttk_convolution_fit(&kernel.array, spec, nil, nil, nil, $0)
      }
    }
    let flat = CArray([2, 27])
    expectRefused(argument, containing: "(out, in, height, width)") {
      ttk_convolution_fit(&flat.array, "dense", nil, nil, nil, $0)
    }
    var steps = noSteps()
    steps.stride_width = -1
    expectRefused(argument, containing: "stride") {
      ttk_convolution_fit(&kernel.array, "dense", nil, &steps, nil, $0)
    }
    steps = noSteps()
    steps.padding_height = .max
    expectRefused(argument, containing: "padding") {
      ttk_convolution_fit(&kernel.array, "dense", nil, &steps, nil, $0)
    }
    steps.struct_size = 4
    expectRefused(argument, containing: "struct_size") {
      ttk_convolution_fit(&kernel.array, "dense", nil, &steps, nil, $0)
    }
    #expect(ttk_convolution_fit(&kernel.array, "dense", nil, nil, nil, nil) == argument)
    let bias = CArray([3])
    expectRefused(argument, containing: "bias") {
      ttk_convolution_fit(&kernel.array, "dense", &bias.array, nil, nil, $0)
    }
  }

  @Test func fromCores_thatDoNotFit_areRefused() {
    let (a, b) = (CArray([2, 3]), CArray([2, 3, 3, 3]))
    func refused(_ text: String, _ shape: [Int64]?, _ cores: [CArray], _ spec: String = "dense") {
      let arrays = cores.map(\.array)
      expectRefused(argument, containing: text) {
        ttk_convolution_from_cores(spec, shape, Int32(arrays.count), arrays, nil, nil, $0)
      }
    }
    refused("kernel_shape is NULL", nil, [b])
    refused("at least 1", [2, 3, 0, 3], [b])
    refused("core 0", [2, 3, 3, 4], [b])
    refused("axes", [2, 3, 3, 3], [a])
    refused("number of cores", [2, 3, 3, 3], [])
    refused("axes", [2, 3, 3, 3], [a, a, a], "cp_convolution(rank=2)")
    expectRefused(tooLarge) {
      ttk_convolution_from_cores("dense", [.max, .max, 3, 3], 1, [b.array], nil, nil, $0)
    }
  }

  @Test func execute_addsWindows_andBadInputIsRefused() throws {
    let layer = try make()
    #expect(ttk_convolution_core_count(layer.handle) == 1)
    #expect(ttk_convolution_dtype(layer.handle) == ttk_dtype(TTK_FLOAT64))
    #expect(ttk_convolution_error(layer.handle) == 0)
    #expect(String(cString: ttk_convolution_spec(layer.handle)!) == "dense@float64")
    #expect(ttk_convolution_nbytes(layer.handle) == 54 * 8)
    #expect(ttk_convolution_flops(layer.handle, 4, 5) == 2 * 54 * 6)
    #expect(ttk_convolution_flops(layer.handle, 2, 5) == 0)
    var options = prepareOptions(rows: 2)
    let plan = try COwned(ttk_convolution_plan_destroy) {
      ttk_convolution_prepare(layer.handle, 4, 5, &options, $0)
    }
    #expect(ttk_convolution_plan_max_images(plan.handle) == 2)
    #expect(ttk_convolution_plan_resident_nbytes(plan.handle) == 54 * 8)
    let size = ttk_convolution_plan_workspace_size(plan.handle)
    var workspace = [UInt8](repeating: 0, count: size)
    let kernel = CArray([2, 3, 3, 3]).values
    let x = [Double](repeating: 1, count: 120)
    var y = [Double](repeating: 99, count: 25)
    func run(_ x: [Double]?, _ images: Int64, _ y: UnsafeMutablePointer<Double>?, _ space: Int)
      -> ttk_status
    { ttk_convolution_execute(plan.handle, x, images, y, &workspace, space) }
    #expect(run(x, 2, &y, size) == ok)
    // Ones everywhere: every output is the sum of its kernel.
    for o in 0..<2 {
      let sum = kernel[(27 * o)..<(27 * (o + 1))].reduce(0, +)
      for p in (o * 6)..<(o * 6 + 6) { #expect(abs(y[p] - sum) < 1e-12 && y[12 + p] == y[p]) }
    }
    #expect(y[24] == 99)
    #expect(run(nil, 0, nil, 0) == ok)
    #expect(run(x, 3, &y, size) == argument && run(x, -1, &y, size) == argument)
    #expect(run(nil, 1, &y, size) == argument && run(x, 1, nil, size) == argument)
    #expect(run(x, 1, &y, size - 1) == argument)
    #expect(ttk_convolution_execute(plan.handle, x, 1, &y, nil, size) == argument)
    let overlapping = y.withUnsafeMutableBufferPointer { y in
      ttk_convolution_execute(plan.handle, y.baseAddress, 1, y.baseAddress, &workspace, size)
    }
    #expect(overlapping == argument)
    #expect(ttk_convolution_execute(nil, x, 1, &y, &workspace, size) == argument)
  }

  @Test func prepare_ofBadSizes_isRefused() throws {
    let layer = try make("cp_convolution(rank=2)")
    for (height, width) in [(2, 5), (5, 2), (0, 5), (-1, 5)] as [(Int64, Int64)] {
      expectRefused(argument) { ttk_convolution_prepare(layer.handle, height, width, nil, $0) }
    }
    expectRefused(argument) { ttk_convolution_prepare(layer.handle, .max, .max, nil, $0) }
    expectRefused(tooLarge) { ttk_convolution_prepare(layer.handle, 1 << 39, 1 << 39, nil, $0) }
    var options = prepareOptions(rows: .max)
    expectRefused(tooLarge) { ttk_convolution_prepare(layer.handle, 5, 5, &options, $0) }
    options = prepareOptions(rows: 1)
    options.memory_limit = 1
    expectRefused(argument, containing: "memory_limit") {
      ttk_convolution_prepare(layer.handle, 5, 5, &options, $0)
    }
    var (height, width): (Int64, Int64) = (0, 0)
    #expect(ttk_convolution_output_size(layer.handle, 5, 7, &height, &width) == ok)
    #expect(height == 3 && width == 5)
    #expect(ttk_convolution_output_size(layer.handle, 5, 7, nil, &width) == argument)
    #expect(ttk_convolution_output_size(layer.handle, 2, 7, &height, &width) == argument)
    #expect(ttk_convolution_kernel_shape(layer.handle, nil) == argument)
    var shape: [Int64] = [0, 0, 0, 0]
    #expect(ttk_convolution_kernel_shape(layer.handle, &shape) == ok && shape == [2, 3, 3, 3])
    ttk_convolution_destroy(nil)
    ttk_convolution_plan_destroy(nil)
  }

  @Test func vjp_ofBadInput_isRefused() throws {
    let layer = try make()
    let (x, g) = (CArray([1, 3, 4, 5]), CArray([1, 2, 2, 3]))
    let (gradX, core) = (CArray([1, 3, 4, 5]), CArray([2, 3, 3, 3]))
    var cores = [core.array]
    #expect(
      ttk_convolution_vjp(layer.handle, &x.array, &g.array, nil, &gradX.array, &cores, nil) == ok)
    #expect(ttk_convolution_vjp(layer.handle, &x.array, &g.array, nil, nil, nil, nil) == ok)
    let wrong = CArray([1, 2, 3, 3])
    #expect(
      ttk_convolution_vjp(layer.handle, &x.array, &wrong.array, nil, nil, nil, nil) == argument)
    var (sameX, sameG) = (x.array, g.array)
    #expect(ttk_convolution_vjp(layer.handle, &sameG, &g.array, nil, nil, nil, nil) == argument)
    #expect(
      ttk_convolution_vjp(layer.handle, &x.array, &g.array, nil, &sameX, nil, nil) == argument)
    let bias = CArray([2])
    #expect(
      ttk_convolution_vjp(layer.handle, &x.array, &g.array, nil, nil, nil, &bias.array) == argument)
    #expect(ttk_convolution_vjp(nil, &x.array, &g.array, nil, nil, nil, nil) == argument)
    #expect(ttk_convolution_vjp(layer.handle, nil, &g.array, nil, nil, nil, nil) == argument)
  }

  @Test func initialize_ofBadInput_isRefused() {
    let float = ttk_dtype(TTK_FLOAT32)
    expectRefused(argument, containing: "spec is NULL") {
      ttk_linear_initialize(nil, 4, 4, float, 0, nil, $0)
    }
    expectRefused(wrongDType) {
      ttk_linear_initialize("dense", 4, 4, ttk_dtype(TTK_INT8), 0, nil, $0)
    }
    expectRefused(argument) { ttk_linear_initialize("dense", 0, 4, float, 0, nil, $0) }
    expectRefused(tooLarge) { ttk_linear_initialize("dense", .max, .max, float, 0, nil, $0) }
    expectRefused(tooLarge) { ttk_embedding_initialize("dense", .max, .max, float, 0, $0) }
    expectRefused(argument) { ttk_embedding_initialize("dense", 4, -4, float, 0, $0) }
    #expect(ttk_linear_initialize("dense", 4, 4, float, 0, nil, nil) == argument)
    #expect(ttk_embedding_initialize("dense", 4, 4, float, 0, nil) == argument)
  }
}
