/* Bytes as runs of the iterative algorithms on small problems: cross approximation with callbacks that lie,
 * stop or call back into the library, linear systems, eigenpairs, truncated products, networks of dense
 * tensors. No crash, no leak, no budget exceeded; a failure leaves no result. */
#include <ttkit.h>

#include <math.h>
#include <stdlib.h>

#include "arrays.h"

enum { SLOTS = 3 };

typedef struct {
  ttk_train        *trains[SLOTS];
  ttk_train_matrix *matrices[SLOTS];
} objects;

typedef struct {
  input  *in;
  int32_t order;
  int64_t asked;
  double  values[16];
  ttk_dtype dtype;
} function;

/* A function of the indices that fuzz bytes chose; sometimes it stops or answers nonsense. */
static int32_t evaluate(void *context, size_t count, const int64_t *indices, void *values) {
  function *f = context;
  f->asked += (int64_t)count;
  memset(values, 0, count * width(f->dtype));
  for (size_t i = 0; i < count; i++) {
    double sum = 1;
    for (int32_t k = 0; k < f->order; k++) sum += f->values[(k * 5 + indices[i * (size_t)f->order + (size_t)k]) & 15];
    double value = 1 / (1 + sum * sum);
    char  *at    = (char *)values + i * width(f->dtype);
    if (is_wide(f->dtype)) memcpy(at, &value, sizeof value);
    else memcpy(at, &(float){(float)value}, sizeof(float));
  }
  if (f->in->left > 0 && take_below(f->in, 64) == 0) {
    double nonsense = take_real(f->in);
    if (count > 0) memcpy(values, &nonsense, width(f->dtype) < 8 ? 4 : 8);
  }
  return f->in->left > 0 && take_below(f->in, 200) == 0 ? (int32_t)take_int(f->in) : 0;
}

static int32_t combine(void *context, size_t count, const void *const *values, void *results) {
  function *f = context;
  for (size_t i = 0; i < count * width(f->dtype); i++)
    ((uint8_t *)results)[i] = f->dtype == TTK_FLOAT64 ? ((const uint8_t *)values[0])[i] : 0;
  return f->in->left > 0 && take_below(f->in, 100) == 0;
}

static int32_t allowed(void *context, size_t count, const int64_t *indices, uint8_t *flags) {
  function *f = context;
  for (size_t i = 0; i < count; i++)
    flags[i] = f->values[indices[i * (size_t)f->order] & 15] < 14;
  return 0;
}

static ttk_cross_options cross_options(input *in, function *f, int64_t *pivots, ttk_pivots **found) {
  ttk_cross_options options = {.struct_size = sizeof options};
  options.rtol            = take_below(in, 4) ? 1e-6 : take_real(in);
  options.max_rank        = take_below(in, 4) ? take_below(in, 5) : take_int(in);
  options.max_evaluations = take_below(in, 4) ? 200 + take_byte(in) : take_int(in);
  options.max_sweeps      = take_below(in, 4) ? 1 + take_below(in, 9) : take_int(in);
  options.method          = take_below(in, 6);
  options.search          = take_below(in, 4);
  options.seed            = take_byte(in);
  if (options.max_evaluations <= 0 || options.max_evaluations > 5000) options.max_evaluations = 5000;
  if (options.max_sweeps > 100) options.max_sweeps = 100; /* with every value known a sweep costs no evaluation */
  if (take_below(in, 4) == 0) {
    options.pivot_count = take_below(in, 4);
    options.pivots      = pivots;
    for (int i = 0; i < 4 * 8; i++) pivots[i] = take_int(in);
  }
  if (take_below(in, 4) == 0) {
    options.condition         = allowed;
    options.condition_context = f;
  }
  if (take_below(in, 2)) options.pivots_found = found;
  return options;
}

