/// Reading files at any position, by system calls or through a mapping.
internal import Glibc

/// Largest piece of one system call.
private let pieceSize = 1 << 30

/// Reads `count` bytes from `offset` on.
func readFully(
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
@safe
final class ReadableFile: @unchecked Sendable {
  let path: String
  let size: Int
  private let descriptor: Int32
  /// All bytes of the file, nil when it is read by system calls.
  private let mapping: UnsafeMutableRawPointer?

  /// - Parameter mapped: reads through a mapping. Only for files that nobody cuts meanwhile: touching
  ///   a mapped byte that is gone ends the process.
  /// - Throws: `.io` when the system refuses, or when the path is no regular file.
  init(path: String, mapped: Bool = false) throws(TTKitError) {
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
    guard mapped, size > 0 else {
      unsafe mapping = nil
      return
    }
    let start = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, opened, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      let code = errno
      close(opened)
      throw systemError("map", path, code)
    }
    unsafe mapping = start
  }

  deinit {
    if let mapping = unsafe mapping { unsafe munmap(mapping, size) }
    close(descriptor)
  }

  /// `count` elements from byte `offset` on; both must lie within `size`.
  func read<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int, at offset: Int
  ) throws(TTKitError) -> Buffer<Element> {
    let buffer = try Buffer<Element>(count: count)
    let target = unsafe UnsafeMutableRawPointer(buffer.base)
    if let mapping = unsafe mapping {
      try requireWithin(offset, buffer.byteCount)
      // In bounds: just checked against the mapping's size; the buffer holds byteCount bytes.
      unsafe memcpy(target, mapping + offset, buffer.byteCount)
    } else {
      // In bounds: the buffer holds exactly byteCount bytes.
      unsafe try readFully(descriptor, target, buffer.byteCount, at: offset, path)
    }
    return buffer
  }

  /// Reads `count` bytes from `offset` on; both must lie within `size`.
  func read(
    into target: UnsafeMutableRawPointer, _ count: Int, at offset: Int
  ) throws(TTKitError) {
    // In bounds: the caller's memory holds count bytes.
    unsafe try readFully(descriptor, target, count, at: offset, path)
  }

  /// Calls `body` with `count` bytes from `offset` on: without a copy where the file is mapped.
  func withBytes(
    _ count: Int, at offset: Int, _ body: (Span<UInt8>) throws(TTKitError) -> Void
  ) throws(TTKitError) {
    guard let mapping = unsafe mapping else {
      let buffer = try read(UInt8.self, count: count, at: offset)
      return try buffer.withSpan { (span) throws(TTKitError) in try body(span) }
    }
    try requireWithin(offset, count)
    // In bounds: just checked against the mapping's size.
    let start = unsafe (mapping + offset).assumingMemoryBound(to: UInt8.self)
    try body(unsafe Span(_unsafeStart: start, count: count))
  }

  private func requireWithin(_ offset: Int, _ count: Int) throws(TTKitError) {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw .internal("bytes \(offset) to \(offset) + \(count) of \(path), which has \(size)")
    }
  }
}
