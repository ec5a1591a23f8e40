import CTTKit
import TTKitC
import Testing

@Suite struct RecipeTests {
  @Test func aRecipe_isParsed_andAsked() {
    var recipe: OpaquePointer?
    #expect(ttk_recipe_parse(#"{"a*": "dense@float16", "b": null}"#, &recipe) == TTK_OK)
    #expect(String(cString: ttk_recipe_spec(recipe, "ab")!) == "dense@float16")
    #expect(ttk_recipe_spec(recipe, "b") == nil && ttk_recipe_spec(recipe, nil) == nil)
    #expect(String(cString: ttk_recipe_json(recipe)!).contains("\"a*\""))
    ttk_recipe_destroy(recipe)
    ttk_recipe_destroy(nil)
    #expect(ttk_recipe_spec(nil, "a") == nil && ttk_recipe_json(nil) == nil)
  }

  @Test func malformedRecipes_giveNull_andAReason() {
    var recipe: OpaquePointer?
    #expect(ttk_recipe_parse("{\n\"a\" 1}", &recipe) == TTK_ERROR_ARGUMENT)
    #expect(recipe == nil && String(cString: ttk_last_error()!).contains("line 2"))
    #expect(ttk_recipe_parse(nil, &recipe) == TTK_ERROR_ARGUMENT)
    #expect(ttk_recipe_parse("{}", nil) == TTK_ERROR_ARGUMENT)
    #expect(ttk_recipe_load("/no/such/file", &recipe) == TTK_ERROR_IO)
    #expect(ttk_recipe_builtin("x", &recipe) == TTK_ERROR_ARGUMENT)
  }
}
