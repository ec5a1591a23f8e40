import Testing

@testable import TTKit

@Suite struct ContractionTests {
  /// Sum over all assignments of the axes, by the definition.
  private func definition(
    _ operands: [NamedTensor<Double>], to result: [Axis]
  ) -> [Double] {
    let axes = operands.flatMap(\.axes).reduce(into: [Axis]()) { list, axis in
      if !list.contains(axis) { list.append(axis) }
    }
    var sums = [Double](repeating: 0, count: result.reduce(1) { $0 * $1.length })
    var index = [Int](repeating: 0, count: axes.count)
    let values = operands.map(\.tensor.elements)
    func offset(_ wanted: [Axis]) -> Int {
      wanted.reduce(0) { $0 * $1.length + index[axes.firstIndex(of: $1)!] }
    }
    while true {
      var term = 1.0
      for (k, operand) in operands.enumerated() { term *= values[k][offset(operand.axes)] }
      sums[offset(result)] += term
      var k = axes.count - 1
      while k >= 0 {
        index[k] += 1
        if index[k] < axes[k].length { break }
        index[k] = 0
        k -= 1
      }
      if k < 0 { return sums }
    }
  }

  @Test(arguments: [
    (["ij", "jk"], "ik"), (["ij", "jk"], "ki"), (["bij", "bjk"], "bik"), (["ib", "bj"], "jbi"),
    (["ar", "rbs", "sc"], "cab"), (["i", "j"], "ij"), (["ij"], "ji"),
    (["abe", "ace", "ade"], "bcd"),
    (["zia", "ajb", "bkz"], "kji"),
  ])
  func contraction_isTheSumOverSharedAxes(operands: [String], result: String) throws {
    let lengths: [Character: Int] = [
      "a": 3, "b": 2, "c": 4, "d": 2, "e": 3, "i": 4, "j": 3, "k": 2, "r": 5, "s": 2, "z": 1,
    ]
    func axes(_ letters: String) -> [Axis] { letters.map { Axis(String($0), lengths[$0]!) } }
    var random = TestRandom(seed: 3)
    let tensors = try operands.map { letters in
      let axes = axes(letters)
      return NamedTensor(axes: axes, tensor: try random.tensor(axes.map(\.length)))
    }
    let found = try contract(tensors, to: axes(result))
    #expect(found.shape == axes(result).map(\.length))
    for (a, b) in zip(found.elements, definition(tensors, to: axes(result))) {
      #expect(abs(a - b) < 1e-13)
    }
  }
}
