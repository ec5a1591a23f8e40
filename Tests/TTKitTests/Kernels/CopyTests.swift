import CTTKKernels
import Testing

/// An array layout drawn at random: steps in elements and where its first element lies.
private struct Layout {
  var steps: [Int]
  var origin: Int
  var extent: Int  // elements from the lowest to the highest

  /// Axes in a random order, some reversed, with gaps between some rows: no two elements coincide.
  init(_ shape: [Int], random: inout TestRandom) {
    var order = Array(shape.indices)
    for i in order.indices.reversed() { order.swapAt(i, random.below(i + 1)) }
    steps = [Int](repeating: 0, count: shape.count)
    (origin, extent) = (0, 1)
    for axis in order {
      let step = extent + random.below(3) * random.below(2)
      extent = step * max(shape[axis] - 1, 0) + extent
      steps[axis] = step
      if random.below(3) == 0 {
        steps[axis] = -step
        origin += step * max(shape[axis] - 1, 0)
      }
    }
  }

  func offset(_ index: [Int]) -> Int { zip(index, steps).reduce(origin) { $0 + $1.0 * $1.1 } }
}

/// Every index of a shape, last fastest.
private func indices(_ shape: [Int]) -> [[Int]] {
  shape.reduce([[]]) { heads, length in heads.flatMap { head in (0..<length).map { head + [$0] } } }
}

/// Copies between two random layouts and compares every byte of the target.
private func copyIsRight(_ shape: [Int], size: Int, random: inout TestRandom) -> Bool {
  let (from, to) = (Layout(shape, random: &random), Layout(shape, random: &random))
  let source = (0..<from.extent * size).map { _ in UInt8(random.below(255)) }
  var target = [UInt8](repeating: 255, count: to.extent * size)
  var expected = target
  for index in indices(shape) {
    let (a, b) = (from.offset(index) * size, to.offset(index) * size)
    expected.replaceSubrange(b..<b + size, with: source[a..<a + size])
  }
  target.withUnsafeMutableBytes { target in
    source.withUnsafeBytes { source in
      ttkk_copy_strided(
        target.baseAddress! + to.origin * size, to.steps, source.baseAddress! + from.origin * size,
        from.steps, shape, Int32(shape.count), size)
    }
  }
  return target == expected
}

@Suite struct CopyTests {
  @Test(arguments: [1, 2, 3, 4, 8, 16])
  func randomLayouts_copyAsANaiveLoopDoes(size: Int) {
    var random = TestRandom(seed: UInt64(size))
    for round in 0..<150 {
      let ndim = round % 7
      let shape = (0..<ndim).map { _ in 1 + random.below([40, 40, 12, 6, 4, 3, 2][ndim]) }
      #expect(copyIsRight(shape, size: size, random: &random), "\(shape)")
    }
  }

  /// Planes around the 16 x 16 tiles.
  @Test(arguments: [15, 16, 17, 31, 32, 33])
  func planes_copyAroundTheTileEdges(length: Int) {
    var random = TestRandom(seed: 9)
    for other in [1, 15, 16, 17, 33] {
      for _ in 0..<4 {
        #expect(copyIsRight([length, other], size: 4, random: &random), "\(length) x \(other)")
        #expect(copyIsRight([2, length, other], size: 8, random: &random), "\(length) x \(other)")
      }
    }
  }

  @Test func anEmptyAxis_copiesNothing() {
    var target: [Float] = [7]
    ttkk_copy_strided(&target, [1, 1], [Float(1)], [1, 1], [1, 0], 2, 4)
    #expect(target == [7])
  }

  @Test func aStepOfZero_repeatsTheElement() {
    var target = [Float](repeating: 0, count: 6)
    ttkk_copy_strided(&target, [3, 1], [Float(1), 2], [1, 0], [2, 3], 2, 4)
    #expect(target == [1, 1, 1, 2, 2, 2])
  }

  @Test func sixtyFourAxes_areCopied() {
    var target: [Float] = [0, 0]
    let steps = [Int](repeating: 1, count: 64)
    let shape = [Int](repeating: 1, count: 63) + [2]
    ttkk_copy_strided(&target, steps, [Float(1), 2], steps, shape, 64, 4)
    #expect(target == [1, 2])
  }
}
