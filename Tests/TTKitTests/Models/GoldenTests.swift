import Glibc
import Testing

@testable import TTKit

/// Files that earlier versions wrote, which every later one must read, and files to refuse.
///
/// Tests/Golden/README.md says how they were made. They are never made again.
@Suite struct GoldenTests {
  static let golden: String = {
    let tests = parentFolder(parentFolder(parentFolder(#filePath)))
    return tests + "/Golden/"
  }()

  private func expected(_ name: String) throws -> JSONObject {
    let bytes = try readAll(GoldenTests.golden + "v1/\(name).json")
    return try #require(try JSONValue(parsing: bytes.span).object)
  }

  /// Numbers of a member that is an array.
  private func numbers(_ value: JSONValue?) throws -> [Double] {
    try #require(value?.array).compactMap(\.number)
  }

  @Test(arguments: ["model", "formats"])
  func model(file: String) throws {
    let path = GoldenTests.golden + "v1/\(file).safetensors"
    let model = try Model(path: path)
    let expected = try expected(file)
    let file = try SafetensorsFile(path: path)
    #expect(model.names == expected.keys)
    for (i, name) in model.names.enumerated() {
      let report = try model.report(i)
      let weight = try #require(expected[name]?.object)
      #expect(report.spec == weight["spec"]?.string)
      #expect(report.kind?.rawValue == weight["kind"]?.string)
      #expect(report.shape == weight["shape"]?.integers)
      let values = try numbers(weight["values"])
      if report.kind == nil {
        let entry = try #require(file.entry(name))
        #expect(try file.bytes(of: entry).elements.map(Double.init) == values)
      } else {
        let found = try model.matrix(name).dense(Double.self).elements
        let difference = zip(found, values).map { abs($0 - $1) }.max() ?? 1
        #expect(found.count == values.count)
        // Values are below 1, sums have fewer than 16 products: 16 eps of float32.
        #expect(difference <= 16 * Double(Float.ulpOfOne), "\(name): \(difference)")
      }
    }
  }

  @Test(arguments: [("train", Manifest.Kind.train), ("train_matrix", .trainMatrix)])
  func trains(name: String, kind: Manifest.Kind) throws {
    let file = try SafetensorsFile(path: GoldenTests.golden + "v1/\(name).safetensors")
    let fields = try file.manifest(of: kind)
    let expected = try expected(name)
    for (key, value) in expected.members.map({ ($0.key, $0.value) }) where key != "cores" {
      #expect(fields[key] == value)
    }
    let cores = try #require(expected["cores"]?.array)
    #expect(file.entries.count == cores.count)
    for (k, core) in cores.enumerated() {
      let entry = try #require(file.entry("\(kind.rawValue).core.\(k)"))
      #expect(entry.shape == core.object?["shape"]?.integers)
      let values = try numbers(core.object?["values"])
      let found =
        entry.dtype == .float64
        ? try file.tensor(of: entry, as: Double.self).elements
        : try file.tensor(of: entry, as: Float.self).elements.map(Double.init)
      #expect(found == values)
    }
  }

  @Test func trains_areLoaded() throws {
    let path = GoldenTests.golden + "v1/train.safetensors"
    let train = try TensorTrain<Complex<Float>>(TrainFile(path: path, kind: .train))
    let cores = try #require(try expected("train")["cores"]?.array)
    for (k, core) in train.cores.enumerated() {
      let found = core.elements.flatMap { [Double($0.real), Double($0.imaginary)] }
      #expect(try found == numbers(cores[k].object?["values"]))
    }
    #expect(train.shape == [3, 2, 2] && train.ranks == [1, 2, 2, 1])
    let matrix = try TrainMatrix<Double>(
      TrainFile(path: GoldenTests.golden + "v1/train_matrix.safetensors", kind: .trainMatrix))
    #expect(matrix.rows == [2, 3] && matrix.columns == [4, 2])
    let values = try #require(try expected("train_matrix")["cores"]?.array)
    for (k, core) in matrix.cores.enumerated() {
      #expect(try core.elements == numbers(values[k].object?["values"]))
    }
  }

  @Test(arguments: [
    "truncated", "overlapping_offsets", "absurd_header_length", "newer_version", "flipped_bit",
  ])
  func refused(name: String) throws {
    let path = GoldenTests.golden + "refused/\(name).safetensors"
    let found = failure { () throws(TTKitError) in _ = try Model(path: path) }
    if name == "newer_version" {
      #expect(found?.isVersion == true)
    } else {
      #expect(found?.isFormat == true)
    }
  }
}
