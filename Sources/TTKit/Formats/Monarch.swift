/// The product of two block-diagonal matrices with a permutation between and after them.
///
/// Source: T. Dao et al., Monarch: Expressive Structured Matrices for Efficient and Accurate
/// Training, ICML 2022.
public struct Monarch: Format {
  public static let name = "monarch"
  public let blocks: Int

  public init(_ arguments: inout SpecArguments) throws(TTKitError) {
    blocks = try arguments.required(
      try arguments.integer("blocks", in: 1...(1 << 20)), "blocks", "monarch(blocks=32)")
  }

  public var call: Spec.Call {
    Spec.Call(Self.name, [Spec.Argument("blocks", .integer(blocks))])
  }

  /// The block tensor train it is: `blocks` x `blocks` slices of rank min(rows, columns) / blocks²,
  /// at least 1. Rows are padded to a multiple of the blocks.
  func train(rows: Int, columns: Int) throws(TTKitError) -> BlockTensorTrain {
    guard columns % blocks == 0, rows >= 1 else {
      let nearest = (1...min(columns, 1 << 20)).filter { columns % $0 == 0 }
        .min { abs($0 - blocks) < abs($1 - blocks) }
      throw .invalidArgument(
        "monarch: blocks=\(blocks) does not divide the matrix' \(columns) columns; "
          + "the nearest that does is \(nearest ?? 1)")
    }
    let height = (rows - 1) / blocks + 1
    let width = columns / blocks
    // Fits: at most max(rows, columns) + blocks, over blocks² <= 2⁴⁰.
    let rank = max(min(height, width) / blocks, 1)
    return BlockTensorTrain(
      rows: [height, blocks], columns: [blocks, width], limit: .reached([rank]))
  }

  /// L (rows / blocks, blocks, blocks, s) and R (s, blocks, blocks, columns / blocks): about
  /// 2 · rows · columns / blocks numbers for a square matrix.
  public func equation(rows: Int, columns: Int) throws(TTKitError) -> Equation {
    try train(rows: rows, columns: columns).equation(rows: rows, columns: columns)
  }

  public func adopting(
    coreShapes: [[Int]], rows: Int, columns: Int
  ) throws(TTKitError) -> Monarch {
    try requireShapes(coreShapes, rows: rows, columns: columns)
    return self
  }
}
