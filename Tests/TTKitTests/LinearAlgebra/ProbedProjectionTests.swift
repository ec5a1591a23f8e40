import Testing

@testable import TTKit

/// The loss of a projection, measured along random directions.
@Suite struct ProbedProjectionTests {
  private static func losses<T: TestScalar>(
    of x: Tensor<T>, on basis: Tensor<T>
  ) throws -> (exact: Projection<T>, probed: Projection<T>) {
    var random = SeededGenerator(seed: 5)
    let columns = x.shape[1]
    let probes = try probed(basis, count: 12, &random)
    let exact = try project(RowSource(x), columns: columns, on: basis, .explicit)
    let other = try project(
      RowSource(x), columns: columns, on: stacked(basis, probes), .probes, probes: 12,
      orthogonal: columns - basis.shape[0])
    return (exact, other)
  }

  @Test func aLossOfManyDirections_isFoundWithinPercents() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 3)
      let basis = try lq(random.tensor([9, 130], type)).q
      let x = try random.tensor([1001, 130], type)
      let (exact, probed) = try Self.losses(of: x, on: basis)
      #expect(abs(probed.loss / exact.loss - 1) < 0.1, "\(type)")
      #expect(abs(probed.squares / exact.squares - 1) < 64 * T.eps, "\(type)")
      #expect(try relativeError(probed.y, exact.y) < 64 * T.eps, "\(type)")
    }
  }

  /// All of the loss in one row: its block tells, and the estimate is χ² with 12 degrees of freedom.
  @Test func aLossOfOneDirection_isFoundInItsBlock() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var random = TrainRandom(seed: 4)
      let basis = try lq(random.tensor([9, 1024], type)).q
      let inside = try product(random.tensor([400, 9], type), basis)
      var values = inside.elements
      values[333 * 1024 + 77] = values[333 * 1024 + 77] + T(0.3, imaginary: 0)
      let x = try Tensor(shape: [400, 1024], elements: values)
      let (exact, probed) = try Self.losses(of: x, on: basis)
      let block = 333 / probed.blockRows
      #expect(probed.losses.indices.max { probed.losses[$0] < probed.losses[$1] } == block)
      #expect(probed.loss > exact.loss / 3 && probed.loss < 3 * exact.loss, "\(type)")
    }
  }
}
