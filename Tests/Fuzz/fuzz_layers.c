/* Bytes as a sequence of calls on small layers and embeddings: any order, any sizes, no crash, no leak;
 * what succeeds is finite where its input was. */
#include <ttkit.h>

#include <math.h>
#include <stdlib.h>

#include "input.h"

static const char *const specs[] = {
    "dense", "low_rank(rank=2)", "dense@int8(group=4)", "train_matrix(rows=2x2, columns=2x3, rank=2)",
    "train(rows=2x2, columns=3x2, rank=3)@float16", "low_rank(rank=1)@int8", "dense@float64",
    "low_rank(rank=2) + dense@bfloat16", "dense@int8(group=3)", "low_rank(rtol=0.5)",
    "sparse(count=3) + dense@int8(group=4)", "sparse(share=0.5)@float16",
};
enum { SPECS = sizeof specs / sizeof *specs, SLOTS = 3, MOST_ROWS = 40 };

typedef struct {
  ttk_linear         *layers[SLOTS];
  ttk_linear_plan    *plans[SLOTS];
  ttk_embedding      *tables[SLOTS];
  ttk_embedding_plan *lookups[SLOTS];
} objects;

static void fit(objects *all, input *in, int slot) {
  double        values[40];
  float         narrow[40], bias_values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  int           wide    = take_below(in, 2);
  const int64_t shape[] = {4, 6}, strides[] = {take_below(in, 2) ? 6 : 1, take_below(in, 2) ? 1 : 4};
  for (int i = 0; i < 40; i++) narrow[i] = (float)(values[i] = take_real(in));
  const ttk_array weight = {wide ? (void *)values : narrow, shape, take_below(in, 2) ? strides : NULL, 2,
                            wide ? TTK_FLOAT64 : TTK_FLOAT32};
  const int64_t   out[]  = {4};
  const ttk_array bias   = {bias_values, out, NULL, 1, TTK_FLOAT32};
  const char     *spec   = specs[take_below(in, SPECS)];
  ttk_linear_destroy(all->layers[slot]);
  if (ttk_linear_fit(&weight, spec, take_below(in, 2) ? &bias : NULL, NULL, &all->layers[slot]) !=
          TTK_OK && all->layers[slot] != NULL)
    abort();
  ttk_embedding_destroy(all->tables[slot]);
  ttk_embedding_fit(&weight, spec, NULL, &all->tables[slot]);
}

static void from_cores(objects *all, input *in, int slot) {
  static float  values[64];
  int64_t       shapes[3][4];
  ttk_array     cores[3];
  for (int i = 0; i < 64; i++) values[i] = (float)(i % 7) - 3;
  for (int k = 0; k < 3; k++) {
    int64_t count = 1;
    for (int a = 0; a < 4; a++) count *= shapes[k][a] = take_below(in, 8);
    int ndim = take_below(in, 5);
    cores[k] = (ttk_array){count <= 64 ? values : NULL, shapes[k], NULL, ndim, TTK_FLOAT32};
    for (int64_t a = 0, c = 1; a < ndim; a++)
      if ((c *= shapes[k][a]) > 64) cores[k].data = NULL;
  }
  const char *spec = specs[take_below(in, SPECS)];
  ttk_linear_destroy(all->layers[slot]);
  ttk_linear_from_cores(spec, take_int(in), take_int(in), take_below(in, 4), cores, NULL, &all->layers[slot]);
  ttk_embedding_destroy(all->tables[slot]);
  ttk_embedding_from_cores(spec, take_int(in), take_int(in), take_below(in, 4), cores, &all->tables[slot]);
}

static void prepare(objects *all, input *in, int slot) {
  ttk_prepare_options options = {sizeof options, take_below(in, MOST_ROWS), take_int(in), NULL,
                                 take_below(in, 3), take_below(in, 20) == 0};
  ttk_linear_plan_destroy(all->plans[slot]);
  ttk_linear_prepare(all->layers[slot], take_below(in, 4) ? &options : NULL, &all->plans[slot]);
  ttk_embedding_plan_destroy(all->lookups[slot]);
  ttk_embedding_prepare(all->tables[slot], take_below(in, 4) ? &options : NULL, &all->lookups[slot]);
}

