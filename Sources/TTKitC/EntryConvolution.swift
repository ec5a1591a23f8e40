/// Entry points of ttkit/convolution.h.
public import CTTKit
internal import TTKit

typealias ConvolutionHandle = Handle<Convolution>
typealias ConvolutionPlanHandle = Handle<ConvolutionPlan>

private func steps(
  _ pointer: UnsafePointer<ttk_convolution_steps>?
) throws(TTKitError) -> ConvolutionSteps {
  let given = try options(pointer, "ttk_convolution_steps", zero: ttk_convolution_steps())
  func or1(_ value: Int64) -> Int { value == 0 ? 1 : Int(value) }
  return try ConvolutionSteps(
    stride: [or1(given.stride_height), or1(given.stride_width)],
    padding: [Int(given.padding_height), Int(given.padding_width)],
    dilation: [or1(given.dilation_height), or1(given.dilation_width)])
}

// MARK: - Making

@c @implementation
public func ttk_convolution_fit(
  _ kernel: UnsafePointer<ttk_array>?, _ spec: UnsafePointer<CChar>?,
  _ bias: UnsafePointer<ttk_array>?, _ given: UnsafePointer<ttk_convolution_steps>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let executor = try fitExecutor(options)
    ConvolutionHandle.store(
      try Convolution.fit(
        view(kernel, "kernel"), spec: requireString(spec, "spec"), steps: steps(given),
        bias: optionalBias(bias), executor: executor), in: out)
  }
}

@c @implementation
public func ttk_convolution_from_cores(
  _ spec: UnsafePointer<CChar>?, _ kernelShape: UnsafePointer<Int64>?, _ count: Int32,
  _ cores: UnsafePointer<ttk_array>?, _ bias: UnsafePointer<ttk_array>?,
  _ given: UnsafePointer<ttk_convolution_steps>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let lengths = try require(kernelShape, "kernel_shape")
    ConvolutionHandle.store(
      try Convolution.make(
        requireString(spec, "spec"), kernelShape: (0..<4).map { Int(lengths[$0]) },
        cores: views(cores, count, "cores"), steps: steps(given), bias: optionalBias(bias)),
      in: out)
  }
}

@c @implementation
public func ttk_convolution_destroy(_ layer: OpaquePointer?) { ConvolutionHandle.destroy(layer) }

// MARK: - Accessors

@c @implementation
public func ttk_convolution_kernel_shape(
  _ layer: OpaquePointer?, _ shape: UnsafeMutablePointer<Int64>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try ConvolutionHandle.require(layer, "layer").value
    let shape = try require(shape, "shape")
    for (axis, length) in layer.kernelShape.enumerated() { shape[axis] = Int64(length) }
  }
}

@c @implementation
public func ttk_convolution_dtype(_ layer: OpaquePointer?) -> ttk_dtype {
  ConvolutionHandle.from(layer)?.value.dtype.rawValue ?? 0
}

@c @implementation
public func ttk_convolution_nbytes(_ layer: OpaquePointer?) -> Int64 {
  Int64(ConvolutionHandle.from(layer)?.value.byteCount ?? 0)
}

@c @implementation
public func ttk_convolution_error(_ layer: OpaquePointer?) -> Double {
  ConvolutionHandle.from(layer)?.value.error ?? 0
}

@c @implementation
public func ttk_convolution_spec(_ layer: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = ConvolutionHandle.from(layer) else { return nil }
  return handle.arena.string(handle.value.spec.description)
}

@c @implementation
public func ttk_convolution_core_count(_ layer: OpaquePointer?) -> Int32 {
  Int32(ConvolutionHandle.from(layer)?.value.cores.count ?? 0)
}

@c @implementation
public func ttk_convolution_core_shape(
  _ layer: OpaquePointer?, _ k: Int32, _ ndim: UnsafeMutablePointer<Int32>?,
  _ shape: UnsafeMutablePointer<Int64>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    try writeCoreShape(ConvolutionHandle.require(layer, "layer").value.cores, k, ndim, shape)
  }
}

@c @implementation
public func ttk_convolution_core_to_array(
  _ layer: OpaquePointer?, _ k: Int32, _ core: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try ConvolutionHandle.require(layer, "layer").value
    try writeCore(layer.cores, layer.dtype, k, core)
  }
}

@c @implementation
public func ttk_convolution_to_array(
  _ layer: OpaquePointer?, _ kernel: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try ConvolutionHandle.require(layer, "layer").value
    let dtype = layer.dtype
    let target = try target(kernel, "kernel", shape: layer.kernelShape, dtype: dtype)
    if dtype == .float64 {
      target.write(try layer.dense(Double.self))
    } else {
      target.write(try layer.dense(Float.self))
    }
  }
}

