import Testing

@testable import TTKit

@Suite struct TrainFileTests {
  // Law 21.
  @Test func savingAndLoading_isTheIdentity() throws {
    for type in scalars { try check(type) }
    func check<T: TestScalar>(_ type: T.Type) throws {
      let folder = TemporaryFolder()
      var random = TrainRandom(seed: 21)
      let train = try random.train([3, 4, 5], ranks: [2, 3], type)
        .rounded(Truncation(relative: 0.2))
      try train.save(to: folder("a"))
      let file = try TrainFile(path: folder("a"), kind: .train)
      #expect(file.dtype == T.dtype)
      let loaded = try TensorTrain<T>(file)
      #expect(zip(loaded.cores, train.cores).allSatisfy { $0.elements == $1.elements })
      #expect(loaded.shape == train.shape && loaded.ranks == train.ranks)
      #expect(loaded.error == train.error)
      try loaded.save(to: folder("b"))
      #expect(try readAll(folder("a")) == readAll(folder("b")))
      #expect(folder.names.sorted() == ["a", "b"])

      let core = try random.tensor([1, 2, 3, 1], type)
      let matrix = try TrainMatrix(cores: [core])
      try matrix.save(to: folder("m"))
      let read = try TrainMatrix<T>(TrainFile(path: folder("m"), kind: .trainMatrix))
      #expect(read.rows == [2] && read.columns == [3])
      #expect(read.cores[0].elements == core.elements)
      #expect(throws: TTKitError.self) { try TrainFile(path: folder("m"), kind: .train) }
    }
  }

  @Test func damagedFiles_areRefused() throws {
    let folder = TemporaryFolder()
    var random = TrainRandom(seed: 22)
    try random.train([2, 3], ranks: [2], Double.self).save(to: folder("a"))
    let good = try readAll(folder("a"))
    for length in good.indices {
      try writeAll(folder("cut"), Array(good[..<length]))
      #expect(throws: TTKitError.self, "cut after \(length) bytes") { try load(folder, "cut") }
    }
    // One bit of each byte: all eight would take long.
    for place in good.indices {
      var bad = good
      bad[place] ^= 1 << UInt8(place % 8)
      try writeAll(folder("bad"), bad)
      #expect(throws: TTKitError.self, "bit \(place % 8) of byte \(place)") {
        try load(folder, "bad")
      }
    }
  }

  private func load(_ folder: TemporaryFolder, _ name: String) throws {
    _ = try TensorTrain<Double>(TrainFile(path: folder(name), kind: .train))
  }

  @Test func missingFiles_areAnIOError() {
    #expect(throws: TTKitError.self) { try TrainFile(path: "/nowhere/train", kind: .train) }
  }
}
