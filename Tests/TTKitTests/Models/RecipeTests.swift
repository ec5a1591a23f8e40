import Testing

@testable import TTKit

@Suite struct RecipeTests {
  @Test(arguments: [
    ("", "", true), ("", "a", false), ("*", "", true), ("*", "a.b", true), ("?", "é", true),
    ("?", "", false), ("a*c", "abbc", true), ("a*c", "abcd", false), ("*.weight", "x.weight", true),
    ("*.weight", "x.weights", false), ("h.*.c?.w", "h.12.c1.w", true), ("*a*a*", "ba", false),
    ("*ab", "aab", true), ("**", "x", true), ("a?", "a", false), ("[a]", "a", false),
  ])
  func patterns(pattern: String, name: String, expected: Bool) {
    #expect(NamePattern(pattern).matches(name) == expected)
  }

  @Test func hardPatterns_areFast() {
    let pattern = NamePattern(String(repeating: "*a", count: 200) + "b")
    #expect(!pattern.matches(String(repeating: "a", count: 4000)))
  }

  @Test func theFirstMatch_wins() throws {
    let recipe = try Recipe(
      parsing: """
        {"pooler.*": null, "head.weight": {"tied": "wte.weight"}, "tied.weight": {"tied": "head.weight"},
         "h.*": {"spec": "low_rank(rank=2)@float16", "transpose": true, "kind": "linear"},
         "*.weight": "dense@int8(group=32)"}
        """)
    #expect(recipe.spec(for: "pooler.weight") == nil)
    #expect(recipe.spec(for: "bias") == nil)
    #expect(recipe.spec(for: "a.weight")?.description == "dense@int8(group=32)")
    #expect(recipe.spec(for: "head.weight")?.description == "dense@int8(group=32)")
    #expect(recipe.spec(for: "tied.weight") == nil, "ties do not chain")
    guard case .compress(_, .linear, true) = recipe.action(for: "h.0.weight") else {
      Issue.record("h.* is not transposed")
      return
    }
    #expect(try Recipe(parsing: recipe.json).json == recipe.json)
  }

  @Test(arguments: [
    ("{\n \"a\": \n}", "line 3"), ("[]", "an array"), ("", "line 1"),
    (#"{"a": 1}"#, "an integer"), (#"{"a": {"specs": "dense"}}"#, #"the nearest is "spec""#),
    (#"{"a": {"transpos": true, "spec": "dense"}}"#, #"the nearest is "transpose""#),
    (#"{"a": {}}"#, #"expected "spec" or "tied""#), (#"{"a": {"spec": null}}"#, "null"),
    (#"{"a": {"tied": "b", "spec": "dense"}}"#, "leave them out"),
    (#"{"a": {"spec": "dense", "kind": "conv"}}"#, "embedding"),
    (#"{"a": {"spec": "dense", "transpose": 1}}"#, "true or false"),
    (#"{"a": "dens@int8"}"#, "character 1"), (#"{"a": "dense@int9"}"#, "int2"),
    (#"{"a": "low_rank(rnk=3)"}"#, "rank"), (#"{"a": null, "a": null}"#, "line 1"),
  ])
  func whatCannotBeUsed_isRefused_withAReason(json: String, reason: String) {
    let found = failure { () throws(TTKitError) in _ = try Recipe(parsing: json) }
    #expect(found?.isArgument == true)
    #expect(found?.message.contains(reason) == true, "\(String(describing: found))")
  }

  @Test func files_areRead_andNamedInMessages() throws {
    let folder = TemporaryFolder()
    try writeAll(folder("r.json"), #"{"a": "dense"}"#)
    #expect(try Recipe(path: folder("r.json")).spec(for: "a") != nil)
    try writeAll(folder("r.json"), "{")
    let found = failure { () throws(TTKitError) in _ = try Recipe(path: folder("r.json")) }
    #expect(found?.isArgument == true && found?.message.contains("r.json") == true)
    #expect(failure { () throws(TTKitError) in _ = try Recipe(path: folder("no")) }?.isIO == true)
  }

  @Test(arguments: [
    ("embeddings.word_embeddings.weight", WeightKind.embedding), ("wte.weight", .embedding),
    ("model.embed_tokens.weight", .embedding), ("encoder.layer.0.output.dense.weight", .linear),
    ("patch_embed.proj.weight", .linear), ("lm_head.weight", .linear),
  ])
  func kinds_areGuessedFromNames(name: String, kind: WeightKind) {
    #expect(WeightKind(guessedFrom: name) == kind)
  }

  @Test func theDefaultRecipe_leavesNormsAlone() throws {
    let recipe = try Recipe(builtin: "default")
    #expect(recipe.spec(for: "embeddings.word_embeddings.weight") != nil)
    #expect(recipe.spec(for: "encoder.layer.0.output.LayerNorm.weight") == nil)
    #expect(recipe.spec(for: "pooler.dense.bias") == nil)
    let found = failure { () throws(TTKitError) in _ = try Recipe(builtin: "defualt") }
    #expect(found?.isArgument == true && found?.message.contains("default") == true)
  }
}
