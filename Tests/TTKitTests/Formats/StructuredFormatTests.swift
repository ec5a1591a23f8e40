import Testing

@testable import TTKit

/// What a spec makes of a matrix.
func fitted(
  _ matrix: Tensor<Double>, _ spec: String, padsRows: Bool = false
) throws -> CompressedMatrix {
  return try CompressedMatrix.fit(
    view(matrix), spec: Spec(parsing: spec), padsRows: padsRows)
}

/// A matrix from random cores in the shapes of the spec.
func randomMember(
  _ spec: String, rows: Int, columns: Int, _ random: inout TestRandom
) throws -> (matrix: CompressedMatrix, cores: [Tensor<Double>]) {
  let parsed = try Spec(parsing: spec)
  let format = try Registry.format(parsed.terms[0].format)
  var cores: [Tensor<Double>] = []
  for shape in try format.equation(rows: rows, columns: columns).coreShapes {
    cores.append(try random.tensor(shape))
  }
  let views = try cores.map { try view($0) }
  return (try CompressedMatrix.make(parsed, rows: rows, columns: columns, cores: views), cores)
}

private let specs = [
  "block_tensor_train(rows=4x6, columns=3x4, rank=2)",
  "block_tensor_train(rows=4x3x2, columns=2x3x2, rank=2)",
  "block_tensor_train(rows=6x2x2, columns=3x2x2, rank=3x2)",
  "monarch(blocks=2)", "kronecker(rows=4x6, columns=3x4)", "kronecker(rows=4x3x2, columns=2x3x2)",
  "cp(rows=4x6, columns=3x4, rank=2)", "tucker(rows=4x6, columns=3x4, rank=2x3x2x2)",
  "tucker(rows=24, columns=3x4, rank=3)",
]

@Suite struct StructuredFormatTests {
  /// A matrix of the family is found again. ALS (cp) converges linearly, so its bound is its stop.
  @Test(arguments: specs)
  func aMember_isFittedExactly(spec: String) throws {
    var random = TestRandom(seed: 11)
    let member = try randomMember(spec, rows: 24, columns: 12, &random).matrix
    let dense = try member.dense(Double.self)
    let made = try fitted(dense, spec)
    #expect(made.error <= (spec.hasPrefix("cp") ? 1e-3 : 24 * 12 * .ulpOfOne), "\(made.error)")
    #expect(try Spec(parsing: made.spec.description) == made.spec)
  }

  @Test(arguments: [
    "block_tensor_train(rows=4x6, columns=3x4, rank=4)",
    "block_tensor_train(rows=4x3x2, columns=2x3x2, rtol=1e-14)",
    "tucker(rows=4x6, columns=3x4, rank=12)", "monarch(blocks=1)",
    "cp(rows=24, columns=12, rank=12)", "cp(rows=24, columns=12, rank=15)",
    "kronecker(rows=24x1, columns=12x1)", "kronecker(rows=24, columns=12)",
  ])
  func fullRank_isExact(spec: String) throws {
    var random = TestRandom(seed: 12)
    let matrix = try random.tensor([24, 12])
    #expect(try fitted(matrix, spec).error <= 24 * 12 * .ulpOfOne)
  }

  /// error² = the squares of all discarded singular values of the slices W[(·, b), (c, ·)].
  @Test(arguments: [1, 2, 3, 4])
  func blockTrainAndMonarch_reachTheOptimum(rank: Int) throws {
    var random = TestRandom(seed: 13)
    let (rows, columns) = ([4, 6], [3, 4])
    let matrix = try random.tensor([24, 12])
    let sliced = try matrix.reshaped(rows + columns).transposed([1, 2, 0, 3]).reshaped([18, 16])
    var squares = 0.0
    for b in 0..<18 {
      let elements = Array(sliced.elements[(b * 16)..<(b * 16 + 16)])
      let s = try svd(Tensor(shape: [4, 4], elements: elements)).s
      squares += s.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
    }
    let optimum = squares.squareRoot() / matrix.norm
    let spec = "block_tensor_train(rows=4x6, columns=3x4, rank=\(rank))"
    #expect(abs(try fitted(matrix, spec).error - optimum) <= 1e-13)
  }

  /// Equal blocks, and a rank at least that of the Monarch matrix: its set contains theirs.
  @Test(arguments: [(2, 3), (3, 1), (4, 1)])
  func blockTrain_isNeverWorseThanMonarch(blocks: Int, rank: Int) throws {
    var random = TestRandom(seed: 14)
    let matrix = try random.tensor([24, 12])
    let monarch = try fitted(matrix, "monarch(blocks=\(blocks))")
    let monarchRank = monarch.cores[0].shape[3]
    var before = monarch.error
    for r in monarchRank...max(monarchRank + 1, rank) {
      let spec =
        "block_tensor_train(rows=\(24 / blocks)x\(blocks), columns=\(blocks)x\(12 / blocks), rank=\(r))"
      let error = try fitted(matrix, spec).error
      #expect(error <= before + 1e-14)
      before = error
    }
    #expect(monarchRank == max(12 / (blocks * blocks), 1))
  }

