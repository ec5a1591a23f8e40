/* Opens a compressed model and runs one of its layers on a row of ones: run_layer MODEL WEIGHT */
#include <stdio.h>
#include <stdlib.h>
#include <ttkit.h>

static int fail(void) {
  fprintf(stderr, "%s\n", ttk_last_error());
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s MODEL WEIGHT\n", argv[0]);
    return 2;
  }
  ttk_model       *model = NULL;
  ttk_linear      *layer = NULL;
  ttk_linear_plan *plan  = NULL;
  if (ttk_model_open(argv[1], 0, &model) != TTK_OK) return fail();
  if (ttk_model_linear(model, argv[2], &layer) != TTK_OK) return fail();
  if (ttk_linear_prepare(layer, NULL, &plan) != TTK_OK) return fail(); /* for one row */

  int64_t in = ttk_linear_in_features(layer), out = ttk_linear_out_features(layer);
  size_t  size      = ttk_linear_plan_workspace_size(plan);
  float  *x         = malloc((size_t)in * sizeof *x);
  float  *y         = malloc((size_t)out * sizeof *y);
  void   *workspace = malloc(size);
  if (x == NULL || y == NULL || workspace == NULL) return 1;
  for (int64_t i = 0; i < in; i++) x[i] = 1;
  if (ttk_linear_execute(plan, x, 1, y, workspace, size) != TTK_OK) return fail();

  double sum = 0;
  for (int64_t i = 0; i < out; i++) sum += y[i];
  printf("%s: %lld -> %lld, %lld bytes, sum of the output %g\n", ttk_linear_spec(layer),
         (long long)in, (long long)out, (long long)ttk_linear_nbytes(layer), sum);

  free(x);
  free(y);
  free(workspace);
  ttk_linear_plan_destroy(plan);
  ttk_linear_destroy(layer);
  ttk_model_destroy(model);
  return 0;
}
