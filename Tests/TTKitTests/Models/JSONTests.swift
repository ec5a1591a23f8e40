import Testing

@testable import TTKit

@Suite struct JSONTests {
  @Test func textIsKept_inOrder_andExactly() throws {
    let text = #"{"b":1,"a":[true,false,null,-9223372036854775808,9223372036854775807],"é":"x\ny"}"#
    let value = try JSONValue(parsing: text)
    #expect(value.object?.keys == ["b", "a", "é"])
    #expect(try value.serialized() == text)
  }

  @Test(arguments: [
    ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3), ("{\n\n]", 3), ("", 1), ("[1,]", 1), ("[\n1e999]", 2),
    ("[9223372036854775808]", 1), ("\"alone\"", 1), ("[\"\\u0000\"]", 1), ("[1] 2", 1),
    (String(repeating: "[", count: 65) + String(repeating: "]", count: 65), 1),
    (String(repeating: "{\"a\":", count: 100_000), 1),
  ])
  func malformedText_isRefusedWithItsLine(text: String, line: Int) {
    do {
      _ = try JSONValue(parsing: text)
      Issue.record("accepted \(text.prefix(40))")
    } catch {
      #expect(error.line == line, "\(text.prefix(40)): \(error)")
    }
  }

  @Test func depthLimit_isAccepted_bracketsInStringsDoNotCount() throws {
    let depth = JSONValue.depthLimit
    _ = try JSONValue(
      parsing: String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
    let quoted = "[\"\\\"" + String(repeating: "[", count: 100) + "\"]"
    #expect(try JSONValue(parsing: quoted).array?.count == 1)
  }

  @Test func invalidUTF8_isRefused() {
    let bytes: [UInt8] = [0x5b, 0x22, 0xff, 0x22, 0x5d]
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: bytes.span) }
  }

  @Test func objects_ofAnySize_findAndReplace() {
    var object = JSONObject()
    for count in 1...20 {
      object["k\(count)"] = .integer(count)
      object["k1"] = .integer(-count)
      #expect(object.members.count == count && object["k\(count + 1)"] == nil)
      for k in 2..<max(count, 2) { #expect(object["k\(k)"] == .integer(k)) }
      #expect(object["k1"] == .integer(-count))
    }
  }

  @Test func notANumber_cannotBeWritten() {
    #expect(throws: TTKitError.self) { try JSONValue.number(.nan).serialized() }
  }
}
