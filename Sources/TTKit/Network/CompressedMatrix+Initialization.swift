/// Random cores to train from.
internal import Glibc

extension CompressedMatrix {
  /// Gaussian cores such that a random W has entries of variance 2 / (rows + columns), or, for formats of
  /// dense blocks, such that every block starts as a dense layer of its own would.
  ///
  /// - Cores that share numbers (trains, CP, Tucker, Kronecker, dense): Var W is the product of the cores'
  ///   variances times the number of terms of the sum over bonds; every core has the same deviation
  ///   (A. Novikov et al., NIPS 2015; O. Hrinchuk et al., 2020).
  /// - Low rank, Monarch, block tensor train: deviation √(1/in) · min(1, √(out/in)) with the fan-in and
  ///   fan-out of the dense blocks of the core (S. Qiu et al., ICML 2024, section 3.2).
  /// - Sparse: the largest entries of a dense draw, scaled up to its norm.
  /// - A sum of terms: each with its share of the variance.
  /// - Parameters:
  ///   - dtype: float32 or float64: of the cores before storage.
  ///   - seed: the same seed gives the same cores.
  /// - Throws: `.invalidArgument` when the factors cannot make the sizes; `.sizeOverflow`, `.outOfMemory`.
  public static func initialized(
    _ spec: Spec, rows: Int, columns: Int, dtype: DType, seed: UInt64, padsRows: Bool = false
  ) throws(TTKitError) -> CompressedMatrix {
    switch dtype {
    case .float32: return try random(spec, rows, columns, Float.self, seed, padsRows)
    case .float64: return try random(spec, rows, columns, Double.self, seed, padsRows)
    default: throw .unsupportedDType("a layer of \(dtype.name), expected float32 or float64")
    }
  }

  private static func random<T: RealScalar>(
    _ spec: Spec, _ rows: Int, _ columns: Int, _ type: T.Type, _ seed: UInt64, _ padsRows: Bool
  ) throws(TTKitError) -> CompressedMatrix {
    guard rows >= 1, columns >= 1 else {
      throw .invalidArgument("a weight of \(rows) x \(columns), expected at least 1 x 1")
    }
    _ = try checkedProduct([rows, columns, MemoryLayout<Double>.stride])
    var generator = SeededGenerator(seed: seed)
    var terms: [Term] = []
    for wanted in spec.terms {
      let format = try Registry.format(wanted.format)
      let equation = try format.equation(rows: rows, columns: columns)
      try requireRows(equation, rows, padsRows, format)
      // Variances of terms add up: each core takes its root of the term's share.
      let share = exp(
        -log(Double(spec.terms.count)) / Double(2 * equation.operands.count))
      var cores: [Tensor<T>] = []
      for (shape, deviation) in zip(equation.coreShapes, equation.deviations(of: format)) {
        let scale = deviation * share
        cores.append(
          try Tensor<T>(shape: shape) { out in
            for i in out.indices { out[i] = T(generator.gaussian() * scale) }
          })
      }
      if let sparse = format as? Sparse { cores = [try sparse.initialized(cores[0])] }
      let storage = try Registry.storage(wanted.storage ?? Spec.Call(T.dtype.name))
      terms.append(
        try Term(format: format, storage: storage, cores: cores, rows: rows, columns: columns))
    }
    return CompressedMatrix(rows: rows, columns: columns, terms: terms, error: .nan)
  }
}

extension Sparse {
  fileprivate func initialized<T: RealScalar>(
    _ draw: Tensor<T>
  ) throws(TTKitError) -> Tensor<T> {
    let kept = try kept(draw, order: .magnitude, moment: nil)
    let norm = kept.norm
    let scale = norm > 0 ? T(draw.norm / norm) : 1
    return try kept.map { $0 * scale }
  }
}

extension Equation {
  /// The standard deviation of each core's numbers.
  fileprivate func deviations(of format: any Format) -> [Double] {
    if format is LowRank || format is Monarch || format is BlockTensorTrain {
      // Cores are applied from the last to the first. Axes that another operand or the result carries
      // beside this one are those of the grid of blocks.
      return operands.indices.map { k in
        let (fanIn, fanOut) = fans(k)
        return (1 / fanIn).squareRoot() * min(1, (fanOut / fanIn).squareRoot())
      }
    }
    let bonds = Set(operands.joined()).subtracting(rows + columns)
    let logs = bonds.reduce(0.0) { $0 + log(Double($1.length)) }
    let variance = log(2 / (Double(rowCount) + Double(columnCount)))
    return operands.map { _ in exp((variance - logs) / Double(2 * operands.count)) }
  }

  /// Lengths that the dense blocks of core k sum over, and that they make: its own column digit and the
  /// bond from the core applied before it; its own row digit and the bond to the next.
  private func fans(_ k: Int) -> (Double, Double) {
    func size(_ axes: [Axis]) -> Double { axes.reduce(1) { $0 * Double($1.length) } }
    let later = k > 0 ? Set(operands[..<k].joined()) : []
    let earlier = k + 1 < operands.count ? Set(operands[(k + 1)...].joined()) : []
    let known = Set(rows + columns)
    let own = operands[k]
    let bondIn = own.filter { !known.contains($0) && earlier.contains($0) }
    let bondOut = own.filter { !known.contains($0) && later.contains($0) }
    // A column digit is summed here when no later core carries it, a row digit made when no earlier does.
    let columnsIn = own.filter { columns.contains($0) && !later.contains($0) }
    let rowsOut = own.filter { rows.contains($0) && !earlier.contains($0) }
    return (size(bondIn + columnsIn), size(bondOut + rowsOut))
  }
}
