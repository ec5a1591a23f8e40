import CTTKKernels
import Testing

@testable import TTKit

/// Einsum as its definition: a loop over all values of all axes.
func naiveEinsum(
  _ equation: ContractionEquation, _ operands: [[Double]], _ lengths: [Int]
) -> [Double] {
  /// Steps by axis of an array with these axes.
  func steps(_ axes: [Int]) -> [Int] {
    var steps = [Int](repeating: 0, count: lengths.count)
    for (axis, step) in zip(axes, rowMajorStrides(axes.map { lengths[$0] })) { steps[axis] += step }
    return steps
  }
  let used = Set(equation.operands.joined()).union(equation.result).sorted()
  let (inputs, output) = (equation.operands.map(steps), steps(equation.result))
  var result = [Double](repeating: 0, count: equation.result.reduce(1) { $0 * lengths[$1] })
  func visit(_ depth: Int, _ at: [Int], _ to: Int) {
    guard depth < used.count else {
      var term = 1.0
      for (k, elements) in operands.enumerated() { term *= elements[at[k]] }
      result[to] += term
      return
    }
    let axis = used[depth]
    for i in 0..<lengths[axis] {
      visit(depth + 1, at.indices.map { at[$0] + i * inputs[$0][axis] }, to + i * output[axis])
    }
  }
  visit(0, operands.map { _ in 0 }, 0)
  return result
}

/// A problem: an equation and operands in a random layout.
struct RandomEinsum {
  let equation: ContractionEquation
  let lengths: [Int]
  let shapes: [[Int]]
  let operands: [[Double]]

  init(_ random: inout TestRandom, mostOperands: Int, lengths choices: [Int], axes: Int) throws {
    let count = 1 + random.below(mostOperands)
    let lengths = (0..<axes).map { _ in choices[random.below(choices.count)] }
    let letters = (0..<axes).map { Character(Unicode.Scalar(UInt8(97 + $0))) }
    var terms: [String] = []
    for _ in 0..<count {
      // Now and then an axis comes twice: its diagonal.
      terms.append(
        String((0..<random.below(min(axes, 4) + 1)).map { _ in letters[random.below(axes)] }))
    }
    let used = Set(terms.joined()).sorted()
    var result: [Character] = []
    for letter in used where random.below(3) == 0 {
      result.insert(letter, at: random.below(result.count + 1))
    }
    let text = terms.joined(separator: ",") + "->" + String(result)
    equation = try ContractionEquation(parsing: text)
    let named = equation.names.map { lengths[Int($0.utf8.first! - 97)] }
    self.lengths = named
    shapes = equation.operands.map { $0.map { named[$0] } }
    operands = shapes.map { shape in
      (0..<shape.reduce(1, *)).map { _ in random.uniform() }
    }
  }

  var expected: [Double] { naiveEinsum(equation, operands, lengths) }

  /// |result| may be off by this: (terms + operands)·eps·Σ|products|.
  func bound(_ eps: Double) -> [Double] {
    let terms = Set(equation.operands.joined()).subtracting(equation.result)
      .reduce(1.0) { $0 * Double(lengths[$1]) }
    return naiveEinsum(equation, operands.map { $0.map(abs) }, lengths)
      .map { (terms + Double(2 * operands.count)) * eps * $0 }
  }
}

extension ContractionPlan {
  /// The result of one execute, operands and result each in a permuted layout when `turned`.
  func evaluate<T: RealScalar>(
    _ operands: [[Double]], as type: T.Type, turned: Bool = false
  ) throws -> [Double] {
    let tensors = try zip(operands, shapes).map { elements, shape in
      try laidOut(elements.map { T($0) }, shape, turned: turned)
    }
    let target = try laidOut(
      [T](repeating: .nan, count: resultShape.reduce(1, *)), resultShape, turned: turned)
    let workspace = try Buffer<UInt8>(count: workspaceSize)
    try execute(tensors.map(\.view), into: target.view, workspace: workspace.base)
    return try target.view.copied(as: T.self).elements.map { Double($0) }
  }
}

/// A view of elements in row-major or, when turned, column-major order, with a gap before each element.
private func laidOut<T: RealScalar>(
  _ elements: [T], _ shape: [Int], turned: Bool
) throws -> (view: StridedView, owner: Tensor<T>) {
  if !turned {
    let tensor = try Tensor(shape: shape, elements: elements)
    return (try view(tensor), tensor)
  }
  let steps = Array(rowMajorStrides(shape.reversed()).reversed()).map { $0 * 2 }
  let owner = try Tensor<T>(shape: [max(2 * elements.count, 1)], zeroed: true) { _ in }
  let turnedView = try StridedView(
    data: UnsafeMutableRawPointer(owner.storage.buffer.base), shape: shape, strides: steps,
    dtype: T.dtype)
  turnedView.write(try Tensor(shape: shape, elements: elements))
  return (turnedView, owner)
}
