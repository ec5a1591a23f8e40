import Glibc

@testable import TTKit

/// A folder of a test's own, removed with everything in it at the end.
final class TemporaryFolder {
  let path: String

  init() {
    var template = Array("/tmp/ttkit-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
    precondition(made, "no temporary folder")
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { TemporaryFolder.remove(path) }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  var names: [String] { (try? namesInFolder(path)) ?? [] }

  private static func remove(_ path: String) {
    for name in (try? namesInFolder(path)) ?? [] {
      let inside = path + "/" + name
      if (try? fileKind(inside)) == .folder { remove(inside) } else { removeFile(inside) }
    }
    removeFolder(path)
  }
}

func readAll(_ path: String) throws -> [UInt8] {
  let file = try ReadableFile(path: path)
  return try file.read(UInt8.self, count: file.size, at: 0).withSpan { span in
    span.indices.map { span[$0] }
  }
}

/// Without waiting for the disk, which would take minutes over thousands of files.
func writeAll(_ path: String, _ bytes: [UInt8]) throws {
  guard let file = fopen(path, "w") else { throw TTKitError.io("cannot write \(path)") }
  defer { fclose(file) }
  guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
    throw TTKitError.io("cannot write \(path)")
  }
}

func writeAll(_ path: String, _ text: String) throws { try writeAll(path, Array(text.utf8)) }

/// The bytes of a safetensors file with this header and so many bytes of data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  let text = Array(header.utf8)
  return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + data
}

/// Little-endian bytes of numbers.
func bytes(_ values: [Float]) throws -> Tensor<UInt8> {
  let raw = values.flatMap { value in
    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
  }
  return try Tensor(shape: [raw.count], elements: raw)
}

/// What a call throws; nil when it does not.
func failure(_ body: () throws(TTKitError) -> Void) -> TTKitError? {
  do throws(TTKitError) {
    try body()
    return nil
  } catch {
    return error
  }
}

extension TTKitError {
  var isFormat: Bool { if case .format = self { true } else { false } }
  var isIO: Bool { if case .io = self { true } else { false } }
  var isVersion: Bool { if case .version = self { true } else { false } }
  var isArgument: Bool { if case .invalidArgument = self { true } else { false } }
}
