/// What formats over factored rows and columns share: the factors, the ranks, their checks.

/// The arguments `rows=AxB.., columns=CxD..` of a network over a matrix, and `rank=R` of most.
public struct TrainShape: Sendable, Equatable {
  public let rows: [Int]
  public let columns: [Int]
  public let limit: RankLimit

  init(
    _ arguments: inout SpecArguments, bonds: (Int, Int) -> Int, example: String
  ) throws(TTKitError) {
    rows = try arguments.required(try arguments.sizes("rows"), "rows", example)
    columns = try arguments.required(try arguments.sizes("columns"), "columns", example)
    limit = try RankLimit(&arguments)
    try limit.check(arguments, bonds: bonds(rows.count, columns.count), example: example)
  }

  /// Without a rank, as many factors of each.
  init(paired arguments: inout SpecArguments, example: String) throws(TTKitError) {
    rows = try arguments.required(try arguments.sizes("rows"), "rows", example)
    columns = try arguments.required(try arguments.sizes("columns"), "columns", example)
    limit = RankLimit(ranks: nil)
  }

  /// - Throws: when rows and columns do not have as many factors, at least `count`.
  func requirePairs(_ name: String, atLeast count: Int) throws(TTKitError) {
    guard rows.count == columns.count, rows.count >= count else {
      throw .invalidArgument(
        "\(name) has \(rows.count) row factors and \(columns.count) column factors, "
          + "expected as many of each, at least \(count); use 1 as a factor")
    }
  }

  init(rows: [Int], columns: [Int], limit: RankLimit) {
    self.rows = rows
    self.columns = columns
    self.limit = limit
  }

  var arguments: [Spec.Argument] {
    [Spec.Argument("rows", spell(rows)), Spec.Argument("columns", spell(columns))]
      + limit.arguments
  }

  /// Checks the factors against a matrix; row factors may multiply to more rows (padding).
  func check(rows count: Int, columns width: Int, name: String) throws(TTKitError) {
    let padded = try checkedProduct(rows)
    guard padded >= count else { throw mismatch(name, "rows", rows, padded, count) }
    let product = try checkedProduct(columns)
    guard product == width else { throw mismatch(name, "columns", columns, product, width) }
    _ = try checkedProduct([padded, product])
  }

  /// The largest ranks of a train with these mode sizes under the limit.
  func ranks(_ modes: [Int]) -> [Int] {
    (0..<max(modes.count - 1, 0)).map { k in
      limit.rank(k, full: min(saturated(modes[...k]), saturated(modes[(k + 1)...])))
    }
  }

  private func spell(_ sizes: [Int]) -> Spec.Value {
    sizes.count == 1 ? .integer(sizes[0]) : .list(sizes)
  }

  private func mismatch(
    _ name: String, _ what: String, _ factors: [Int], _ product: Int, _ wanted: Int
  ) -> TTKitError {
    let found = factors.map(String.init).joined(separator: "x")
    let hint = balancedFactors(of: wanted, count: factors.count).map(String.init)
      .joined(separator: "x")
    return .invalidArgument(
      "\(name): \(what)=\(found) multiply to \(product), the matrix has \(wanted) \(what); "
        + "the nearest factors are \(hint)")
  }
}

/// The product of sizes, or Int.max where it does not fit.
func saturated(_ sizes: some Sequence<Int>) -> Int {
  sizes.reduce(1) { (a, b) in
    let (value, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? .max : value
  }
}

/// `count` factors of n as equal as its prime factors allow, largest first.
func balancedFactors(of n: Int, count: Int) -> [Int] {
  var primes: [Int] = []
  var rest = n
  var p = 2
  while p * p <= rest {
    while rest % p == 0 {
      primes.append(p)
      rest /= p
    }
    p += 1
  }
  if rest > 1 { primes.append(rest) }
  var factors = [Int](repeating: 1, count: max(count, 1))
  for prime in primes.reversed() {
    let smallest = factors.indices.min { factors[$0] < factors[$1] }!  // at least one factor
    factors[smallest] *= prime  // divides n
  }
  return factors.sorted(by: >)
}