static ttk_train *cross(input *in) {
  int64_t  shape[8], pivots[4 * 8];
  function f = {in, 1 + take_below(in, 6), 0, {0}, take_below(in, 4) ? TTK_FLOAT64 : number_dtypes[take_below(in, 4)]};
  for (int k = 0; k < f.order; k++) shape[k] = take_below(in, 16) ? 1 + take_below(in, 6) : take_int(in);
  for (int i = 0; i < 16; i++) f.values[i] = take_below(in, 16);
  ttk_pivots       *found   = NULL;
  ttk_cross_options options = cross_options(in, &f, pivots, &found);
  ttk_cross_report  report  = {.struct_size = sizeof report};
  ttk_train        *train   = NULL;
  ttk_status status = ttk_cross(f.order, shape, f.dtype, evaluate, &f, &options, &train, &report);
  if (status != TTK_OK && train != NULL) abort();
  if (f.asked > options.max_evaluations) abort();
  if (status == TTK_OK && report.evaluations > f.asked) abort();
  ttk_pivots_count(found);
  ttk_pivots_destroy(found);
  return train;
}

static ttk_train *apply(input *in, const objects *all) {
  int64_t          pivots[4 * 8];
  const ttk_train *trains[] = {all->trains[0], all->trains[take_below(in, SLOTS)]};
  function f = {in, ttk_train_order(trains[0]), 0, {0}, ttk_train_dtype(trains[0])};
  if (f.order > 8) return NULL;
  ttk_cross_options options = cross_options(in, &f, pivots, NULL);
  options.pivots_found      = NULL;
  ttk_train *train = NULL;
  if (ttk_apply(1 + take_below(in, 2), trains, combine, &f, &options, &train, NULL) != TTK_OK && train != NULL)
    abort();
  return train;
}

static ttk_svd_options svd_options(input *in) {
  ttk_svd_options options = {.struct_size = sizeof options, .threads = 1};
  options.rtol     = take_below(in, 4) ? take_below(in, 8) / 8.0 : take_real(in);
  options.max_rank = take_below(in, 4) ? take_below(in, 5) : take_int(in);
  return options;
}

static ttk_train_matrix *matrix(input *in) {
  static double     values[MOST_ELEMENTS];
  int64_t           shapes[3][4];
  ttk_array         cores[3];
  ttk_dtype         dtype  = take_below(in, 4) ? TTK_FLOAT64 : number_dtypes[take_below(in, 4)];
  int               square = take_below(in, 8) != 0, order = 1 + take_below(in, 3);
  ttk_train_matrix *made   = NULL;
  fill_numbers(in, values, dtype, 64);
  for (int k = 0; k < order; k++) {
    shapes[k][0] = k == 0 ? 1 : shapes[k - 1][3];
    shapes[k][1] = 1 + take_below(in, 3);
    shapes[k][2] = square ? shapes[k][1] : 1 + take_below(in, 3);
    shapes[k][3] = k + 1 < order ? 1 + take_below(in, 2) : 1;
    cores[k]     = (ttk_array){values, shapes[k], NULL, 4, dtype};
  }
  ttk_train_matrix_from_cores(order, cores, &made);
  return made;
}

static ttk_train *solve(input *in, const objects *all) {
  ttk_solve_options options = {.struct_size = sizeof options, .rtol = take_below(in, 4) ? 1e-6 : take_real(in)};
  options.max_rank       = take_below(in, 4) ? take_below(in, 4) : take_int(in);
  options.max_sweeps     = 1 + take_below(in, 6);
  options.method         = take_below(in, 5);
  options.projection     = take_below(in, 4);
  options.preconditioner = take_below(in, 4);
  options.x0             = take_below(in, 4) ? NULL : all->trains[take_below(in, SLOTS)];
  ttk_solve_report report = {.struct_size = sizeof report};
  ttk_train_matrix *a = all->matrices[take_below(in, SLOTS)];
  ttk_train        *x = NULL;
  if (take_below(in, 2)) {
    if (ttk_solve(a, all->trains[take_below(in, SLOTS)], &options, &x, &report) != TTK_OK && x != NULL) abort();
    return x;
  }
  double     values[3], residuals[3];
  ttk_train *vectors[3] = {NULL, NULL, NULL};
  int        count      = take_below(in, 4);
  options.x0 = NULL;
  options.method = options.projection = options.preconditioner = 0;
  ttk_status status =
      ttk_eigenpairs(a, count, take_below(in, 2), &options, values, vectors, residuals, &report);
  for (int i = 0; i < 3; i++) {
    if (status != TTK_OK && vectors[i] != NULL) abort();
    if (i > 0) ttk_train_destroy(vectors[i]);
  }
  return vectors[0];
}

