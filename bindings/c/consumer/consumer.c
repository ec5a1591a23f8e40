/* A C99 program that uses what is installed: decompose, evaluate, fit a layer, run it, fail politely. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <ttkit.h>

#include "layouts.h"

static int failures;

#define EXPECT(condition)                                                    \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, ttk_last_error()); \
      failures++;                                                            \
    }                                                                        \
  } while (0)

static void constants_agree(void) {
  EXPECT(ttk_version() == TTK_VERSION);
  EXPECT(strcmp(ttk_status_name(TTK_ERROR_SIZE), "TTK_ERROR_SIZE") == 0);
  EXPECT(ttk_dtype_size(TTK_COMPLEX128) == 16);
  EXPECT(ttk_kernel_level()[0] != 0);
}

static void trains_are_exact(void) {
  double values[24];
  for (int i = 0; i < 24; i++) values[i] = sin(0.1 * i); /* rank 2 in every unfolding */
  const int64_t shape[] = {2, 3, 4};
  ttk_array     tensor  = {values, shape, NULL, 3, TTK_FLOAT64};
  ttk_svd_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.rtol        = 1e-12;
  ttk_train *train    = NULL;
  EXPECT(ttk_svd(&tensor, &options, &train) == TTK_OK);
  int64_t ranks[4] = {0};
  ttk_train_ranks(train, ranks);
  EXPECT(ranks[0] == 1 && ranks[1] == 2 && ranks[2] == 2 && ranks[3] == 1);
  const int64_t index[] = {1, 2, 3};
  double        value   = 0;
  EXPECT(ttk_train_evaluate(train, 1, index, &value) == TTK_OK);
  EXPECT(fabs(value - sin(2.3)) < 1e-12);
  ttk_train_destroy(train);
}

static void layers_multiply(void) {
  float weight[6] = {1, 2, 3, 4, 5, 6}, bias[2] = {10, 20}, x[3] = {1, 0, -1}, y[2] = {0, 0};
  const int64_t shape[] = {2, 3}, out[] = {2};
  ttk_array     w = {weight, shape, NULL, 2, TTK_FLOAT32}, b = {bias, out, NULL, 1, TTK_FLOAT32};
  ttk_linear      *layer = NULL;
  ttk_linear_plan *plan  = NULL;
  EXPECT(ttk_linear_fit(&w, "dense", &b, NULL, &layer) == TTK_OK);
  EXPECT(ttk_linear_prepare(layer, NULL, &plan) == TTK_OK);
  ttk_linear_destroy(layer); /* the plan holds what it needs */
  static double workspace[1 << 16];
  EXPECT(ttk_linear_plan_workspace_size(plan) <= sizeof workspace);
  EXPECT(ttk_linear_execute(plan, x, 1, y, workspace, sizeof workspace) == TTK_OK);
  EXPECT(y[0] == 8 && y[1] == 18);
  ttk_linear_plan_destroy(plan);
}

static void failures_are_polite(void) {
  ttk_train *train = (ttk_train *)&failures;
  EXPECT(ttk_svd(NULL, NULL, &train) == TTK_ERROR_ARGUMENT);
  EXPECT(train == NULL && ttk_last_error()[0] != 0);
  EXPECT(ttk_svd(NULL, NULL, NULL) == TTK_ERROR_ARGUMENT);
  EXPECT(ttk_train_load("/nonexistent/train", &train) == TTK_ERROR_IO);
  ttk_train_destroy(NULL);
  ttk_train_matrix_destroy(NULL);
  ttk_linear_destroy(NULL);
  ttk_linear_plan_destroy(NULL);
  ttk_embedding_destroy(NULL);
  ttk_embedding_plan_destroy(NULL);
  ttk_recipe_destroy(NULL);
  ttk_model_destroy(NULL);
}

int main(void) {
  constants_agree();
  trains_are_exact();
  layers_multiply();
  failures_are_polite();
  if (failures == 0) puts("C: ok");
  return failures != 0;
}
