/// Folders by system calls: what is in them, making and removing them.
internal import Glibc

enum FileKind: Equatable {
  case missing, file, folder, other
}

/// What a path leads to, links followed.
func fileKind(_ path: String) throws(TTKitError) -> FileKind {
  var status = stat()
  // status is written by the call only.
  guard unsafe stat(path, &status) == 0 else {
    if errno == ENOENT || errno == ENOTDIR { return .missing }
    throw systemError("read", path, errno)
  }
  switch status.st_mode & S_IFMT {
  case S_IFREG: return .file
  case S_IFDIR: return .folder
  default: return .other
  }
}

/// True when both paths lead to the same file or folder.
func sameFile(_ a: String, _ b: String) -> Bool {
  var first = stat()
  var second = stat()
  guard unsafe stat(a, &first) == 0, unsafe stat(b, &second) == 0 else { return false }
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino
}

/// Names in a folder, in byte order, without "." and "..".
func namesInFolder(_ path: String) throws(TTKitError) -> [String] {
  guard let folder = unsafe opendir(path) else { throw systemError("read", path, errno) }
  defer { unsafe closedir(folder) }
  var names: [String] = []
  while let entry = unsafe readdir(folder) {
    // d_name is a C string inside the entry, valid until the next readdir.
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
      unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted { byteOrder($0, $1) }
}

/// Makes a folder and the ones it is in; returns those that were not there, outermost first.
func makeFolder(_ path: String) throws(TTKitError) -> [String] {
  switch try fileKind(path) {
  case .folder: return []
  case .missing: break
  default: throw .io("cannot make the folder \(path): a file has this name")
  }
  let parent = parentFolder(path)
  var made = parent == path ? [] : try makeFolder(parent)
  if unsafe mkdir(path, 0o777) == 0 {
    made.append(path)
  } else if errno != EEXIST {
    let failure = systemError("make the folder", path, errno)
    for folder in made.reversed() { removeFolder(folder) }
    throw failure
  }
  return made
}

/// Removes a folder if it is empty.
func removeFolder(_ path: String) { unsafe rmdir(path) }

/// Removes a file; says nothing when there is none.
func removeFile(_ path: String) { unsafe unlink(path) }

/// Waits until names given or taken in a folder are on the disk, where the file system can.
func synchronizeFolder(_ path: String) {
  let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard opened >= 0 else { return }
  fsync(opened)
  close(opened)
}
