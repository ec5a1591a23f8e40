/// Contractions of complex numbers, as contractions of real ones.
///
/// A complex array is a real one with a last axis of length 2. A product of two numbers is
/// r[w] = Σ z[u] z'[v] unit[u, v, w] with a table of 2 x 2 x 2 numbers, which meets the smaller operand of each
/// pair first: the real product then does the 8 flops that a complex multiply-add takes. Conjugates are
/// tables with other signs.

/// The real equation of a complex one along a given path.
struct ComplexEmbedding: Sendable {
  let equation: ContractionEquation
  let shapes: [[Int]]
  let path: ContractionPath
  /// The tables that follow the operands.
  let tables: [Table]
  /// The axis of real and imaginary part of the result.
  let part: Int

  /// Which of two factors, the smaller one first, is conjugated.
  enum Table: Int, Sendable, CaseIterable {
    case plain, smaller, larger

    /// unit[u, v, w]: part w of the product of units u and v.
    var unit: [Double] {
      switch self {
      case .plain: return [1, 0, 0, 1, 0, 1, -1, 0]
      case .smaller: return [1, 0, 0, 1, 0, -1, 1, 0]
      case .larger: return [1, 0, 0, -1, 0, 1, 1, 0]
      }
    }
  }

  /// - Parameter conjugated: operands whose conjugate is meant, not all of them when there are several.
  /// - Throws: `.invalidArgument` for more axes than an equation may have.
  init(
    _ equation: ContractionEquation, _ shapes: [[Int]], _ lengths: [Int], _ path: ContractionPath,
    conjugated: [Bool]
  ) throws(TTKitError) {
    let n = equation.operands.count
    var names = equation.names
    func part() -> Int {
      names.append("part\(names.count)")
      return names.count - 1
    }
    var parts = (0..<n).map { _ in part() }
    var readings = (0..<n).map { equation.readings(of: $0) + [.plain(parts[$0])] }
    var sizes = equation.operands.map { AxisSet($0).size(lengths.map { Double($0) }) }
    var pending = conjugated
    var tables: [Table] = []
    var ids = Array(0..<n)
    var pairs: [(left: Int, right: Int)] = []
    let all = 2 * n - 1
    for (i, (a, b)) in path.pairs.enumerated() {
      let (small, large) = sizes[a] < sizes[b] ? (a, b) : (b, a)
      let made = part()
      readings.append([parts[small], parts[large], made].map { .plain($0) })
      // The product of two conjugates is the conjugate of the product.
      tables.append(
        pending[small] == pending[large] ? .plain : pending[small] ? .smaller : .larger)
      pending.append(pending[small] && pending[large])
      parts.append(made)
      // Upper bounds do to tell small from large.
      sizes.append(sizes[a] * sizes[b])
      pairs.append((ids[small], n + i))
      pairs.append((ids[large], all + pairs.count - 1))
      ids.append(all + pairs.count - 1)
    }
    guard names.count <= AxisSet.capacity else { throw ContractionEquation.tooMany(names.count) }
    self.part = parts[parts.count - 1]
    self.equation = ContractionEquation(
      operands: readings.map { $0.flatMap(\.axes) }, result: equation.result + [self.part],
      names: names,
      readings: equation.readings.map { Readings(operands: readings, vectors: $0.vectors) })
    self.shapes =
      shapes[..<n].map { $0 + [2] } + tables.map { _ in [2, 2, 2] } + Array(shapes[n...])
    self.path = ContractionPath(pairs: pairs)
    self.tables = tables
  }
}
