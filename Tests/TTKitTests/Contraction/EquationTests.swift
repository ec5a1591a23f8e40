import Testing

@testable import TTKit

@Suite struct EquationTests {
  @Test(
    arguments: [
      ("ab,bc->ac", "ab,bc->ac"), (" ab , bc -> ac ", "ab,bc->ac"), ("ba,cb", "ba,cb->ac"),
      ("ii", "ii->"), ("", "->"), (",->", ",->"),
      ("{row}{i},{i}{column}->{row}{column}", "{row}i,i{column}->{row}{column}"),
      ("αβ,β->α", "αβ,β->α"), ("a{b}->b{a}", "ab->ba"),
      ("z{ 2 * y + i - 1 },i->zy", "z{2*y+i-1},i->zy"), ("{1*y}->y", "{1*y}->y"),
      ("{y+3}->y", "{y+3}->y"), ("{row+3*tap},{tap}", "{row+3*tap},{tap}->{row}"),
      ("{i[n]}a,b{ j [ n ] }->nab", "{i[n]}a,b{j[n]}->nab"), ("{i[n]}{j[n]}", "{i[n]}{j[n]}->"),
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
    ("{y+y}->y", "character 5: axis 'y' occurs twice"), ("{y+i-}->y", "a window is written"),
    ("{2147483648*y}->y", "a number below 2^31"), ("{i[n]->n", "']' and '}' behind '{i['"),
    ("{i[n]}{i[m]}->nm", "has the axis 'n', found another"), ("a->{2*a}", "plain axes only"),
  ])
  func malformedEquations_sayWhere(text: String, words: String) {
    do throws(TTKitError) {
      _ = try ContractionEquation(parsing: text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.message.contains(words), "\(error.message)")
    }
  }

  @Test func lengths_areThoseOfArraysAndWindows() throws {
    let conv = try ContractionEquation(parsing: "c{2*y+3*i-1},oci->oy")
    // names: c, y, i, o
    #expect(try conv.lengths([[5, 12], [7, 5, 3]]) == [5, 4, 3, 7])
    #expect(try conv.lengths([[5, 5], [7, 5, 3]])[1] == 1)
    #expect(throws: TTKitError.self) { try conv.lengths([[5, 4], [7, 5, 3]]) }
    #expect(throws: TTKitError.self) { try conv.lengths([[5, Int.max], [7, 5, 3]]) }
    // The length of one window is that of another's axis.
    let chain = try ContractionEquation(parsing: "{y+i},{x+y},x->iy")
    #expect(try chain.lengths([[9], [6], [3]]) == [4, 6, 3])
    #expect(throws: TTKitError.self) { try ContractionEquation(parsing: "{y+i}->").lengths([[9]]) }
  }

  /// The kernel's own shape is given up for its gradient, whose length must not be inferred from the window:
  /// a window may leave elements of its array unread.
  @Test(arguments: [
    ("a{2*y+i-1},iab->by", [[2, 6], [3, 2, 2]]), ("{y+i},i,y->", [[7], [3], [4]]),
    ("{y+i},i->", [[7], [3]]), ("{3*y+i},i->y", [[11], [2]]),
  ])
  func gradients_haveTheShapesOfTheirOperands(text: String, shapes: [[Int]]) throws {
    for dtype in [DType.float32, .complex128] {
      let plan = try ContractionPlan(
        ContractionEquation(parsing: text), shapes: shapes, dtype: dtype)
      for (k, shape) in shapes.enumerated() {
        #expect(try plan.gradient(of: k).resultShape == shape, "operand \(k), \(dtype)")
      }
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
