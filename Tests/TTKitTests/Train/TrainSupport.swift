/// Random tensors and trains of every dtype, and how far two of them are apart.
import Testing

@testable import TTKit

/// A scalar that tests can make from two doubles.
protocol TestScalar: Scalar {
  init(_ real: Double, imaginary: Double)
}

extension Float: TestScalar {
  init(_ real: Double, imaginary: Double) { self = Float(real) }
}
extension Double: TestScalar {
  init(_ real: Double, imaginary: Double) { self = real }
}
extension Complex: TestScalar {
  init(_ real: Double, imaginary: Double) { self.init(Real(real), Real(imaginary)) }
}

/// Every law holds for each of these.
let scalars: [any TestScalar.Type] = [
  Float.self, Double.self, Complex<Float>.self, Complex<Double>.self,
]

/// Seeded shapes, ranks and values.
struct TrainRandom {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  private mutating func bits() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// Uniform between -0.5 and 0.5.
  mutating func uniform() -> Double { Double(bits() >> 11) / 9_007_199_254_740_992 - 0.5 }

  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(bits() % UInt64(range.count))
  }

  mutating func scalar<T: TestScalar>(_ type: T.Type) -> T {
    T(uniform(), imaginary: uniform())
  }

  mutating func tensor<T: TestScalar>(_ shape: [Int], _ type: T.Type) throws -> Tensor<T> {
    let values = (0..<shape.reduce(1, *)).map { _ in scalar(type) }
    return try Tensor(shape: shape, elements: values)
  }

  /// A shape of order 1 to 5 with at most 2000 elements.
  mutating func shape() -> [Int] {
    var shape: [Int] = []
    for _ in 0..<integer(1...5) { shape.append(integer(1...6)) }
    while shape.reduce(1, *) > 2000 { shape.removeLast() }
    return shape
  }

  mutating func train<T: TestScalar>(
    _ shape: [Int], ranks: [Int], _ type: T.Type
  ) throws -> TensorTrain<T> {
    let bonds = [1] + ranks + [1]
    var cores: [Tensor<T>] = []
    for (k, n) in shape.enumerated() {
      try cores.append(tensor([bonds[k], n, bonds[k + 1]], type))
    }
    return try TensorTrain(cores: cores)
  }

  /// Ranks 1 to 4, whatever the shape allows.
  mutating func train<T: TestScalar>(_ shape: [Int], _ type: T.Type) throws -> TensorTrain<T> {
    try train(shape, ranks: shape.dropLast().map { _ in integer(1...4) }, type)
  }
}

/// ‖a − b‖ / ‖b‖, or ‖a‖ when b is 0.
func relativeError<T: Scalar>(_ a: Tensor<T>, _ b: Tensor<T>) throws -> Double {
  #expect(a.shape == b.shape)
  let difference = try Tensor(
    shape: b.shape, elements: zip(a.elements, b.elements).map { $0 - $1 })
  let norm = b.norm
  return norm > 0 ? difference.norm / norm : difference.norm
}

/// The largest |QᴴQ − I| of a matrix's columns.
func orthogonalityError<T: Scalar>(_ q: Tensor<T>) throws -> Double {
  let gram = try product(q, q, .conjugateTransposed, .plain)
  let identity = try Tensor<T>.identity(q.shape[1])
  return zip(gram.elements, identity.elements).map { Double(($0 - $1).magnitude) }.max() ?? 0
}

/// Elements of a tensor in row-major order with their indices.
func indices(of shape: [Int]) -> [[Int]] {
  shape.reduce([[]]) { rows, n in rows.flatMap { row in (0..<n).map { row + [$0] } } }
}

func evaluate<T: TestScalar>(
  _ train: TensorTrain<T>, _ points: [[Int]], threads: Int = 1
) throws -> [T] {
  let flat = points.flatMap { $0.map(Int64.init) }
  let result = try Tensor<T>(shape: [points.count]) { (out) throws(TTKitError) in
    try train.evaluate(flat.span, into: &out, executor: Executor(threads: threads))
  }
  return result.elements
}