static void execute(objects *all, input *in, int slot) {
  static double x[MOST_ROWS * 8], y[MOST_ROWS * 8];
  for (int i = 0; i < MOST_ROWS * 8; i++) x[i] = i % 5;
  ttk_linear_plan *plan = all->plans[slot];
  size_t  size = ttk_linear_plan_workspace_size(plan), given = take_below(in, 8) ? size : size / 2;
  char   *workspace = malloc(given + 64);
  int64_t rows      = take_below(in, 8) ? ttk_linear_plan_max_rows(plan) : take_int(in);
  if (ttk_linear_plan_max_rows(plan) <= MOST_ROWS) {
    ttk_status status = ttk_linear_execute(plan, x, rows, y, workspace + take_below(in, 64), given);
    if (status == TTK_OK && given < size && rows > 0) abort();
  }
  free(workspace);
  ttk_embedding_plan *lookup = all->lookups[slot];
  int64_t ids[MOST_ROWS], count = take_below(in, 8) ? ttk_embedding_plan_max_rows(lookup) : take_int(in);
  for (int i = 0; i < MOST_ROWS; i++) ids[i] = take_int(in);
  size      = ttk_embedding_plan_workspace_size(lookup);
  workspace = malloc(size + 1);
  if (ttk_embedding_plan_max_rows(lookup) <= MOST_ROWS)
    ttk_embedding_execute(lookup, ids, take_below(in, 4) ? TTK_INT64 : take_below(in, 12), count, y,
                          workspace, size);
  free(workspace);
}

static void ask(objects *all, input *in, int slot) {
  ttk_linear *layer = all->layers[slot];
  double      values[64];
  int64_t     shape[TTK_MAX_NDIM];
  int32_t     ndim = 0, k = (int32_t)take_int(in);
  ttk_linear_flops(layer, take_int(in));
  ttk_linear_spec(layer);
  if (ttk_linear_core_shape(layer, k, &ndim, shape) == TTK_OK) {
    int64_t count = 1;
    for (int i = 0; i < ndim; i++) count *= shape[i];
    ttk_array core = {count <= 64 ? values : NULL, shape, NULL, ndim, ttk_linear_dtype(layer)};
    ttk_linear_core_to_array(layer, k, &core);
  }
  int64_t   dense_shape[] = {ttk_linear_out_features(layer), ttk_linear_in_features(layer)};
  ttk_array dense         = {values, dense_shape, NULL, 2, ttk_linear_dtype(layer)};
  if (layer != NULL && dense_shape[0] <= 8 && dense_shape[1] <= 8) ttk_linear_to_array(layer, &dense);
  int64_t   table_shape[] = {ttk_embedding_rows(all->tables[slot]),
                             ttk_embedding_features(all->tables[slot])};
  ttk_array table = {values, table_shape, NULL, 2, ttk_embedding_dtype(all->tables[slot])};
  if (table_shape[0] <= 8 && table_shape[1] <= 8) ttk_embedding_to_array(all->tables[slot], &table);
  ttk_linear_bias_to_array(layer, &dense);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input   in  = {bytes, count};
  objects all = {0};
  for (int step = 0; step < 24 && in.left > 0; step++) {
    int slot = take_below(&in, SLOTS);
    switch (take_below(&in, 5)) {
      case 0: fit(&all, &in, slot); break;
      case 1: from_cores(&all, &in, slot); break;
      case 2: prepare(&all, &in, slot); break;
      case 3: execute(&all, &in, slot); break;
      default: ask(&all, &in, slot); break;
    }
  }
  for (int slot = 0; slot < SLOTS; slot++) {
    ttk_linear_destroy(all.layers[slot]);
    ttk_linear_plan_destroy(all.plans[slot]);
    ttk_embedding_destroy(all.tables[slot]);
    ttk_embedding_plan_destroy(all.lookups[slot]);
  }
  return 0;
}
