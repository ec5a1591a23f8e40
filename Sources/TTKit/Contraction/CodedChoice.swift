/// Which steps of a plan multiply by codes that stay packed.

extension ContractionPlan {
  /// By step: cores whose codes are predicted to be faster than floats, or whose floats leave the cache.
  ///
  /// - Parameters:
  ///   - cores: the constant operands.
  ///   - everything: all codes that can, for the least memory.
  func codedLayouts(_ cores: [EncodedCore], everything: Bool) -> [CodedLayout?] {
    let cost = CostModel(dtype: dtype)
    return steps.map { step in
      let layout = CodedLayout(step, of: self, cores: cores)
      guard let layout, !everything else { return layout }
      let rows = Double(step.rows.reduce(1) { $0 * lengths[$1] })  // planned sizes
      let floats = Double(layout.batch) * cost.panelBytes(layout.columns, layout.inner)
      let isFaster = cost.time(layout, rows: rows) < cost.floatTime(layout, rows: rows)
      return isFaster || floats > CostModel.cachedBytes ? layout : nil
    }
  }

  /// What codes take more than floats, in predicted seconds, when the first axis of the first operand has so
  /// many entries.
  func codedTime(_ layouts: [CodedLayout?], rows: Int) -> Double {
    let cost = CostModel(dtype: dtype)
    var lengths = lengths
    lengths[equation.operands[0][0]] = rows
    return zip(steps, layouts).reduce(0) { sum, pair in
      guard let layout = pair.1 else { return sum }
      let count = Double(pair.0.rows.reduce(1) { $0 * lengths[$1] })  // at most the planned size
      return sum + cost.time(layout, rows: count) - cost.floatTime(layout, rows: count)
    }
  }
}

extension CostModel {
  fileprivate func floatTime(_ layout: CodedLayout, rows: Double) -> Double {
    time(
      batch: Double(layout.batch), m: rows, n: Double(layout.columns), k: Double(layout.inner),
      isPacked: true)
  }

  /// Seconds of a step whose right operand are codes.
  ///
  /// Measured, 4 bits, AVX-512: one row makes 45e9 floats a second of codes in registers, several rows 30e9 in
  /// the first-level cache.
  fileprivate func time(_ layout: CodedLayout, rows: Double) -> Double {
    let (batch, panels) = (Double(layout.batch), Double(layout.panels))
    let count = batch * panels * Double(layout.width * layout.padded)
    let isSlow = !layout.hasTable && !layout.hasHalves
    let share = rows > 1 || isSlow ? 0.2 : layout.bits == 8 ? 0.25 : 0.3
    let work = 2 * (rows - 1) * count / rate + count / (rate * share)
    let folds = batch * Double(layout.spans) * rows * Double(layout.inner) / rate * 8
    let bytes = layout.byteCount / 2 + rows * batch * Double(layout.inner + layout.columns) * 4
    let time = max(work + folds, bytes / bandwidth(bytes)) + batch * panels * 2e-8 + 3e-7
    guard count * 4 < 8e6 else { return time }
    // Floats of a step that stay in the third-level cache. With AVX-512, four rows of 64 entries took 1.2 times
    // as long as those; with AVX2 one row 1.1 to 1.5 times. Of more floats, .4 and .6.
    return width < 32 ? 2.5 * time : rows > 1 ? 1.25 * time : time
  }
}
