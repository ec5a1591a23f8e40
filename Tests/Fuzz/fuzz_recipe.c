/* Bytes as a recipe: parsed or refused; its own text parses again to the same text. */
#include <ttkit.h>

#include <stdlib.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  char *text = malloc(count + 1);
  memcpy(text, bytes, count);
  text[count]        = 0;
  ttk_recipe *recipe = NULL, *again = NULL;
  if (ttk_recipe_parse(text, &recipe) == TTK_OK) {
    if (ttk_recipe_parse(ttk_recipe_json(recipe), &again) != TTK_OK) abort();
    if (strcmp(ttk_recipe_json(recipe), ttk_recipe_json(again)) != 0) abort();
    ttk_recipe_spec(recipe, "encoder.layer.0.attention.self.query.weight");
    ttk_recipe_spec(recipe, text);
  } else if (recipe != NULL || ttk_last_error()[0] == 0) {
    abort();
  }
  ttk_recipe_destroy(recipe);
  ttk_recipe_destroy(again);
  free(text);
  return 0;
}
