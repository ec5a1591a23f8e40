/// The spec string: one spelling of a compressed weight in C, Python, recipes and files.
///
///     spec     term { "+" term }
///     term     call [ "@" call ]                    format, then storage
///     call     name [ "(" key "=" value { "," key "=" value } ")" ]
///     value    integer | number | word | integer "x" integer { "x" integer }

/// A parsed spec: names and arguments, not yet looked up.
public struct Spec: Sendable, Equatable, CustomStringConvertible {
  /// A format and, after @, the storage of its cores.
  public struct Term: Sendable, Equatable {
    public var format: Call
    public var storage: Call?

    public init(format: Call, storage: Call?) {
      self.format = format
      self.storage = storage
    }
  }

  /// A name with arguments; `position` is where it stands in the parsed text, counted from 1.
  public struct Call: Sendable, Equatable, CustomStringConvertible {
    public var name: String
    public var arguments: [Argument]
    public var position: Int

    public init(_ name: String, _ arguments: [Argument] = [], position: Int = 1) {
      self.name = name
      self.arguments = arguments
      self.position = position
    }

    public static func == (a: Call, b: Call) -> Bool {
      a.name == b.name && a.arguments == b.arguments
    }

    public var description: String {
      arguments.isEmpty
        ? name : name + "(" + arguments.map(\.description).joined(separator: ", ") + ")"
    }
  }

  public struct Argument: Sendable, Equatable, CustomStringConvertible {
    public var key: String
    public var value: Value
    public var position: Int

    public init(_ key: String, _ value: Value, position: Int = 1) {
      self.key = key
      self.value = value
      self.position = position
    }

    public static func == (a: Argument, b: Argument) -> Bool {
      a.key == b.key && a.value == b.value
    }

    public var description: String { "\(key)=\(value)" }
  }

  public enum Value: Sendable, Equatable, CustomStringConvertible {
    case integer(Int)
    case number(Double)
    case list([Int])
    case word(String)

    public var description: String {
      switch self {
      case .integer(let value): return String(value)
      case .number(let value): return String(value)
      case .list(let values): return values.map(String.init).joined(separator: "x")
      case .word(let text): return text
      }
    }
  }

  public var terms: [Term]

  public init(terms: [Term]) { self.terms = terms }

  /// Parses `text`.
  /// - Throws: `.invalidArgument` that names the character where the text goes wrong.
  public init(parsing text: String) throws(TTKitError) {
    var parser = SpecParser(text)
    self = try parser.parse()
    // Names, keys and values are checked here, so that a recipe fails before any work is done.
    for term in terms {
      _ = try Registry.format(term.format)
      if let storage = term.storage { _ = try Registry.storage(storage) }
    }
  }

  public var description: String {
    terms.map { term in
      term.storage.map { "\(term.format)@\($0)" } ?? "\(term.format)"
    }.joined(separator: " + ")
  }
}
