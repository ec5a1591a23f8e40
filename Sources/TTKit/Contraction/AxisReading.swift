/// How operands are read where an axis of the array is not an axis of the equation: windows and index vectors.

/// How an operand is read along one axis of its array.
enum AxisReading: Sendable, Equatable {
  /// By an axis of the equation.
  case plain(Int)
  /// At Σ factor · index + offset, "{2*y+i-1}"; zeros beyond both ends.
  case window(terms: [WindowTerm], offset: Int)
  /// At the position that an index vector holds, "{i[n]}".
  case gathered(vector: Int, axis: Int)

  /// Axes of the equation that it takes.
  var axes: [Int] {
    switch self {
    case .plain(let axis), .gathered(_, let axis): return [axis]
    case .window(let terms, _): return terms.map(\.axis)
    }
  }
}

struct WindowTerm: Sendable, Equatable {
  /// 1 to 2^31 - 1.
  let factor: Int
  let axis: Int
}

/// An operand of positions: one for each index of an axis.
struct IndexVector: Sendable, Equatable {
  let name: String
  let axis: Int
}

/// The readings of an equation that has others than plain ones.
struct Readings: Sendable, Equatable {
  /// By operand and axis of its array.
  var operands: [[AxisReading]]
  /// They follow the operands.
  let vectors: [IndexVector]

  /// The same with operand `k` read by plain axes.
  func replacing(_ k: Int, by axes: [Int]) -> Readings {
    var made = self
    made.operands[k] = axes.map { .plain($0) }
    return made
  }
}

extension ContractionEquation {
  /// The array of operand `k`, axis by axis.
  func readings(of k: Int) -> [AxisReading] {
    readings?.operands[k] ?? operands[k].map { .plain($0) }
  }

  /// Arrays of one execute: operands, then index vectors.
  var arrayCount: Int { operands.count + (readings?.vectors.count ?? 0) }

  /// Operand `k` as it is written in equations.
  func spell(operand k: Int) -> String {
    readings(of: k).map { reading in
      switch reading {
      case .plain(let axis): return spell([axis])
      case .gathered(let vector, let axis):
        return "{\(readings!.vectors[vector].name)[\(names[axis])]}"  // there are readings
      case .window(let terms, let offset):
        let sum = terms.map { ($0.factor == 1 ? "" : "\($0.factor)*") + names[$0.axis] }
          .joined(separator: "+")
        // A window of one axis alone needs its factor to be seen as one.
        let first = terms.count == 1 && terms[0].factor == 1 && offset == 0 ? "1*" + sum : sum
        return "{\(first)\(offset > 0 ? "+" : "")\(offset == 0 ? "" : "\(offset)")}"
      }
    }.joined()
  }
}
