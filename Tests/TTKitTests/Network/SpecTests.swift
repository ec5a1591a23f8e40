import Testing

@testable import TTKit

@Suite struct SpecTests {
  @Test(arguments: [
    "dense", "low_rank(rank=64)@float16", "low_rank(rank=16)@float32 + dense@int8(group=64)",
    "train_matrix(rows=8x8x6x8, columns=4x4x6x8, rank=8)@int8(group=32)",
    "train(rows=24x32, columns=32x24, rank=24x30x24)", "low_rank(rank=9, rtol=0.25)",
  ])
  func parsing_andPrinting_agree(text: String) throws {
    #expect(try Spec(parsing: text).description == text)
  }

  @Test func spaces_andDefaults_areNormalised() throws {
    let spec = try Spec(parsing: "  low_rank ( rank = 8 )\n@ int8 + dense ")
    #expect(spec.description == "low_rank(rank=8)@int8 + dense")
  }

  @Test(arguments: [
    ("", 1, "the end"), ("dens", 1, "dense"), ("dense@int", 7, "int2"), ("dense +", 8, "the end"),
    ("low_rank", 1, "rank"), ("low_rank(rank=0)", 10, "at least 1"),
    ("low_rank(rank=8, rnk=3)", 18, "rank"), ("low_rank(rnk=3)", 10, "rank"),
    ("low_rank(rank=8, rank=9)", 18, "twice"),
    ("low_rank(rank=8", 16, "')'"), ("low_rank(rank=8x)", 15, "whole numbers"),
    ("low_rank(rank=1.5)", 10, "1.5"), ("dense(a=1)", 7, "no arguments"),
    ("low_rank(rank=99999999999999999999)", 10, ""), ("dense@int8(group=0)", 12, "group"),
    ("train_matrix(rows=2x2, columns=2, rank=1)", 0, "as many"), ("dense)", 6, "')'"),
    ("train(rows=9223372036854775807x4, columns=2, rank=1)", 0, "2^63"),
  ])
  func malformedSpecs_pointAtTheCharacter(text: String, character: Int, hint: String) {
    do throws(TTKitError) {
      _ = try Spec(parsing: text)
      Issue.record("\(text) was accepted")
    } catch {
      if character > 0 { #expect(error.message.contains("character \(character):"), "\(error)") }
      #expect(error.message.contains(hint), "\(error)")
    }
  }

  @Test func aLongSpec_isRefused() {
    let text = "dense" + String(repeating: " + dense", count: 1000)
    #expect(throws: TTKitError.self) { try Spec(parsing: text) }
  }

  @Test func nearestName_isTheOneOfFewestEdits() {
    #expect(nearestName(to: "low_rnk", in: ["dense", "low_rank", "train"]) == "low_rank")
    #expect(nearestName(to: "x", in: [String]()) == nil)
  }

  @Test(arguments: [
    (48, 2, [8, 6]), (30522, 3, [5087, 3, 2]), (7, 2, [7, 1]), (1, 3, [1, 1, 1]),
  ])
  func balancedFactors_multiplyToTheSize(n: Int, count: Int, expected: [Int]) {
    #expect(balancedFactors(of: n, count: count) == expected)
  }
}
