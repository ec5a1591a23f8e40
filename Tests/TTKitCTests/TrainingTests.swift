import CTTKit
import Testing

@testable import TTKitC

/// A layer of rank 2 of a (3, 4) weight in training, with arrays to call it with.
private final class Fixture {
  var training: OpaquePointer?
  let shapes: [[Int64]] = [[2, 4], [3, 2], [2, 4], [1], [1], [3]]
  /// x, two cores, their scales, the bias; y and the gradient at the end.
  var memory: [UnsafeMutablePointer<Float>] = []
  var lengths: [UnsafeMutablePointer<Int64>] = []
  var arrays: UnsafeMutablePointer<ttk_array>
  static let count = 8

  init() {
    arrays = .allocate(capacity: Self.count)
    let all: [[Int64]] = [[2, 4], [3, 2], [2, 4], [1], [1], [3], [2, 3], [2, 3]]
    for (k, shape) in all.enumerated() {
      let n = Int(shape.reduce(1, *))
      let data = UnsafeMutablePointer<Float>.allocate(capacity: n)
      for i in 0..<n { data[i] = Float(i % 5) * 0.25 - 0.4 }
      let axes = UnsafeMutablePointer<Int64>.allocate(capacity: shape.count)
      for (i, length) in shape.enumerated() { axes[i] = length }
      memory.append(data)
      lengths.append(axes)
      arrays[k] = ttk_array(
        data: data, shape: axes, strides: nil, ndim: Int32(shape.count),
        dtype: ttk_dtype(TTK_FLOAT32))
    }
    memory[3][0] = 0.1
    memory[4][0] = 0.2
    var layer: OpaquePointer?
    _ = ttk_linear_from_cores("low_rank(rank=2)", 3, 4, 2, arrays + 1, nil, &layer)
    _ = ttk_training_create(layer, nil, &training)
    ttk_linear_destroy(layer)
  }

  deinit {
    ttk_training_destroy(training)
    memory.forEach { $0.deallocate() }
    lengths.forEach { $0.deallocate() }
    arrays.deallocate()
  }

  func inputs() -> ttk_training_inputs {
    var inputs = ttk_training_inputs()
    inputs.struct_size = MemoryLayout<ttk_training_inputs>.size
    inputs.x = UnsafePointer(arrays)
    inputs.cores = UnsafePointer(arrays + 1)
    inputs.core_scales = UnsafePointer(arrays + 3)
    inputs.bias = UnsafePointer(arrays + 5)
    return inputs
  }
}

