/// Files written by system calls, which appear whole or not at all.
internal import CTTKKernels
internal import Glibc
internal import Synchronization

/// "cannot open model.safetensors: No such file or directory".
func systemError(_ action: String, _ path: String, _ code: Int32) -> TTKitError {
  // strerror returns a C string that lives until this thread's next call.
  .io("cannot \(action) \(path): \(unsafe String(cString: strerror(code)))")
}

/// CRC-32C of bytes, continued from `crc`, 0 to start.
func crc32c(_ bytes: Span<UInt8>, continuing crc: UInt32 = 0) -> UInt32 {
  // In bounds: the span's own bytes.
  unsafe bytes.withUnsafeBytes { unsafe ttkk_crc32c(crc, $0.baseAddress, $0.count) }
}

/// Largest piece of one system call.
private let pieceSize = 1 << 30

/// A file under a temporary name, which gets its own at the very end or vanishes.
final class PendingFile {
  /// Bytes written so far.
  private(set) var size = 0
  /// -1 once sealed.
  private var descriptor: Int32
  private let temporary: String
  private let target: String
  private var named: Bool

  private static let counter = Atomic<Int>(0)

  /// A new file in the folder of `target`.
  /// - Parameter scratch: it has no name at all, and cannot be committed.
  init(beside target: String, scratch: Bool = false) throws(TTKitError) {
    var opened: Int32 = -1
    var name = ""
    for _ in 0..<1000 {
      let number = PendingFile.counter.wrappingAdd(1, ordering: .relaxed).oldValue
      name = "\(target).\(getpid())-\(number).tmp"
      opened = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened >= 0 || errno != EEXIST { break }
    }
    guard opened >= 0 else { throw systemError("write", target, errno) }
    if scratch { unsafe unlink(name) }
    descriptor = opened
    temporary = name
    self.target = target
    named = !scratch
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if named { unsafe unlink(temporary) }
  }

  func append(_ bytes: Span<UInt8>) throws(TTKitError) {
    // In bounds: the span's own bytes.
    let failure: TTKitError? = unsafe bytes.withUnsafeBytes { bytes in
      do throws(TTKitError) {
        unsafe try append(bytes)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  func append(_ text: String) throws(TTKitError) {
    let bytes = Array(text.utf8)
    try append(bytes.span)
  }

  private func append(_ bytes: UnsafeRawBufferPointer) throws(TTKitError) {
    var done = 0
    while done < bytes.count {
      // In bounds: at most bytes.count - done bytes behind the start + done.
      let n = unsafe write(
        descriptor, bytes.baseAddress! + done, min(bytes.count - done, pieceSize))
      if n < 0 && errno == EINTR { continue }
      guard n > 0 else { throw systemError("write", target, n < 0 ? errno : ENOSPC) }
      done += n
      size += n
    }
  }

  /// Appends a range of another pending file, in pieces through memory.
  func append(_ range: Range<Int>, of source: PendingFile) throws(TTKitError) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(range.upperBound - offset, 1 << 20)
      let buffer = try Buffer<UInt8>(count: count)
      // In bounds: the buffer holds count bytes.
      unsafe try readFully(source.descriptor, buffer.base, count, at: offset, source.target)
      try buffer.withSpan { (span) throws(TTKitError) in try append(span) }
      offset += count
    }
  }

  /// Waits until everything is on the disk; nothing can be appended after that.
  func seal() throws(TTKitError) {
    guard descriptor >= 0 else { return }
    let synchronized = fsync(descriptor)
    let code = errno
    let closed = close(descriptor)
    descriptor = -1
    guard synchronized == 0 else { throw systemError("write", target, code) }
    // Network file systems report a full disk here.
    guard closed == 0 || errno == EINTR else { throw systemError("write", target, errno) }
  }

  /// Gives the file its final name, replacing a regular file that has it.
  func commit(as path: String? = nil) throws(TTKitError) {
    let path = path ?? target
    try seal()
    precondition(named, "a scratch or committed file has no name to change")
    switch try fileKind(path) {
    case .missing, .file: break
    default: throw .io("cannot replace \(path): it is no regular file")
    }
    guard unsafe rename(temporary, path) == 0 else { throw systemError("write", path, errno) }
    named = false
  }
}
