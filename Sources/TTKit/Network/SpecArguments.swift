/// Typed access to the arguments of one call of a spec; what nobody takes is an error.

public struct SpecArguments {
  private let call: Spec.Call
  private var taken: [String] = []

  init(_ call: Spec.Call) { self.call = call }

  /// A whole number within `range`; nil when the key is absent.
  public mutating func integer(
    _ key: String, in range: ClosedRange<Int>
  ) throws(TTKitError) -> Int? {
    guard let argument = take(key) else { return nil }
    guard case .integer(let value) = argument.value, range.contains(value) else {
      let limit =
        range.upperBound == .max
        ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw error(argument, "expected a whole number, \(limit)")
    }
    return value
  }

  /// A whole number within `range`, or one of some words; nil when the key is absent.
  public mutating func integer(
    _ key: String, in range: ClosedRange<Int>, or words: [String]
  ) throws(TTKitError) -> Spec.Value? {
    guard let argument = take(key) else { return nil }
    switch argument.value {
    case .integer(let value) where range.contains(value): return argument.value
    case .word(let word) where words.contains(word): return argument.value
    default:
      let choices = words.joined(separator: " or ")
      throw error(
        argument,
        "expected a whole number from \(range.lowerBound) to \(range.upperBound), or \(choices)")
    }
  }

  /// One of some words; nil when the key is absent.
  public mutating func word(_ key: String, in words: [String]) throws(TTKitError) -> String? {
    guard let argument = take(key) else { return nil }
    guard case .word(let word) = argument.value, words.contains(word) else {
      throw error(argument, "expected \(words.joined(separator: " or "))")
    }
    return word
  }

  /// true or false; nil when the key is absent.
  public mutating func flag(_ key: String) throws(TTKitError) -> Bool? {
    guard let argument = take(key) else { return nil }
    switch argument.value {
    case .word("true"): return true
    case .word("false"): return false
    default: throw error(argument, "expected true or false")
    }
  }

  /// A number within `range`, above its lower end if that is `excluded`; nil when the key is absent.
  public mutating func number(
    _ key: String, in range: ClosedRange<Double>, excludesLower excluded: Bool = false
  ) throws(TTKitError) -> Double? {
    guard let argument = take(key) else { return nil }
    let value: Double?
    switch argument.value {
    case .integer(let whole): value = Double(whole)
    case .number(let real): value = real
    default: value = nil
    }
    guard let value, range.contains(value), !excluded || value > range.lowerBound else {
      let ends =
        excluded
        ? "above \(range.lowerBound), at most" : "from \(range.lowerBound) to"
      throw error(argument, "expected a number \(ends) \(range.upperBound)")
    }
    return value
  }

  /// Sizes such as 8x8x6, each at least 1; one number is a list of one. nil when the key is absent.
  public mutating func sizes(_ key: String) throws(TTKitError) -> [Int]? {
    guard let argument = take(key) else { return nil }
    let values: [Int]
    switch argument.value {
    case .integer(let value): values = [value]
    case .list(let list): values = list
    default: throw error(argument, "expected sizes such as 8x8x6")
    }
    guard values.allSatisfy({ $0 >= 1 }), values.count <= 64 else {
      throw error(argument, "expected 1 to 64 sizes, each at least 1")
    }
    _ = try checkedProduct(values)
    return values
  }

  /// A key that must be there; `key` may name two, as in "rank or rtol".
  public func required<V>(_ value: V?, _ key: String, _ example: String) throws(TTKitError) -> V {
    guard let value else {
      // A misspelt key is the likelier mistake.
      let strangers = call.arguments.filter { !taken.contains($0.key) }
      let keys = key.split(separator: " ").map(String.init).filter { $0 != "or" }
      for stranger in strangers {
        guard let meant = nearestName(to: stranger.key, in: keys) else { continue }
        throw .invalidArgument(
          "spec, character \(stranger.position): \(call.name) knows no '\(stranger.key)'; "
            + "the nearest is \(meant)")
      }
      throw .invalidArgument(
        "spec, character \(call.position): \(call.name) needs \(key), as in \(example)")
    }
    return value
  }

  /// - Throws: when arguments are left that nobody asked for, naming the nearest that exists.
  func finish(known: [String]) throws(TTKitError) {
    for argument in call.arguments where !taken.contains(argument.key) {
      let hint = nearestName(to: argument.key, in: known).map { "; the nearest is \($0)" } ?? ""
      throw .invalidArgument(
        "spec, character \(argument.position): \(call.name) knows no '\(argument.key)'"
          + (known.isEmpty
            ? "; it takes no arguments"
            : hint.isEmpty ? "; it knows \(known.joined(separator: ", "))" : hint))
    }
  }

  /// Keys that were asked for so far.
  var known: [String] { asked }
  private var asked: [String] = []

  private mutating func take(_ key: String) -> Spec.Argument? {
    asked.append(key)
    guard let found = call.arguments.first(where: { $0.key == key }) else { return nil }
    taken.append(key)
    return found
  }

  private func error(_ argument: Spec.Argument, _ expected: String) -> TTKitError {
    .invalidArgument(
      "spec, character \(argument.position): \(argument.key) is \(argument.value), \(expected)")
  }
}
