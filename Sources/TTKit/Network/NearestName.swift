/// Suggestions for misspelt names.

/// The name nearest to `word` by edit distance; nil when none is near enough to be meant: at most half
/// of the longer of the two may differ.
public func nearestName(to word: String, in names: some Sequence<String>) -> String? {
  names.map { (name: $0, distance: editDistance(word, $0)) }
    .filter { $0.distance <= max(word.utf8.count, $0.name.utf8.count) / 2 }
    .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
}

/// Levenshtein distance of the first 200 characters.
private func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.utf8.prefix(200))
  let b = Array(b.utf8.prefix(200))
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let change = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
