import Testing

@testable import TTKit

@Suite struct TrainMatrixTests {
  private func random<T: TestScalar>(_ type: T.Type) throws -> TrainMatrix<T> {
    var random = TrainRandom(seed: 13)
    var cores: [Tensor<T>] = []
    for shape in [[1, 2, 3, 2], [2, 4, 2, 3], [3, 3, 5, 1]] {
      try cores.append(random.tensor(shape, type))
    }
    return try TrainMatrix(cores: cores)
  }

  /// The dense matrix, element by element from the definition.
  private func dense<T: TestScalar>(_ matrix: TrainMatrix<T>) throws -> Tensor<T> {
    let (rows, columns) = (matrix.rows, matrix.columns)
    var values: [T] = []
    for i in indices(of: rows) {
      for j in indices(of: columns) {
        let pairs = zip(zip(i, j), columns).map { $0.0 * $1 + $0.1 }
        values += try evaluate(matrix.train, [pairs])
      }
    }
    return try Tensor(shape: [rows.reduce(1, *), columns.reduce(1, *)], elements: values)
  }

  private func view<T: Scalar, R>(
    _ tensor: Tensor<T>, _ body: (StridedView) throws -> R
  ) throws -> R {
    var values = tensor.elements
    return try values.withUnsafeMutableBytes { bytes in
      try body(
        StridedView(
          data: bytes.baseAddress, shape: tensor.shape, strides: nil, dtype: T.dtype))
    }
  }

  @Test func decomposition_findsRanksAndModes() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let matrix = try random(type)
      let a = try dense(matrix)
      try view(a) { array in
        let found = try TrainMatrix(
          decomposing: array, as: type, rows: [2, 4, 3], columns: [3, 2, 5])
        #expect(found.ranks == [1, 2, 3, 1])
        #expect(found.rows == [2, 4, 3] && found.columns == [3, 2, 5])
        #expect(try relativeError(dense(found), a) < 128 * T.eps)
        for (rows, columns) in [
          ([2, 4], [3, 2, 5]), ([2, 4, 4], [3, 2, 5]), ([0, 4], [3, 10]),
        ] {
          #expect(throws: TTKitError.self) {
            try TrainMatrix(decomposing: array, as: type, rows: rows, columns: columns)
          }
        }
      }
    }
  }

  @Test func writing_givesTheDenseMatrix() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let matrix = try random(type)
      let expected = try dense(matrix)
      var values = [T](repeating: .zero, count: expected.count)
      try values.withUnsafeMutableBytes { bytes in
        try matrix.write(
          to: StridedView(
            data: bytes.baseAddress, shape: expected.shape, strides: nil, dtype: T.dtype))
      }
      let found = try Tensor(shape: expected.shape, elements: values)
      #expect(try relativeError(found, expected) < 32 * T.eps)
    }
  }

  @Test func products_agreeWithDenseOnes() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      var source = TrainRandom(seed: 1)
      let matrix = try random(type)
      let a = try dense(matrix)
      for n in [1, 4] {
        let x = try source.tensor([30, n], type)
        let y = try matrix.multiplied(by: x)
        #expect(try relativeError(y, product(a, x)) < 64 * T.eps)
      }
      #expect(try matrix.multiplied(by: source.tensor([30, 0], type)).shape == [24, 0])
      let x = try source.train([3, 2, 5], ranks: [2, 2], type)
      let y = try matrix.multiplied(by: x)
      #expect(y.ranks == [1, 4, 6, 1])
      let expected = try product(a, x.dense().reshaped([30, 1])).reshaped([2, 4, 3])
      #expect(try relativeError(y.dense(), expected) < 64 * T.eps)
      let back = try matrix.transposed()
      #expect(back.rows == matrix.columns && back.columns == matrix.rows)
      #expect(try relativeError(dense(back), a.transposed([1, 0])) < 32 * T.eps)
    }
  }

  @Test func rounding_keepsItsTolerance() throws {
    let matrix = try random(Double.self)
    let rounded = try matrix.rounded(Truncation(relative: 0.3))
    let error = try relativeError(dense(rounded), dense(matrix))
    #expect(error <= 0.3 && abs(rounded.error - error) < 64 * Double.eps)
  }

  @Test func wrongShapes_areRefused() throws {
    let matrix = try random(Double.self)
    var source = TrainRandom(seed: 1)
    let (x, train) = (
      try source.tensor([29, 1], Double.self), try source.train([3, 2], Double.self)
    )
    #expect(throws: TTKitError.self) { try matrix.multiplied(by: x) }
    #expect(throws: TTKitError.self) { try matrix.multiplied(by: train) }
    let core = try source.tensor([1, 2, 1], Double.self)
    #expect(throws: TTKitError.self) { try TrainMatrix(cores: [core]) }
  }
}