  @Test func aTolerance_isMet() throws {
    var random = TestRandom(seed: 15)
    let matrix = try random.tensor([24, 12])
    for rtol in [0.5, 0.2, 0.01] {
      for format in [
        "block_tensor_train(rows=4x6, columns=3x4", "block_tensor_train(rows=4x3x2, columns=2x3x2",
        "tucker(rows=4x6, columns=3x4",
      ] { #expect(try fitted(matrix, "\(format), rtol=\(rtol))").error <= rtol) }
    }
  }

  /// The best Kronecker product's error is that of the best rank-1 matrix of the rearrangement.
  @Test func kronecker_reachesTheOptimum() throws {
    var random = TestRandom(seed: 16)
    let matrix = try random.tensor([24, 12])
    let rearranged = try matrix.reshaped([4, 6, 3, 4]).transposed([0, 2, 1, 3]).reshaped([12, 24])
    let s = try svd(rearranged).s
    let optimum = s.dropFirst().reduce(0) { $0 + $1 * $1 }.squareRoot() / matrix.norm
    let made = try fitted(matrix, "kronecker(rows=4x6, columns=3x4)")
    #expect(abs(made.error - optimum) <= 1e-13)
    let norms = try made.cores.map { try $0.decoded(Double.self).norm }
    #expect(abs(norms[0] - norms[1]) <= 1e-13 * norms[0])
    // Three factors: no worse than the train of rank 1 it starts from.
    let three = try fitted(matrix, "kronecker(rows=4x3x2, columns=2x3x2)").error
    let train = try fitted(matrix, "train_matrix(rows=4x3x2, columns=2x3x2, rank=1)").error
    #expect(three <= train + 1e-14)
  }

  @Test func pairsOfFactors_areLowRank() throws {
    var random = TestRandom(seed: 17)
    let matrix = try random.tensor([24, 12])
    let best = try fitted(matrix, "low_rank(rank=3)").error
    #expect(abs(try fitted(matrix, "cp(rows=24, columns=12, rank=3)").error - best) <= 1e-13)
    #expect(abs(try fitted(matrix, "tucker(rows=24, columns=12, rank=3)").error - best) <= 1e-13)
  }

  @Test func moreSweepsOfCP_neverIncreaseTheError() throws {
    var random = TestRandom(seed: 18)
    let lengths = [5, 4, 3, 2]
    let tensor = try random.tensor(lengths)
    var state = try CanonicalFactors(lengths.map { try random.tensor([$0, 3]) })
    let left = lengths[..<state.cut].reduce(1, *)
    let matrix = tensor.reshaped([left, tensor.count / left])
    var before = 1.0
    for _ in 0..<20 {
      let error = try state.sweep(matrix, squaredNorm: tensor.norm * tensor.norm)
      #expect(error <= before + 1e-10)
      before = error
    }
  }

  /// W by its definition, element by element.
  @Test func equations_areTheDefinitions() throws {
    var random = TestRandom(seed: 19)
    let block = try randomMember(specs[0], rows: 24, columns: 12, &random)
    let cp = try randomMember(specs[6], rows: 24, columns: 12, &random)
    let (l, r) = (block.cores[0].elements, block.cores[1].elements)
    let u = cp.cores.map(\.elements)
    let (blockDense, cpDense) = (
      try block.matrix.dense(Double.self).elements, try cp.matrix.dense(Double.self).elements
    )
    for i in 0..<24 {
      for j in 0..<12 {
        let (a, b) = i.quotientAndRemainder(dividingBy: 6)
        let (c, e) = j.quotientAndRemainder(dividingBy: 4)
        var (first, second) = (0.0, 0.0)
        for s in 0..<2 {
          first += l[((a * 6 + b) * 3 + c) * 2 + s] * r[((s * 6 + b) * 3 + c) * 4 + e]
          second += u[0][a * 2 + s] * u[1][b * 2 + s] * u[2][c * 2 + s] * u[3][e * 2 + s]
        }
        #expect(abs(first - blockDense[i * 12 + j]) <= 1e-14)
        #expect(abs(second - cpDense[i * 12 + j]) <= 1e-14)
      }
    }
  }

  /// An embedding of 23 rows: the padded last one is fitted as zeros and never read.
  @Test(arguments: specs)
  func rowsArePadded(spec: String) throws {
    var random = TestRandom(seed: 20)
    let matrix = try random.tensor([23, 12])
    let made = try fitted(matrix, spec, padsRows: true)
    #expect(made.rows == 23 && made.error <= 1)
    #expect(throws: TTKitError.self) { try fitted(matrix, spec) }
  }

  @Test(arguments: [
    ("kronecker(rows=4x6, columns=12)", "as many of each"),
    ("kronecker(rows=5x5, columns=3x4)", "nearest factors are 6x4"),
    ("kronecker(rows=4x6, columns=3x4, rank=1)", "knows no 'rank'"),
    ("block_tensor_train(rows=24, columns=12, rank=1)", "at least 2"),
    ("block_tensor_train(rows=4x6, columns=3x4)", "needs rank or rtol"),
    ("block_tensor_train(rows=4x6, columns=3x4, rank=1x2)", "expected 1 or 1"),
    ("monarch()", "needs blocks"), ("monarch(blocks=0)", "1 to 1048576"),
    ("monarch(blocks=5)", "nearest that does is 4"),
    ("cp(rows=4x6, columns=3x4, rank=2x2)", "for 1 bonds"),
    ("cp(rows=4x6, columns=3x4, rank=2, rtol=0.1)", "give a rank"),
    ("tucker(rows=4x6, columns=3x4, rank=2x2)", "for 4 bonds"),
  ])
  func wrongSpecs_sayWhatIsWrong(spec: String, words: String) throws {
    var random = TestRandom(seed: 21)
    let matrix = try random.tensor([24, 12])
    do {
      _ = try fitted(matrix, spec)
      Issue.record("\(spec) was accepted")
    } catch let error as TTKitError {
      #expect(error.message.contains(words), "\(error.message)")
    }
  }
}
