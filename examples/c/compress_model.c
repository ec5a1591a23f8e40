/* Compresses a model by the built-in recipe: compress_model SOURCE OUT */
#include <stdio.h>
#include <ttkit.h>

static int32_t weight_done(void *context, const ttk_weight_report *report, int64_t done,
                           int64_t total) {
  (void)context;
  if (report->spec != NULL)
    printf("%3lld of %lld  %-50s %-28s error %.1e\n", (long long)done, (long long)total,
           report->name, report->spec, report->error);
  return 0; /* anything else stops */
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s SOURCE OUT\n", argv[0]);
    return 2;
  }
  ttk_recipe *recipe = NULL;
  ttk_compress_options options = {.struct_size = sizeof options, .weight_done = weight_done};

  ttk_status status = ttk_recipe_builtin("default", &recipe);
  if (status == TTK_OK) status = ttk_model_compress(argv[1], recipe, argv[2], &options);
  if (status != TTK_OK) fprintf(stderr, "%s: %s\n", ttk_status_name(status), ttk_last_error());
  ttk_recipe_destroy(recipe);
  return status == TTK_OK ? 0 : 1;
}
