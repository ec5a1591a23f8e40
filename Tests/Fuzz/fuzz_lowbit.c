/* Bytes as layers of few bits: fitted with and without the inputs' second moment, from trained scales,
 * prepared for both compute precisions, executed and trained. No crash, no leak, no read beyond an array;
 * weights that come back are finite, and rows know nothing of each other. */
#include <ttkit.h>

#include <math.h>
#include <stdlib.h>

#include "arrays.h"

static const char *const specs[] = {
    "dense@int2(group=row)", "dense@int3(group=16)", "dense@int4(group=row, symmetric=false)",
    "dense@int5(group=3)", "dense@int8(group=tensor)", "dense@int7(group=16)", "dense@kmeans1",
    "dense@kmeans2(group=row)", "dense@kmeans3(group=32)", "dense@kmeans4", "dense@kmeans6(group=row)",
    "dense@lloyd2", "dense@lloyd4(group=row)", "dense@pairs3", "dense@pairs4(group=row)", "dense@quads4",
    "rotation@int4(group=16)", "rotation(transform=dct)@lloyd3", "rotation(transform=orthogonal)@pairs4",
    "kashin@kmeans3", "kashin(code=split)@int2(group=row)", "kashin(method=greedy)@kmeans2(group=row)",
    "low_rank(rank=2)@int4(group=row)", "low_rank(rank=1)@float16 + dense@int3(group=row)",
    "low_rank(rank=1) + dense@kmeans2", "dense@float16", "dense@int4(group=0)", "dense@quads9",
};
enum { SPECS = sizeof specs / sizeof *specs, MOST_ROWS = 9, SIDE = 20 };

static int has_only_finite(const ttk_array *array) {
  for (int64_t i = 0; i < element_count(array); i++)
    if (!isfinite(is_wide(array->dtype) ? ((double *)array->data)[i] : ((float *)array->data)[i])) return 0;
  return 1;
}

/* A symmetric matrix, now and then none: of rank 1, of zeros, or of any numbers. */
static ttk_array moment_of(input *in, double *values, int64_t *shape, int64_t n) {
  double row[SIDE + 1];
  int    kind = take_below(in, 4);
  for (int64_t i = 0; i <= SIDE; i++) row[i] = take_real(in);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      values[i * n + j] = kind == 0 ? row[(i * 7 + j * 3) % SIDE] : kind == 1 ? 0 : row[i] * row[j] + (kind == 2 && i == j);
  shape[0] = shape[1] = n;
  return (ttk_array){values, shape, NULL, 2, TTK_FLOAT64};
}

static ttk_linear *fitted(input *in, const ttk_array *weight, const ttk_array *bias) {
  static double   numbers[(SIDE + 2) * (SIDE + 2)];
  int64_t         sides[2];
  ttk_linear     *layer   = NULL;
  ttk_fit_options options = {.struct_size = sizeof options, .threads = 1};
  ttk_array       moment  = moment_of(in, numbers, sides, weight->ndim > 1 ? weight->shape[1] + take_below(in, 2) : 1);
  if (take_below(in, 2)) options.moment = &moment;
  const char *spec = specs[take_below(in, SPECS)];
  if (ttk_linear_fit(weight, spec, take_below(in, 2) ? bias : NULL, &options, &layer) != TTK_OK && layer != NULL)
    abort();
  if (layer == NULL) return NULL;
  static float dense[SIDE * SIDE];
  int64_t      shape[] = {ttk_linear_out_features(layer), ttk_linear_in_features(layer)};
  ttk_array    back    = {dense, shape, NULL, 2, ttk_linear_dtype(layer)};
  if (back.dtype == TTK_FLOAT32 && (ttk_linear_to_array(layer, &back) != TTK_OK)) abort();
  /* A sum of terms may overflow where its parts do not. */
  if (back.dtype == TTK_FLOAT32 && !has_only_finite(&back) && ttk_linear_core_count(layer) == 1) {
    int is_rotated = spec[0] == 'r' || spec[0] == 'k';
    if (!is_rotated) abort();
  }
  return layer;
}

static ttk_linear *trained(input *in, const ttk_array *weight) {
  static const char *const storages[] = {"int2(group=tensor)", "int4(group=row)", "int8(group=3)",
                                         "int3(group=row, symmetric=false)", "kmeans2"};
  array_room     room;
  ttk_linear    *layer = NULL;
  ttk_quantized *core  = NULL;
  ttk_array      scale = any_array(in, &room, 3);
  char           spec[64];
  const char    *storage = storages[take_below(in, 5)];
  strcpy(spec, "dense@");
  strcat(spec, storage);
  if (ttk_quantize_with_scales(weight, storage, &scale, &core) != TTK_OK && core != NULL) abort();
  const ttk_quantized *cores[] = {core};
  ttk_linear_from_quantized(spec, take_below(in, SIDE), take_below(in, SIDE), 1, cores, NULL, &layer);
  if (layer == NULL && core != NULL)
    ttk_linear_from_quantized(spec, weight->shape[0], weight->shape[1], 1, cores, NULL, &layer);
  ttk_quantized_destroy(core);
  return layer;
}

/* Rows of a cosine transform are made in pairs and share their rounding. */
static int has_lone_rows(const ttk_linear *layer) {
  const char *spec = ttk_linear_spec(layer);
  return strstr(spec, "dct") == NULL;
}

