/// Contractions of complex numbers, as contractions of real ones.
///
/// A complex array is a real one with a last axis of length 2. A product of two numbers is
/// r[w] = Σ z[u] z'[v] unit[u, v, w] with a table of 2 x 2 x 2 numbers, which meets the smaller operand of each
/// pair first: the real product then does the 8 flops that a complex multiply-add takes.

/// The real equation of a complex one along a given path.
struct ComplexEmbedding: Sendable {
  let equation: ContractionEquation
  let shapes: [[Int]]
  let path: ContractionPath
  /// Tables of 2 x 2 x 2 numbers that follow the operands.
  let tables: Int

  /// - Throws: `.invalidArgument` for more axes than an equation may have.
  init(
    _ equation: ContractionEquation, _ shapes: [[Int]], _ lengths: [Int], _ path: ContractionPath
  ) throws(TTKitError) {
    let n = shapes.count
    var names = equation.names
    func part() -> Int {
      names.append("part\(names.count)")
      return names.count - 1
    }
    var parts = shapes.map { _ in part() }
    var operands = zip(equation.operands, parts).map { $0 + [$1] }
    var sizes = equation.operands.map { AxisSet($0).size(lengths.map { Double($0) }) }
    var ids = Array(0..<n)
    var pairs: [(left: Int, right: Int)] = []
    let all = 2 * n - 1
    for (i, (a, b)) in path.pairs.enumerated() {
      let (small, large) = sizes[a] < sizes[b] ? (a, b) : (b, a)
      let made = part()
      operands.append([parts[small], parts[large], made])
      parts.append(made)
      // Upper bounds do to tell small from large.
      sizes.append(sizes[a] * sizes[b])
      pairs.append((ids[small], n + i))
      pairs.append((ids[large], all + pairs.count - 1))
      ids.append(all + pairs.count - 1)
    }
    guard names.count <= AxisSet.capacity else { throw ContractionEquation.tooMany(names.count) }
    self.equation = ContractionEquation(
      operands: operands, result: equation.result + [parts[parts.count - 1]], names: names)
    self.shapes = shapes.map { $0 + [2] } + path.pairs.map { _ in [2, 2, 2] }
    self.path = ContractionPath(pairs: pairs)
    tables = n - 1
  }

  /// unit[u, v, w]: part w of the product of units u and v.
  static let unit: [Double] = [1, 0, 0, 1, 0, 1, -1, 0]
}