static ttk_train *decompose(input *in) {
  array_room          room;
  ttk_array           tensor  = any_array(in, &room, 5);
  ttk_network_options options = {.struct_size = sizeof options, .max_steps = 1 + take_below(in, 9), .threads = 1};
  options.rtol     = take_below(in, 4) ? 0.1 : take_real(in);
  options.max_rank = take_below(in, 4) ? take_below(in, 5) : take_int(in);
  ttk_network *network = NULL;
  ttk_status   status;
  switch (take_below(in, 3)) {
    case 0:
      options.rtol = options.max_rank = 0;
      status = ttk_canonical(&tensor, take_below(in, 8) ? 1 + take_below(in, 4) : take_int(in) % 64, &options, &network);
      break;
    case 1: status = ttk_tucker(&tensor, &options, &network); break;
    default: status = ttk_hierarchical_tucker(&tensor, &options, &network); break;
  }
  if (status != TTK_OK && network != NULL) abort();
  double    norm;
  ttk_array core;
  ttk_network_norm(network, &norm);
  ttk_network_core(network, (int32_t)take_int(in), &core);
  if (network != NULL && ttk_network_to_array(network, &tensor) != TTK_OK) abort();
  ttk_train      *train = NULL;
  ttk_svd_options round = svd_options(in);
  ttk_network_to_train(network, &round, &train);
  ttk_network_destroy(network);
  return train;
}

static ttk_train *algebra(input *in, const objects *all) {
  const ttk_train *a = all->trains[take_below(in, SLOTS)], *b = all->trains[take_below(in, SLOTS)];
  const ttk_train_matrix *m = all->matrices[take_below(in, SLOTS)];
  ttk_svd_options options = svd_options(in);
  ttk_train      *made    = NULL;
  int64_t         first[8], counts[8], steps[8];
  if (ttk_train_order(a) > 8) return NULL;
  for (int k = 0; k < 8; k++) {
    first[k]  = take_int(in);
    counts[k] = take_int(in);
    steps[k]  = take_below(in, 8) ? 1 : take_int(in);
  }
  switch (take_below(in, 6)) {
    case 0: ttk_train_multiply(a, b, take_below(in, 6), &options, &made); break;
    case 1: ttk_train_slice(a, first, counts, steps, &made); break;
    case 2: ttk_train_reshape(a, take_below(in, 9), counts, &options, &made); break;
    case 3: ttk_train_concatenate(take_below(in, 3), (const ttk_train *const[]){a, b}, (int32_t)first[0], &made); break;
    case 4: ttk_train_matrix_apply(m, a, take_below(in, 6), &options, &made); break;
    default: ttk_train_matrix_multiply_train(m, a, &made); break;
  }
  return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input   in  = {bytes, count};
  objects all = {0};
  for (int step = 0; step < 8 && in.left > 0; step++) {
    int slot = take_below(&in, SLOTS), kind = take_below(&in, 6);
    if (kind == 0) {
      ttk_train_matrix_destroy(all.matrices[slot]);
      all.matrices[slot] = matrix(&in);
      continue;
    }
    ttk_train *made = kind == 1   ? cross(&in)
                      : kind == 2 ? apply(&in, &all)
                      : kind == 3 ? solve(&in, &all)
                      : kind == 4 ? decompose(&in)
                                  : algebra(&in, &all);
    if (ttk_train_nbytes(made) > 1 << 18) {
      ttk_train_destroy(made);
      made = NULL;
    }
    ttk_train_destroy(all.trains[slot]);
    all.trains[slot] = made;
  }
  for (int slot = 0; slot < SLOTS; slot++) {
    ttk_train_destroy(all.trains[slot]);
    ttk_train_matrix_destroy(all.matrices[slot]);
  }
  return 0;
}
