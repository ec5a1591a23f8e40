/// How many of the tensors not yet contracted have each axis: which axes a product must keep.

struct LiveAxes {
  private var uses: [Int]
  private var once = AxisSet()
  private var twice = AxisSet()

  init(_ network: ContractionNetwork) {
    self.init(network.operands + [network.result], network.lengths)
  }

  /// - Parameter all: the tensors, and the result as one more.
  init(_ all: [AxisSet], _ lengths: [Double]) {
    uses = [Int](repeating: 0, count: lengths.count)
    for axes in all { count(axes, 1) }
  }

  private mutating func count(_ axes: AxisSet, _ change: Int) {
    axes.forEach { axis in
      uses[axis] += change
      if uses[axis] == 1 { once.insert(axis) } else { once.remove(axis) }
      if uses[axis] == 2 { twice.insert(axis) } else { twice.remove(axis) }
    }
  }

  /// The axes of the product of two live tensors that others need.
  func kept(_ a: AxisSet, _ b: AxisSet) -> AxisSet {
    let shared = a.intersection(b)
    let union = a.union(b)
    return union.subtracting(shared.intersection(twice))
      .subtracting(union.subtracting(shared).intersection(once))
  }

  /// The product takes the place of both.
  mutating func replace(_ a: AxisSet, _ b: AxisSet, by product: AxisSet) {
    count(a, -1)
    count(b, -1)
    count(product, 1)
  }
}
