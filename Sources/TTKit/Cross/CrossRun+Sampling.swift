/// The points a run looks at before and beside its crosses.

extension CrossRun {
  /// `count` random points where pivots may be: fewer if the condition is rarely met.
  mutating func draw(_ count: Int) throws(Interruption) -> KeyList {
    if admissible.isFree { return coder.randomPoints(count, &random) }
    var result = KeyList(width: coder.width)
    for _ in 0..<16 where result.count < count {
      let points = coder.randomPoints(2 * count, &random)
      let allowed = try admissible.check(points, coder) ?? []
      for p in points.indices where allowed[p] && result.count < count {
        result.append(points.key(p))
      }
    }
    return result
  }

  /// Samples the guide and the caller's pivots; the points where |f| is largest, nil if f was 0 throughout.
  mutating func start() throws(Interruption) -> KeyList? {
    let given = try givenPivots()
    let base = coder.shape.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    let spare = sampler.limit - min(sampler.limit, base) - given.count
    if let all = coder.allPoints(limit: min(Self.guideCount + Self.validationCount, spare)),
      admissible.isFree
    {
      isExhaustive = true
      guide.append(all, try sampler.values(all))
    } else {
      let points = try draw(max(1, min(Self.guideCount, spare / 8)))
      guard points.count + given.count > 0 else {
        throw .failed(
          .invalidArgument(
            "the pivot condition holds at no random point; loosen it, or give a pivot where it holds"
          ))
      }
      if spare > 0 || given.count == 0 { guide.append(points, try sampler.values(points)) }
    }
    var candidates = guide
    if given.count > 0 { candidates.append(given, try sampler.values(given)) }
    if candidates.size == 0, !isExhaustive {
      let fresh = try draw(max(0, min(Self.validationCount, spare / 2)))
      candidates.append(fresh, try sampler.values(fresh))
      guide = candidates
    }
    guard let top = largestElement(candidates.values), top.magnitude > 0 else { return nil }
    var points = KeyList(width: coder.width)
    points.append(candidates.points.key(top.index))
    points.append(given)
    points.append(candidates.points.key(0))
    return points
  }

  private func givenPivots() throws(Interruption) -> KeyList {
    var given = KeyList(width: coder.width)
    for pivot in options.pivots { given.append(coder.pack(pivot)) }
    if let allowed = try admissible.check(given, coder), let p = allowed.firstIndex(of: false) {
      throw .failed(
        .invalidArgument(
          "pivot \(p), \(describe(options.pivots[p])), does not meet the pivot condition"))
    }
    return given
  }

  /// Climbs along single modes to large errors of the train, from each of `starts`.
  ///
  /// - Returns: the points reached whose error exceeds `limit`.
  func globalSearch(
    _ starts: KeyList, _ cores: [[T]], limit: Double
  ) throws(Interruption) -> KeyList {
    var found = KeyList(width: coder.width)
    for s in starts.indices {
      var point = starts.key(s)
      var best = 0.0
      for k in 0..<coder.order where coder.shape[k] > 1 {
        var rest = coder.part(0..<k, of: point, at: 0)
        let after = coder.part(k + 1..<coder.order, of: point, at: 0)
        for w in rest.indices { rest[w] |= after[w] }
        var line = KeyList(width: coder.width)
        line.append(rest)
        line = line.expanded(mode: k, coder)
        let values = try sampler.values(line)
        let train = trainValues(cores, line, coder)
        let errors = values.indices.map { values[$0] - train[$0] }
        let allowed = try admissible.check(line, coder)
        guard let top = largestElement(errors, where: allowed) else { continue }
        if Double(top.magnitude) > best {
          best = Double(top.magnitude)
          point = line.key(top.index)
        }
      }
      if best > limit { found.append(point) }
    }
    return found
  }
}
