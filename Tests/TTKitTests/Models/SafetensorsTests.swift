import Glibc
import Testing

@testable import TTKit

/// A small file of ours: three tensors of different element sizes, one empty.
func writeSample(_ path: String) throws {
  let writer = try SafetensorsWriter(path: path)
  let codes = try Tensor<UInt8>(shape: [3], elements: [1, 2, 255])
  try writer.add(name: "codes", dtype: .uint8, shape: [3], bytes: codes)
  try writer.add(name: "a", dtype: .float32, shape: [2, 2], bytes: bytes([1, -2, 3.5, 4]))
  try writer.add(name: "empty", dtype: .float32, shape: [0, 7], bytes: bytes([]))
  try writer.write(kind: .layer, fields: ["note": .string("sample")])
}

@Suite struct SafetensorsTests {
  let folder = TemporaryFolder()

  @Test func whatIsWritten_isRead() throws {
    let path = folder("a.safetensors")
    try writeSample(path)
    let file = try SafetensorsFile(path: path)
    #expect(file.entries.map(\.name) == ["a", "empty", "codes"])
    let a = try #require(file.entry("a"))
    #expect(a.shape == [2, 2])
    #expect(try file.tensor(of: a, as: Float.self).elements == [1, -2, 3.5, 4])
    #expect(try file.bytes(of: #require(file.entry("codes"))).elements == [1, 2, 255])
    #expect(try file.manifest(of: .layer)["note"] == .string("sample"))
    #expect(
      failure { () throws(TTKitError) in _ = try file.manifest(of: .train) }?.isFormat == true)
    #expect(folder.names == ["a.safetensors"])
    #expect(try readAll(path).count % 8 == 3, "header and floats end at a multiple of 8")
  }

  @Test func mappedFiles_readTheSame() throws {
    try writeSample(folder("x"))
    let (plain, mapped) = (
      try SafetensorsFile(path: folder("x")), try SafetensorsFile(path: folder("x"), mapped: true)
    )
    #expect(try mapped.manifest(of: .layer) == plain.manifest(of: .layer))
    for entry in plain.entries {
      #expect(try mapped.bytes(of: entry).elements == plain.bytes(of: entry).elements)
      var pieces: [UInt8] = []
      try mapped.forEachPiece(of: entry, size: 5) { (span) throws(TTKitError) in
        for i in span.indices { pieces.append(span[i]) }
      }
      #expect(try pieces == plain.bytes(of: entry).elements)
    }
    try writeAll(folder("empty"), "")
    #expect(throws: TTKitError.self) { try SafetensorsFile(path: folder("empty"), mapped: true) }
  }

  @Test func sameCalls_giveTheSameBytes() throws {
    try writeSample(folder("a"))
    try writeSample(folder("b"))
    #expect(try readAll(folder("a")) == readAll(folder("b")))
  }

  @Test func droppedWriters_leaveNothing() throws {
    do {
      let writer = try SafetensorsWriter(path: folder("x"))
      try writer.add(name: "a", dtype: .float32, shape: [1], bytes: bytes([1]))
      _ = try writer.finish()
    }
    #expect(folder.names.isEmpty)
  }

  @Test func wrongSizes_andNamesTwice_areRefused() throws {
    let writer = try SafetensorsWriter(path: folder("x"))
    let one = try bytes([1])
    try writer.add(name: "a", dtype: .float32, shape: [1], bytes: one)
    #expect(throws: TTKitError.self) {
      try writer.add(name: "a", dtype: .float32, shape: [1], bytes: one)
    }
    #expect(throws: TTKitError.self) {
      try writer.add(name: "b", dtype: .float32, shape: [2], bytes: one)
    }
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"U8","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}"#,
    #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#,
    #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}"#,
    #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
    #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}"#, #"{"a":[]}"#, "{}", "[]", "",
    " {}",
    #"{"__metadata__":{"x":1},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"a":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}",
  ])
  func unsoundHeaders_areRefused(header: String) throws {
    try writeAll(folder("x"), safetensors(header, data: [1, 2, 3, 4]))
    let found = failure { () throws(TTKitError) in _ = try SafetensorsFile(path: folder("x")) }
    #expect(found?.isFormat == true, "\(String(describing: found))")
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100_000_001, 3])
  func absurdHeaderLengths_areRefused(length: UInt64) throws {
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) }
    try writeAll(folder("x"), prefix + Array("{}".utf8))
    let found = failure { () throws(TTKitError) in _ = try SafetensorsFile(path: folder("x")) }
    #expect(found?.isFormat == true)
  }

  @Test func emptyTensorsInOddPlaces_andMissingMetadata_areAccepted() throws {
    let header =
      #"{"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"z":{"dtype":"F64","shape":[9223372036854775807,0,9],"data_offsets":[4,4]},"y":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}}  "#
    try writeAll(folder("x"), safetensors(header, data: [1, 2, 3, 4]))
    let file = try SafetensorsFile(path: folder("x"))
    #expect(file.entries.map(\.name) == ["y", "b", "z"])
    #expect(try file.manifest() == nil)
  }

  @Test func missingFiles_foldersAndPipes_areRefusedBySystemErrors() throws {
    for path in [folder("missing"), folder.path, "/dev/null", folder("a\u{0}b"), ""] {
      let found = failure { () throws(TTKitError) in _ = try SafetensorsFile(path: path) }
      #expect(found?.isIO == true, "\(path): \(String(describing: found))")
    }
    let found = failure { () throws(TTKitError) in
      _ = try SafetensorsWriter(path: folder("no/such/folder/x"))
    }
    #expect(found?.isIO == true)
    #expect(found?.message.hasSuffix("No such file or directory") == true)
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything"))
  func missingPermission_isASystemError() throws {
    try writeSample(folder("x"))
    chmod(folder("x"), 0)
    #expect(
      failure { () throws(TTKitError) in _ = try SafetensorsFile(path: folder("x")) }?.isIO == true)
  }

  @Test func aFolderInTheWay_isNotReplaced() throws {
    _ = try makeFolder(folder("x"))
    let found = failure { () throws(TTKitError) in
      try SafetensorsWriter(path: folder("x")).write()
    }
    #expect(found?.isIO == true)
    #expect(folder.names == ["x"])
  }

  @Test func fullDisks_leaveNothing() async {
    await #expect(processExitsWith: .success) {
      // A limit on file sizes stands in for a full disk.
      let folder = TemporaryFolder()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
      setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
      for size in [1000, 3000] {  // fails in the copy behind the header, then in the data
        let found = failure { () throws(TTKitError) in
          let writer = try SafetensorsWriter(path: folder("x"))
          let values = try Tensor<UInt8>(shape: [size * 4], zeroed: true) { _ in }
          try writer.add(name: "a", dtype: .float32, shape: [size], bytes: values)
          try writer.finish(metadata: [("k", String(repeating: "v", count: 1000))]).commit()
        }
        #expect(found?.isIO == true, "\(String(describing: found))")
        #expect(folder.names.isEmpty)
      }
    }
  }
}
