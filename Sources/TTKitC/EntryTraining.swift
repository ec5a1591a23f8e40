/// Entry points of ttkit/training.h.
public import CTTKit
internal import TTKit

typealias TrainingHandle = Handle<QuantizedTraining>
typealias TrainingPassHandle = Handle<AnyPass>

/// A pass in one of the two dtypes, with the training that made it.
struct AnyPass {
  enum Values {
    case single(TrainingPass<Float>)
    case double(TrainingPass<Double>)
  }
  let training: QuantizedTraining
  let values: Values
}

@c @implementation
public func ttk_training_create(
  _ layer: OpaquePointer?, _ options: UnsafePointer<ttk_training_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    let layer = try LinearHandle.require(layer, "layer").value
    let given = try TTKitC.options(options, "ttk_training_options", zero: ttk_training_options())
    TrainingHandle.store(
      try QuantizedTraining(
        layer, coreBits: given.core_bits == 0 ? 8 : Int(given.core_bits),
        activationBits: given.activation_bits == 0 ? 8 : Int(given.activation_bits),
        rule: gradientRule(given.rule), executor: executor(nil, threads: given.threads)), in: out)
  }
}

@c @implementation
public func ttk_training_destroy(_ training: OpaquePointer?) { TrainingHandle.destroy(training) }

@c @implementation
public func ttk_training_pass_destroy(_ pass: OpaquePointer?) { TrainingPassHandle.destroy(pass) }

@c @implementation
public func ttk_training_forward(
  _ training: OpaquePointer?, _ inputs: UnsafePointer<ttk_training_inputs>?,
  _ y: UnsafeMutablePointer<ttk_array>?, _ pass: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    pass?.pointee = nil
    let training = try TrainingHandle.require(training, "training").value
    _ = try require(inputs, "inputs")
    let given = try options(inputs, "ttk_training_inputs", zero: ttk_training_inputs())
    let dtype = training.dtype
    let x = try view(given.x, "x")
    guard x.shape.count == 2 else {
      throw .invalidArgument("x has \(x.shape.count) axes, expected (rows, in_features)")
    }
    let width = training.matrix.columns
    let rows = try operand(given.x, "x", shape: [x.shape[0], width], dtype: dtype)
    let target = try target(y, "y", shape: [x.shape[0], training.matrix.rows], dtype: dtype)
    let shapes = training.coreShapes
    let (cores, scales) = (
      try require(given.cores, "cores"), try require(given.core_scales, "core_scales")
    )
    func run<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> TrainingPass<T> {
      var values: [Tensor<T>] = []
      var grids: [Tensor<T>] = []
      for (k, shape) in shapes.enumerated() {
        let core = try operand(cores + k, "cores[\(k)]", shape: shape, dtype: dtype)
        values.append(try core.copied(as: type))
        grids.append(try scale(scales + k, "core_scales[\(k)]", dtype).copied(as: type))
      }
      func single(
        _ pointer: UnsafePointer<ttk_array>?, _ name: String
      ) throws(TTKitError) -> Tensor<T>? {
        guard pointer != nil else { return nil }
        let found = try scale(pointer, name, dtype)
        guard found.count == 1 else {
          throw .invalidArgument("\(name) has \(found.count) elements, expected 1")
        }
        return try found.copied(as: type)
      }
      let bias =
        try given.bias == nil
        ? nil : operand(given.bias, "bias", shape: [training.matrix.rows], dtype: dtype)
      let found = try training.forward(
        x: rows.copied(as: type), cores: values, scales: grids,
        inputScale: single(given.input_scale, "input_scale"),
        outputScale: single(given.output_scale, "output_scale"), bias: bias?.copied(as: type))
      target.write(found.y)
      return found
    }
    let found =
      try dtype == .float64 ? AnyPass.Values.double(run(Double.self)) : .single(run(Float.self))
    if let pass { TrainingPassHandle.store(AnyPass(training: training, values: found), in: pass) }
  }
}

@c @implementation
public func ttk_training_vjp(
  _ pass: OpaquePointer?, _ grad: UnsafePointer<ttk_array>?,
  _ gradients: UnsafePointer<ttk_training_gradients>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let pass = try TrainingPassHandle.require(pass, "pass").value
    _ = try require(gradients, "gradients")
    let wanted = try options(gradients, "ttk_training_gradients", zero: ttk_training_gradients())
    switch pass.values {
    case .single(let values): try backward(pass.training, values, grad, wanted)
    case .double(let values): try backward(pass.training, values, grad, wanted)
    }
  }
}

private func backward<T: RealScalar>(
  _ training: QuantizedTraining, _ pass: TrainingPass<T>, _ grad: UnsafePointer<ttk_array>?,
  _ wanted: ttk_training_gradients
) throws(TTKitError) {
  let given = try operand(grad, "grad", shape: pass.y.shape, dtype: T.dtype)
  let found = try training.vjp(
    pass, grad: given.copied(as: T.self), wantsX: wanted.x != nil)
  // All targets are checked before any is written.
  var apart = Apart(inputs: [("grad", given)])
  var writes: [(StridedView, Tensor<T>)] = []
  func add(
    _ array: UnsafeMutablePointer<ttk_array>?, _ value: Tensor<T>?, _ name: String
  ) throws(TTKitError) {
    guard let array else { return }
    guard let value else {
      throw .invalidArgument("\(name) is wanted, but the pass had none; expected NULL")
    }
    writes.append((try apart.add(array, name, value.shape, T.dtype), value))
  }
  try add(wanted.x, found.x, "gradients->x")
  for k in found.cores.indices {
    try add(wanted.cores.map { $0 + k }, found.cores[k], "gradients->cores[\(k)]")
    try add(wanted.core_scales.map { $0 + k }, found.scales[k], "gradients->core_scales[\(k)]")
  }
  try add(wanted.input_scale, found.inputScale, "gradients->input_scale")
  try add(wanted.output_scale, found.outputScale, "gradients->output_scale")
  try add(wanted.bias, found.bias, "gradients->bias")
  for (view, value) in writes { view.write(value) }
}

/// Scales in the dtype of the call.
private func scale(
  _ pointer: UnsafePointer<ttk_array>?, _ name: String, _ dtype: DType
) throws(TTKitError) -> StridedView {
  let found = try view(pointer, name)
  guard found.dtype == dtype else {
    throw .unsupportedDType("\(name).dtype is \(found.dtype.name), expected \(dtype.name)")
  }
  return found
}
