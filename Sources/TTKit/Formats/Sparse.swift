/// A few entries of the matrix, anywhere in it: what other terms of a sum serve badly.
///
/// Sources: T. Dettmers et al., SpQR, ICLR 2024; S. Kim et al., SqueezeLLM, ICML 2024 (dense and sparse);
/// T. Zhou, D. Tao, GoDec, ICML 2011 (low rank and sparse by turns).
public struct Sparse: Format {
  public static let name = "sparse"
  let amount: SparseAmount

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    let share = try arguments.number("share", in: 0...1, excludesLower: true)
    let count = try arguments.integer("count", in: 1...Int.max)
    switch (share, count) {
    case (let share?, nil): amount = .share(share)
    case (nil, let count?): amount = .count(count)
    case (nil, nil):
      _ = try arguments.required(share, "share or count", "sparse(share=0.005)")
      amount = .count(1)
    default:
      throw .invalidArgument("sparse: share and count are both given, expected one of them")
    }
  }

  public var call: Spec.Call { Spec.Call(Self.name, [amount.argument]) }

  /// W[i, j] = S[i, j]: one core, whose storage holds the entries that are kept.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    _ = try amount.count(rows: rows, columns: columns)
    return try Dense().equation(rows: rows, columns: columns)
  }

  /// Values are floats; where they stand is kept beside them.
  public func coreStorage(_ storage: any Storage, columns: Int) throws(TTKitError) -> any Storage {
    if let same = storage as? SparseStorage { return same }
    guard storage is any FloatStorage, let dtype = SparseStorage.dtype(storage.call) else {
      throw .invalidArgument(
        "sparse: its entries cannot be held as \(storage.call); use float16, bfloat16 or float32")
    }
    return SparseStorage(dtype: dtype, amount: amount)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Sparse {
    try requireShapes(coreShapes, rows: rows, columns: columns)
    return self
  }
}

/// How many entries are kept.
enum SparseAmount: Sendable, Equatable {
  /// Of all entries, above 0, at most 1.
  case share(Double)
  case count(Int)

  var argument: Spec.Argument {
    switch self {
    case .share(let share): return Spec.Argument("share", .number(share))
    case .count(let count): return Spec.Argument("count", .integer(count))
    }
  }

  /// At least 1. The same on every machine: one product, rounded to the nearest whole number.
  /// - Throws: `.invalidArgument` for more entries than there are.
  func count(rows: Int, columns: Int) throws(TTKitError) -> Int {
    let all = try checkedProduct([rows, columns])
    switch self {
    case .share(let share):
      let wanted = (share * Double(all)).rounded()
      return wanted >= Double(all) ? all : max(Int(wanted), 1)
    case .count(let count):
      guard count <= all else {
        throw .invalidArgument(
          "sparse: count is \(count), a matrix of \(rows) x \(columns) has \(all) entries")
      }
      return count
    }
  }
}
