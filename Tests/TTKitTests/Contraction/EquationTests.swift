import Testing

@testable import TTKit

@Suite struct EquationTests {
  @Test(
    arguments: [
      ("ab,bc->ac", "ab,bc->ac"), (" ab , bc -> ac ", "ab,bc->ac"), ("ba,cb", "ba,cb->ac"),
      ("ii", "ii->"), ("", "->"), (",->", ",->"),
      ("{row}{i},{i}{column}->{row}{column}", "{row}i,i{column}->{row}{column}"),
      ("αβ,β->α", "αβ,β->α"), ("a{b}->b{a}", "ab->ba"),
    ] as [(String, String)])
  func equations_areRead(text: String, printed: String) throws {
    let equation = try ContractionEquation(parsing: text)
    #expect(equation.description == printed)
    #expect(try ContractionEquation(parsing: equation.description) == equation)
  }

  @Test(arguments: [
    ("ab-bc", "character 4: found '-' alone"), ("ab,bc->ad", "axis 'd' of the result"),
    ("ab->aa", "occurs twice in the result"), ("ab,b1->a", "found '1'"),
    ("a...->a", "'...' is not known"), ("a->b->c", "axis 'b'"), ("a->a->a", "found '-'"),
    ("{ab->a", "then '}'"), ("{}->", "then '}'"), ("a\n->a", "found"),
  ])
  func malformedEquations_sayWhere(text: String, words: String) {
    do throws(TTKitError) {
      _ = try ContractionEquation(parsing: text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.message.contains(words), "\(error.message)")
    }
  }

  @Test func tooMuch_isRefused() {
    let seventy = (0..<70).map { "{x\($0)}" }.joined()
    #expect(throws: TTKitError.self) { try ContractionEquation(parsing: seventy + "->") }
    let many = (0..<300).map { "{x\($0)}" }.joined(separator: ",")
    #expect(throws: TTKitError.self) { try ContractionEquation(parsing: many + "->") }
    let axes = (0..<260).map { "{x\($0)}{y\($0 / 2)}" }.prefix(200).joined(separator: ",")
    #expect(throws: TTKitError.self) { try ContractionEquation(parsing: axes + "->") }
    #expect(throws: TTKitError.self) {
      try ContractionEquation(parsing: String(repeating: "a", count: 70000))
    }
  }
}
