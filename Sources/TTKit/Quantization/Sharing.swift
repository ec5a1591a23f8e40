/// Which elements of a core share a scale, a zero point or a codebook.

public enum Sharing: Sendable, Equatable, ExpressibleByIntegerLiteral {
  /// Runs of this many elements along a row; the last of a row may be shorter.
  case group(Int)
  case row, tensor

  public init(integerLiteral value: Int) { self = .group(value) }

  /// The argument `group` of a spec: a size, `row` or `tensor`.
  init(_ arguments: inout SpecArguments, default wanted: Sharing) throws(TTKitError) {
    let choice = try arguments.integer("group", in: 1...(1 << 20), or: ["row", "tensor"])
    switch choice {
    case .integer(let size): self = .group(size)
    case .word("row"): self = .row
    case .word: self = .tensor
    default: self = wanted
    }
  }

  var argument: Spec.Argument {
    switch self {
    case .group(let size): return Spec.Argument("group", .integer(size))
    case .row: return Spec.Argument("group", .word("row"))
    case .tensor: return Spec.Argument("group", .word("tensor"))
    }
  }
}
