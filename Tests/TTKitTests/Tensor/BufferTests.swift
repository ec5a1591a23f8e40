import CTTKKernels
import Testing

@testable import TTKit

@Suite struct BufferTests {
  @Test func count_isBoundedByTheAddressSpace() {
    #expect(throws: TTKitError.self) { _ = try Buffer<Double>(count: -1) }
    #expect(
      throws: TTKitError.sizeOverflow(
        "\(Int.max) elements of 8 bytes exceed the address space")
    ) { _ = try Buffer<Double>(count: .max) }
    #expect(throws: TTKitError.outOfMemory(bytes: .max)) { _ = try Buffer<UInt8>(count: .max) }
    #expect(throws: TTKitError.outOfMemory(bytes: .max - 63)) {
      _ = try Buffer<UInt8>(count: .max - 63)
    }
  }

  @Test func nothing_isABufferToo() throws {
    let buffer = try Buffer<Float>(count: 0)
    #expect(buffer.count == 0 && buffer.byteCount == 0)
    #expect(buffer.withSpan { $0.count } == 0)
  }

  @Test(arguments: [1, 15, 16, 17, 1000])
  func memory_isAlignedAndZeroedOnRequest(count: Int) throws {
    let buffer = try Buffer<Float>(count: count, zeroed: true)
    #expect(buffer.withSpan { span in span.indices.allSatisfy { span[$0] == 0 } })
    #expect(UInt(bitPattern: UnsafeRawPointer(buffer.base)) % 64 == 0)
  }
}
