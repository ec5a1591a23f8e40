/// JSON values as they come from headers, recipes and indexes: objects keep their order.

/// Any JSON value; integers are exact, objects keep the order of their members.
public indirect enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  public var string: String? { if case .string(let text) = self { text } else { nil } }
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

  /// The value as a floating-point number; integers count.
  public var number: Double? {
    switch self {
    case .number(let value): return value
    case .integer(let value): return Double(value)
    default: return nil
    }
  }

  /// An array of integers; nil when anything else is in it.
  public var integers: [Int]? {
    guard let array else { return nil }
    var result: [Int] = []
    for value in array {
      guard let number = value.integer else { return nil }
      result.append(number)
    }
    return result
  }

  public static func integers(_ values: [Int]) -> JSONValue {
    .array(values.map(JSONValue.integer))
  }

  /// What it is, for messages: "a string", "an object".
  public var kind: String {
    switch self {
    case .null: return "null"
    case .bool: return "true or false"
    case .integer: return "an integer"
    case .number: return "a number"
    case .string: return "a string"
    case .array: return "an array"
    case .object: return "an object"
    }
  }
}

/// The members of a JSON object, in order; keys are unique.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Member: Sendable, Equatable {
    public let key: String
    public var value: JSONValue
  }

  public private(set) var members: [Member] = []
  /// Places of keys, kept for large objects only: a header has many thousand small ones.
  private var positions: [String: Int] = [:]
  private static let searched = 8

  public init() {}

  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }

  public var keys: [String] { members.map(\.key) }

  private func position(_ key: String) -> Int? {
    positions.isEmpty ? members.firstIndex { $0.key == key } : positions[key]
  }

  /// The value of a key. Setting appends a new key at the end; setting nil does nothing.
  public subscript(key: String) -> JSONValue? {
    get { position(key).map { members[$0].value } }
    set {
      guard let newValue else { return }
      if let position = position(key) {
        members[position].value = newValue
        return
      }
      members.append(Member(key: key, value: newValue))
      if members.count > JSONObject.searched {
        // The first time, all keys so far; then the new one.
        for i in positions.count..<members.count { positions[members[i].key] = i }
      }
    }
  }
}

/// Where and why a text is no JSON, or none that is accepted here.
public struct JSONSyntaxError: Error, Equatable {
  public let line: Int
  public let column: Int
  public let text: String

  /// "line 2, column 7: invalid token".
  public var message: String { "line \(line), column \(column): \(text)" }
}