@c @implementation
public func ttk_convolution_output_size(
  _ layer: OpaquePointer?, _ height: Int64, _ width: Int64,
  _ outHeight: UnsafeMutablePointer<Int64>?, _ outWidth: UnsafeMutablePointer<Int64>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try ConvolutionHandle.require(layer, "layer").value
    let (outHeight, outWidth) = (
      try require(outHeight, "out_height"), try require(outWidth, "out_width")
    )
    let size = try layer.outputSize([Int(height), Int(width)])
    outHeight.pointee = Int64(size[0])
    outWidth.pointee = Int64(size[1])
  }
}

@c @implementation
public func ttk_convolution_flops(
  _ layer: OpaquePointer?, _ height: Int64, _ width: Int64
) -> Int64 {
  guard let layer = ConvolutionHandle.from(layer)?.value else { return 0 }
  return Int64((try? layer.flops([Int(height), Int(width)])) ?? 0)
}

// MARK: - Plans

@c @implementation
public func ttk_convolution_prepare(
  _ layer: OpaquePointer?, _ height: Int64, _ width: Int64,
  _ options: UnsafePointer<ttk_prepare_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let layer = try ConvolutionHandle.require(layer, "layer").value
    let wish = try PrepareWish(options)
    guard wish.compute == .full, wish.memoryLimit == nil else {
      throw .invalidArgument("a convolution knows neither compute nor memory_limit; use 0")
    }
    ConvolutionPlanHandle.store(
      try layer.prepare(
        height: Int(height), width: Int(width), maxImages: wish.maxRows, executor: wish.executor),
      in: out)
  }
}

@c @implementation
public func ttk_convolution_plan_workspace_size(_ plan: OpaquePointer?) -> Int {
  ConvolutionPlanHandle.from(plan)?.value.workspaceSize ?? 0
}

@c @implementation
public func ttk_convolution_plan_resident_nbytes(_ plan: OpaquePointer?) -> Int64 {
  Int64(ConvolutionPlanHandle.from(plan)?.value.residentByteCount ?? 0)
}

@c @implementation
public func ttk_convolution_plan_max_images(_ plan: OpaquePointer?) -> Int64 {
  Int64(ConvolutionPlanHandle.from(plan)?.value.maxImages ?? 0)
}

@c @implementation
public func ttk_convolution_execute(
  _ plan: OpaquePointer?, _ x: UnsafeRawPointer?, _ images: Int64, _ y: UnsafeMutableRawPointer?,
  _ workspace: UnsafeMutableRawPointer?, _ workspaceSize: Int
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let plan = try ConvolutionPlanHandle.require(plan, "plan").value
    let images = try checkedRows(images, plan.maxImages, "images")
    if images == 0 { return }
    let x = try require(x, "x")
    let y = try require(y, "y")
    let workspace = try require(workspace, "workspace")
    let size = plan.dtype.size
    // Sizes of max_images fit: prepare checked them.
    let input = try Region(
      x, plan.input.reduce(images * size, *), "x", alignment: size)
    let output = try Region(y, plan.output.reduce(images * size, *), "y", alignment: size)
    try requireWorkspace(workspace, workspaceSize, plan.workspaceSize, apartFrom: [input, output])
    try output.requireApart(from: input)
    plan.execute(x, images: images, into: y, workspace: workspace)
  }
}

@c @implementation
public func ttk_convolution_plan_destroy(_ plan: OpaquePointer?) {
  ConvolutionPlanHandle.destroy(plan)
}

// MARK: - Gradient

@c @implementation
public func ttk_convolution_vjp(
  _ layer: OpaquePointer?, _ x: UnsafePointer<ttk_array>?, _ gradient: UnsafePointer<ttk_array>?,
  _ options: UnsafePointer<ttk_fit_options>?, _ gradX: UnsafeMutablePointer<ttk_array>?,
  _ gradCores: UnsafeMutablePointer<ttk_array>?, _ gradBias: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let layer = try ConvolutionHandle.require(layer, "layer").value
    let executor = try fitExecutor(options)
    let dtype = layer.dtype
    let input = try view(x, "x")
    guard input.shape.count == 4, input.shape[1] == layer.kernelShape[1] else {
      throw .invalidArgument(
        "x has shape \(describe(input.shape)), expected (images, \(layer.kernelShape[1]), height, "
          + "width)")
    }
    let size = try layer.outputSize(Array(input.shape[2...]))
    let images = input.shape[0]
    let source = try operand(x, "x", shape: input.shape, dtype: dtype)
    let output = try operand(
      gradient, "gradient", shape: [images, layer.kernelShape[0]] + size, dtype: dtype)
    var apart = Apart(inputs: [("x", source), ("gradient", output)])
    var wantedX: StridedView?
    if gradX != nil { wantedX = try apart.add(gradX, "grad_x", input.shape, dtype) }
    var wantedCores: [StridedView]?
    if let gradCores {
      wantedCores = try apart.addCores(gradCores, layer.cores.map(\.shape), dtype)
    }
    let wantedBias = try apart.addBias(gradBias, layer.bias, dtype)
    try layer.vjp(
      source, output, gradX: wantedX, gradCores: wantedCores, gradBias: wantedBias,
      executor: executor)
  }
}
