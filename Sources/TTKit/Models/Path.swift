/// File names as text.

/// The folder a path lies in: "." for a bare name.
func parentFolder(_ path: String) -> String {
  let trimmed = withoutTrailingSlashes(path)
  guard let slash = trimmed.lastIndex(of: "/") else { return "." }
  let parent = withoutTrailingSlashes(String(trimmed[..<slash]))
  return parent.isEmpty ? "/" : parent
}

/// The last component of a path.
func lastComponent(_ path: String) -> String {
  let trimmed = withoutTrailingSlashes(path)
  guard let slash = trimmed.lastIndex(of: "/") else { return trimmed }
  return String(trimmed[trimmed.index(after: slash)...])
}

func joined(_ folder: String, _ name: String) -> String {
  folder.hasSuffix("/") ? folder + name : folder + "/" + name
}

private func withoutTrailingSlashes(_ path: String) -> String {
  var kept = Substring(path)
  while kept.hasSuffix("/") { kept.removeLast() }
  return kept.isEmpty && !path.isEmpty ? "/" : String(kept)
}

/// Order of names by their UTF-8 bytes: the same in every language.
func byteOrder(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