@Suite struct TrainingTests {
  @Test func forwardAndBack() {
    let fixture = Fixture()
    var inputs = fixture.inputs()
    var pass: OpaquePointer?
    #expect(ttk_training_forward(fixture.training, &inputs, fixture.arrays + 6, &pass) == TTK_OK)
    defer { ttk_training_pass_destroy(pass) }
    // y = x B^T A^T + b with cores rounded to steps of .1 and .2.
    func rounded(_ k: Int, _ i: Int) -> Float {
      let scale = fixture.memory[k + 2][0]
      return (fixture.memory[k][i] / scale).rounded(.toNearestOrEven) * scale
    }
    for r in 0..<2 {
      for o in 0..<3 {
        var sum = fixture.memory[5][o]
        for k in 0..<2 {
          for i in 0..<4 {
            sum += rounded(1, o * 2 + k) * rounded(2, k * 4 + i) * fixture.memory[0][r * 4 + i]
          }
        }
        #expect(abs(fixture.memory[6][r * 3 + o] - sum) < 1e-5)
      }
    }
    var wanted = ttk_training_gradients()
    wanted.struct_size = MemoryLayout<ttk_training_gradients>.size
    wanted.bias = fixture.arrays + 5
    let grad = (0..<6).map { fixture.memory[7][$0] }
    #expect(ttk_training_vjp(pass, fixture.arrays + 7, &wanted) == TTK_OK)
    for o in 0..<3 { #expect(abs(fixture.memory[5][o] - grad[o] - grad[3 + o]) < 1e-6) }
    // Nothing is wanted: nothing is written.
    wanted.bias = nil
    #expect(ttk_training_vjp(pass, fixture.arrays + 7, &wanted) == TTK_OK)
    wanted.output_scale = fixture.arrays + 3
    #expect(ttk_training_vjp(pass, fixture.arrays + 7, &wanted) == TTK_ERROR_ARGUMENT)
    // A gradient in the memory of another, or of grad.
    wanted.output_scale = nil
    wanted.bias = fixture.arrays + 5
    var same = fixture.arrays[0]
    same.data = fixture.arrays[5].data
    withUnsafeMutablePointer(to: &same) { same in
      wanted.x = same
      #expect(ttk_training_vjp(pass, fixture.arrays + 7, &wanted) == TTK_ERROR_ARGUMENT)
    }
    wanted.x = nil
    var bias = fixture.arrays[5]
    bias.data = fixture.arrays[7].data
    withUnsafeMutablePointer(to: &bias) { bias in
      wanted.bias = bias
      #expect(ttk_training_vjp(pass, fixture.arrays + 7, &wanted) == TTK_ERROR_ARGUMENT)
    }
  }

  @Test func badInput_isRefused() {
    let fixture = Fixture()
    let training = fixture.training
    var inputs = fixture.inputs()
    var pass = OpaquePointer(bitPattern: 8)
    let y = fixture.arrays + 6
    #expect(ttk_training_forward(nil, &inputs, y, &pass) == TTK_ERROR_ARGUMENT && pass == nil)
    #expect(ttk_training_forward(training, nil, y, nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_training_forward(training, &inputs, nil, nil) == TTK_ERROR_ARGUMENT)
    let wrongs: [(inout ttk_training_inputs) -> Void] = [
      { $0.struct_size = 0 }, { $0.x = nil }, { $0.cores = nil }, { $0.core_scales = nil },
      { $0.x = UnsafePointer(fixture.arrays + 1) },
      { $0.cores = UnsafePointer(fixture.arrays + 2) },
      { $0.bias = UnsafePointer(fixture.arrays + 3) },
      { $0.input_scale = UnsafePointer(fixture.arrays + 5) },
      { $0.output_scale = UnsafePointer(fixture.arrays + 5) },
    ]
    for (index, wrong) in wrongs.enumerated() {
      var bad = fixture.inputs()
      wrong(&bad)
      #expect(ttk_training_forward(training, &bad, y, &pass) == TTK_ERROR_ARGUMENT, "\(index)")
      #expect(pass == nil)
    }
    fixture.arrays[1].dtype = ttk_dtype(TTK_FLOAT64)
    #expect(ttk_training_forward(training, &inputs, y, nil) == TTK_ERROR_DTYPE)
    fixture.arrays[1].dtype = ttk_dtype(TTK_FLOAT32)
    for value: Float in [0, -1, .nan, .infinity] {
      fixture.memory[3][0] = value
      #expect(ttk_training_forward(training, &inputs, y, nil) == TTK_ERROR_ARGUMENT, "\(value)")
    }
    fixture.memory[3][0] = 0.1
    #expect(ttk_training_forward(training, &inputs, y, nil) == TTK_OK)
    #expect(ttk_training_vjp(nil, y, nil) == TTK_ERROR_ARGUMENT)
    ttk_training_destroy(nil)
    ttk_training_pass_destroy(nil)
  }

  @Test func options_areChecked() {
    let fixture = Fixture()
    var layer: OpaquePointer?
    #expect(
      ttk_linear_from_cores("low_rank(rank=2)", 3, 4, 2, fixture.arrays + 1, nil, &layer) == TTK_OK)
    defer { ttk_linear_destroy(layer) }
    var made: OpaquePointer?
    #expect(ttk_training_create(nil, nil, &made) == TTK_ERROR_ARGUMENT && made == nil)
    #expect(ttk_training_create(layer, nil, nil) == TTK_ERROR_ARGUMENT)
    let wrongs: [(inout ttk_training_options) -> Void] = [
      { $0.struct_size = 4 }, { $0.core_bits = 1 }, { $0.core_bits = 9 },
      { $0.activation_bits = -1 }, { $0.rule = 2 }, { $0.threads = -1 },
    ]
    for (index, wrong) in wrongs.enumerated() {
      var options = ttk_training_options()
      options.struct_size = MemoryLayout<ttk_training_options>.size
      wrong(&options)
      #expect(ttk_training_create(layer, &options, &made) == TTK_ERROR_ARGUMENT, "\(index)")
    }
  }
}
