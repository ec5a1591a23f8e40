/// JSON text to values and back, by jansson.
internal import CJansson
internal import Glibc

extension JSONValue {
  /// Nesting that parsing accepts; what we read and write needs 5.
  static let depthLimit = 64

  /// Parses an object or an array; keys must be unique, integers must fit 64 bits.
  public init(parsing text: Span<UInt8>) throws(JSONSyntaxError) {
    try JSONValue.checkDepth(text)
    var error = json_error_t()
    let flags = Int(JSON_REJECT_DUPLICATES)
    let root: UnsafeMutablePointer<json_t>? = unsafe text.withUnsafeBytes { bytes in
      // In bounds: jansson reads exactly the bytes of the span.
      unsafe json_loadb(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, flags, &error)
    }
    guard let root = unsafe root else {
      let reason = unsafe withUnsafeBytes(of: &error.text) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw JSONSyntaxError(
        line: Int(error.line), column: Int(max(error.column, 1)),
        text: text.isEmpty ? "the text is empty" : reason)
    }
    defer { unsafe json_decref(root) }
    self = unsafe JSONValue.value(of: root)
  }

  public init(parsing text: String) throws(JSONSyntaxError) {
    let bytes = Array(text.utf8)
    try self.init(parsing: bytes.span)
  }

  /// Refuses deep nesting before a recursive parser sees it.
  private static func checkDepth(_ text: Span<UInt8>) throws(JSONSyntaxError) {
    var depth = 0
    var line = 1
    var lineStart = 0
    var inString = false
    var escaped = false
    for i in text.indices {
      let byte = text[i]
      if byte == UInt8(ascii: "\n") {
        line += 1
        lineStart = i + 1
      }
      if inString {
        if escaped {
          escaped = false
        } else if byte == UInt8(ascii: "\\") {
          escaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inString = true
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      default: break
      }
      if depth > depthLimit {
        throw JSONSyntaxError(
          line: line, column: i - lineStart + 1, text: "nested deeper than \(depthLimit) levels")
      }
    }
  }

  /// Depth is bounded by `checkDepth`, so recursion is.
  private static func value(of json: UnsafeMutablePointer<json_t>) -> JSONValue {
    // json and its children live until the root is released; strings are copied.
    switch unsafe json.pointee.type {
    case JSON_TRUE: return .bool(true)
    case JSON_FALSE: return .bool(false)
    case JSON_INTEGER: return .integer(Int(unsafe json_integer_value(json)))
    case JSON_REAL: return .number(unsafe json_real_value(json))
    case JSON_STRING:
      return .string(
        unsafe text(json_string_value(json), json_string_length(json)))
    case JSON_ARRAY:
      var values: [JSONValue] = []
      for i in 0..<(unsafe json_array_size(json)) {
        if let item = unsafe json_array_get(json, i) { values.append(unsafe value(of: item)) }
      }
      return .array(values)
    case JSON_OBJECT:
      var object = JSONObject()
      var iterator = unsafe json_object_iter(json)
      while let place = unsafe iterator {
        let key = unsafe text(json_object_iter_key(place), json_object_iter_key_len(place))
        if let item = unsafe json_object_iter_value(place) {
          object[key] = unsafe value(of: item)
        }
        unsafe iterator = json_object_iter_next(json, place)
      }
      return .object(object)
    default: return .null
    }
  }

  private static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
    // In bounds: jansson gives the length of its own string.
    unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// The value as compact JSON, members in order, or indented by `indent` spaces.
  ///
  /// - Throws: `.internal` for NaN or infinity, which JSON cannot hold; `.outOfMemory`.
  public func serialized(indent: Int = 0) throws(TTKitError) -> String {
    let root = unsafe try made()
    defer { unsafe json_decref(root) }
    var flags = Int(JSON_PRESERVE_ORDER) | Int(JSON_ENCODE_ANY)
    flags |= indent > 0 ? min(indent, 31) : Int(JSON_COMPACT)
    // jansson returns a C string of its own, which we free.
    guard let text = unsafe json_dumps(root, flags) else { throw .outOfMemory(bytes: 0) }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// A new jansson value, which the caller releases.
  private func made() throws(TTKitError) -> UnsafeMutablePointer<json_t> {
    let result: UnsafeMutablePointer<json_t>?
    switch self {
    case .null: unsafe result = json_null()
    case .bool(let value): unsafe result = value ? json_true() : json_false()
    case .integer(let value): unsafe result = json_integer(json_int_t(value))
    case .number(let value):
      guard value.isFinite else { throw .internal("\(value) cannot be written as JSON") }
      unsafe result = json_real(value)
    case .string(let text):
      let bytes = text.utf8CString
      // In bounds: utf8CString ends in a zero byte that is not part of the text.
      unsafe result = bytes.withUnsafeBufferPointer {
        unsafe json_stringn($0.baseAddress, $0.count - 1)
      }
    case .array(let values):
      unsafe result = json_array()
      guard let array = unsafe result else { throw .outOfMemory(bytes: 0) }
      do throws(TTKitError) {
        for value in values {
          // json_array_append_new takes over the item, also when it fails.
          guard unsafe json_array_append_new(array, try value.made()) == 0 else {
            throw .outOfMemory(bytes: 0)
          }
        }
      } catch {
        unsafe json_decref(array)
        throw error
      }
    case .object(let members):
      unsafe result = json_object()
      guard let object = unsafe result else { throw .outOfMemory(bytes: 0) }
      do throws(TTKitError) {
        for member in members.members {
          let item = unsafe try member.value.made()
          let key = member.key.utf8CString
          // json_object_setn_new takes over the item, also when it fails.
          let status = unsafe key.withUnsafeBufferPointer {
            unsafe json_object_setn_new(object, $0.baseAddress, $0.count - 1, item)
          }
          guard status == 0 else { throw .outOfMemory(bytes: 0) }
        }
      } catch {
        unsafe json_decref(object)
        throw error
      }
    }
    guard let result = unsafe result else { throw .outOfMemory(bytes: 0) }
    return unsafe result
  }
}