static void execute(input *in, ttk_linear *layer) {
  static float        x[MOST_ROWS * SIDE], y[MOST_ROWS * SIDE], alone[SIDE];
  int64_t             n = ttk_linear_in_features(layer), m = ttk_linear_out_features(layer);
  ttk_linear_plan    *plan    = NULL;
  ttk_prepare_options options = {.struct_size = sizeof options, .max_rows = 1 + take_below(in, MOST_ROWS), .threads = 1};
  options.compute      = take_below(in, 2);
  options.memory_limit = take_below(in, 2) ? take_int(in) : 4 * m * n - 1;
  if (ttk_linear_dtype(layer) != TTK_FLOAT32) return;
  if (ttk_linear_prepare(layer, &options, &plan) != TTK_OK) return;
  size_t size = ttk_linear_plan_workspace_size(plan);
  char  *workspace = malloc(size + 1);
  fill_numbers(in, x, TTK_FLOAT32, options.max_rows * n);
  if (ttk_linear_execute(plan, x, options.max_rows, y, workspace, size) != TTK_OK) abort();
  if (size > 0 && ttk_linear_execute(plan, x, options.max_rows, y, workspace, size - 1) == TTK_OK) abort();
  /* NaN of one row stays there. */
  int64_t row = take_below(in, (int)options.max_rows);
  for (int64_t i = 0; i < n; i++) x[row * n + i] = NAN;
  for (int64_t i = 0; i < m; i++) alone[i] = y[(row + 1) % options.max_rows * m + i];
  if (ttk_linear_execute(plan, x, options.max_rows, y, workspace, size) != TTK_OK) abort();
  const float *beside = y + (row + 1) % options.max_rows * m;
  for (int64_t i = 0; i < m && options.max_rows > 1; i++)
    if (isfinite(alone[i]) && !(has_lone_rows(layer) ? alone[i] == beside[i] : isfinite(beside[i]))) abort();
  free(workspace);
  ttk_linear_plan_destroy(plan);
}

static void train(input *in, ttk_linear *layer) {
  static double     core_values[2][SIDE * SIDE], grad[MOST_ROWS * SIDE], y_values[MOST_ROWS * SIDE];
  array_room        rooms[3];
  ttk_training     *training = NULL;
  ttk_training_pass *pass    = NULL;
  ttk_training_options options = {sizeof options, take_below(in, 10), take_below(in, 10), take_below(in, 3), 1};
  if (ttk_training_create(layer, &options, &training) != TTK_OK) return;
  int64_t   n = ttk_linear_in_features(layer), m = ttk_linear_out_features(layer);
  int64_t   x_shape[] = {take_below(in, MOST_ROWS), n}, y_shape[] = {x_shape[0], m}, shapes[2][TTK_MAX_NDIM], one[] = {1};
  ttk_dtype dtype = ttk_linear_dtype(layer);
  ttk_array cores[2], scales[2], x = shaped_array(in, &rooms[0], 2, x_shape, dtype);
  float     steps[2] = {(float)take_real(in), 0.25f};
  double    wide[2]  = {steps[0], 0.25};
  int32_t   count    = ttk_linear_core_count(layer);
  for (int32_t k = 0; k < count && k < 2; k++) {
    int32_t ndim = 0;
    if (ttk_linear_core_shape(layer, k, &ndim, shapes[k]) != TTK_OK) abort();
    fill_numbers(in, core_values[k], dtype, SIDE);
    cores[k]  = (ttk_array){core_values[k], shapes[k], NULL, ndim, dtype};
    scales[k] = (ttk_array){dtype == TTK_FLOAT64 ? (void *)&wide[k] : &steps[k], one, NULL, 1, dtype};
  }
  ttk_training_inputs given = {sizeof given, &x, cores, scales, take_below(in, 2) ? &scales[0] : NULL,
                               take_below(in, 2) ? &scales[0] : NULL, NULL};
  ttk_array y = {y_values, y_shape, NULL, 2, dtype}, g = {grad, y_shape, NULL, 2, dtype};
  if (count <= 2 && x.shape[0] == x_shape[0] && x.shape[1] == n &&
      ttk_training_forward(training, &given, &y, &pass) == TTK_OK) {
    ttk_array grad_x = x;
    grad_x.data      = rooms[1].values;
    ttk_training_gradients out = {.struct_size = sizeof out, .x = &grad_x};
    ttk_training_vjp(pass, &g, &out);
  }
  ttk_training_pass_destroy(pass);
  ttk_training_destroy(training);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input      in = {bytes, count};
  array_room rooms[2];
  int64_t    shape[] = {1 + take_below(&in, SIDE - 1), 1 + take_below(&in, SIDE - 1)}, out[] = {shape[0]};
  if (shape[0] * shape[1] > MOST_ELEMENTS) shape[1] = MOST_ELEMENTS / shape[0];
  ttk_array   weight = shaped_array(&in, &rooms[0], 2, shape, take_below(&in, 4) ? TTK_FLOAT32 : TTK_FLOAT64);
  ttk_array   bias   = shaped_array(&in, &rooms[1], 1, out, weight.dtype);
  ttk_linear *layer  = take_below(&in, 4) ? fitted(&in, &weight, &bias) : trained(&in, &weight);
  if (layer == NULL) return 0;
  execute(&in, layer);
  execute(&in, layer);
  train(&in, layer);
  ttk_linear_destroy(layer);
  return 0;
}
