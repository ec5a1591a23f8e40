/// Parts of a tensor as trains.

/// Indices of one mode: a single one, which removes the mode, or `count` of them from `first` on.
public enum ModeSelection: Sendable {
  case element(Int)
  case slice(first: Int, step: Int, count: Int)
}

extension TensorTrain {
  /// The part of the tensor that the selections name; exact, ranks never grow.
  ///
  /// - Returns: the train of the sliced modes; of the single mode 1 when every mode is fixed.
  /// - Throws: `.invalidArgument` naming the mode whose selection is empty or leaves the tensor; `.outOfMemory`.
  public func sliced(_ selections: [ModeSelection]) throws(TTKitError) -> TensorTrain {
    guard selections.count == order else {
      throw .invalidArgument("\(selections.count) selections, expected \(order), one a mode")
    }
    var uses: [ModeUse<T>] = []
    for (k, selection) in selections.enumerated() {
      let n = shape[k]
      switch selection {
      case .element(let index):
        guard (0..<n).contains(index) else {
          throw .invalidArgument(
            "index \(index) of mode \(k) is out of range, expected 0 to \(n - 1)")
        }
        uses.append(.element(index))
      case .slice(let first, let step, let count):
        let (reach, overflow) = step.multipliedReportingOverflow(by: max(count, 1) - 1)
        let (last, more) = first.addingReportingOverflow(reach)
        guard count >= 1, !overflow, !more, (0..<n).contains(first), (0..<n).contains(last) else {
          throw .invalidArgument(
            "\(count) indices from \(first) by \(step) leave mode \(k), expected at least one, all"
              + " from 0 to \(n - 1)")
        }
        uses.append(.slice(first: first, step: step, count: count))
      }
    }
    return try reduced(uses)
  }

  /// The complex conjugate; a real train is itself.
  public func conjugated() throws(TTKitError) -> TensorTrain {
    var result: [Tensor<T>] = []
    for core in cores { try result.append(core.conjugated()) }
    return try TensorTrain(checking: result, error: error)
  }
}
