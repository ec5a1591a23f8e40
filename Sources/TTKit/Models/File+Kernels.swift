/// Files by system calls: positioned reads, appends, and files that appear whole or not at all.
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

/// The largest piece of a system call and of copies through memory.
private let pieceSize = 1 << 30

/// Reads until `count` bytes are there; false when the file ends before.
private func readFully(
  _ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int, at offset: Int,
  _ path: String
) throws(TTKitError) {
  var done = 0
  while done < count {
    // In bounds: at most count - done bytes behind target + done.
    let n = unsafe pread(
      descriptor, target + done, min(count - done, pieceSize), off_t(offset + done))
    if n < 0 && errno == EINTR { continue }
    guard n >= 0 else { throw systemError("read", path, errno) }
    guard n > 0 else {
      throw .io("cannot read \(path): it ended at byte \(offset + done) while being read")
    }
    done += n
  }
}

/// A regular file open for reading at any position, from any thread.
final class ReadableFile: Sendable {
  let path: String
  let size: Int
  private let descriptor: Int32

  /// - Throws: `.io` when the system refuses, or when the path is no regular file.
  init(path: String) throws(TTKitError) {
    // O_NONBLOCK: opening a pipe must not wait; regular files do not care.
    let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard opened >= 0 else { throw systemError("open", path, errno) }
    var status = stat()
    guard unsafe fstat(opened, &status) == 0 else {
      let code = errno
      close(opened)
      throw systemError("open", path, code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      let what = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file"
      throw .io("cannot read \(path): it is \(what), expected a file")
    }
    self.path = path
    size = Int(status.st_size)
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// `count` elements from byte `offset` on; both must lie within `size`.
  func read<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int, at offset: Int
  ) throws(TTKitError) -> Buffer<Element> {
    let buffer = try Buffer<Element>(count: count)
    // In bounds: the buffer holds exactly byteCount bytes.
    unsafe try readFully(
      descriptor, UnsafeMutableRawPointer(buffer.base), buffer.byteCount, at: offset, path)
    return buffer
  }
}

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
